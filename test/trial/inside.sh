#!/bin/sh
# Knows: how a Debian tree becomes a machine for the length of one command: inside.sh TREE COMMAND…
# Runs in mount and process namespaces of its own (run.mjs), so that nothing is left mounted or running afterwards.
set -eu
tree=$1
shift
# `ip netns exec` remounts `/`, which only works where `/` is a mount point.
mount --bind "$tree" "$tree"
mount -t proc proc "$tree/proc"
mount -t sysfs sysfs "$tree/sys"
mount --rbind /dev "$tree/dev"
mount -t tmpfs -o mode=755 tmpfs "$tree/run"
mount -t tmpfs -o mode=1777 tmpfs "$tree/tmp"
cd "$tree"
exec chroot "$tree" "$@"
