# Knows: how this machine's own Debian starts a second time, over a copy that forgets: systemd as process 1, namespaces of its own.
# Must not know: what is tried in it. Started in new namespaces; what it mounts goes with them.
set -e
FOLDER=$1 MODULES=$2 NODE=$3
TREE=$FOLDER/tree
mount --make-rprivate /
mount -t tmpfs tmpfs "$FOLDER"
mkdir "$FOLDER/upper" "$FOLDER/work" "$TREE"
mount -t overlay overlay -o "lowerdir=/,upperdir=$FOLDER/upper,workdir=$FOLDER/work" "$TREE"
RING=appliance/tap/packet-ring
mkdir -p "$TREE/opt/changed" "$TREE/opt/checkout/node_modules" "$TREE/opt/checkout/$RING" "$TREE/old"
mount --bind "$FOLDER/upper" "$TREE/opt/changed"
mount --bind "$MODULES" "$TREE/opt/checkout/node_modules"
# A module of ours is a link in there, out to its source.
mount --bind "$MODULES/../$RING" "$TREE/opt/checkout/$RING"
test -x "$TREE/usr/bin/node" || cp "$NODE" "$TREE/usr/bin/node"
mount -t proc proc "$TREE/proc"
mount -t sysfs sysfs "$TREE/sys"
for place in run tmp dev; do mount -t tmpfs -o mode=0755 tmpfs "$TREE/$place"; done
chmod 1777 "$TREE/tmp"
for name in null zero full random urandom tty; do touch "$TREE/dev/$name"; mount --bind "/dev/$name" "$TREE/dev/$name"; done
mkdir "$TREE/dev/pts" "$TREE/dev/shm"
mount -t devpts devpts "$TREE/dev/pts" -o newinstance,ptmxmode=0666
mount -t tmpfs tmpfs "$TREE/dev/shm"
ln -s pts/ptmx "$TREE/dev/ptmx"
mount -t cgroup2 cgroup2 "$TREE/sys/fs/cgroup"
# Devices are the host's: nobody in here is to hear of them. What is due at some time of day is not due now.
for unit in timers.target systemd-udevd.service systemd-udevd-control.socket systemd-udevd-kernel.socket systemd-udev-trigger.service; do
  ln -sf /dev/null "$TREE/etc/systemd/system/$unit"
done
for port in lan0 wan0; do
  ip link add "$port" type veth peer name "$port-far"
  ip link set "$port" up
  ip link set "$port-far" up
done
ip link set lo up
cd "$TREE"
pivot_root . old
umount -l /old
exec env -i container=test PATH=/usr/sbin:/usr/bin:/sbin:/bin /lib/systemd/systemd --system --unit=basic.target --show-status=no
