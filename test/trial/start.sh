#!/bin/sh
# Knows: what a person sees of `npm start`: a page that answers, and nothing left after Ctrl-C. start.sh PAGE SECONDS, in its own network namespace.
set -eu
page=$1
seconds=$2
ip link set lo up
before=$(ip netns list)
npm start &
npm=$!
while ! curl --fail --silent --output /tmp/page.html "$page"; do
  seconds=$((seconds - 1))
  [ "$seconds" -gt 0 ] || { echo "no page at $page"; kill -INT "$npm"; exit 1; }
  kill -0 "$npm" 2>/dev/null || { echo 'npm start ended before its page answered'; exit 1; }
  sleep 1
done
echo "the page answers: $(wc -c </tmp/page.html) bytes"
npx --no leakguard lab list
# Ctrl-C reaches the whole foreground group; from here only npm can be told, and it must pass it on.
kill -INT "$npm"
wait "$npm" || echo "npm start ended with exit code $?"
left=$(ip netns list)
[ "$left" = "$before" ] || { echo "namespaces are left: $left"; exit 1; }
if curl --silent --output /dev/null "$page"; then echo 'the page still answers'; exit 1; fi
echo 'nothing is left'
