#!/bin/bash
# Knows: what a person sees of `npm start`: a page that answers, and nothing left after Ctrl-C. start.sh PAGE SECONDS, in its own network namespace.
set -eum
page=$1
seconds=$2
ip link set lo up
before=$(ip netns list)
npm start &
npm=$!
while ! curl --fail --silent --output /tmp/page.html "$page"; do
  seconds=$((seconds - 1))
  [ "$seconds" -gt 0 ] || { echo "no page at $page"; kill -INT -- "-$npm"; exit 1; }
  kill -0 "$npm" 2>/dev/null || { echo 'npm start ended before its page answered'; exit 1; }
  sleep 1
done
echo "the page answers: $(wc -c </tmp/page.html) bytes"
npx --no leakguard lab list
# As Ctrl-C does: to the whole foreground group (`set -m`: a background job is one of its own, and does not ignore it).
kill -INT -- "-$npm"
wait "$npm" || echo "npm start ended with exit code $?"
left=$(ip netns list)
[ "$left" = "$before" ] || { echo "namespaces are left: $left"; exit 1; }
if curl --silent --output /dev/null "$page"; then echo 'the page still answers'; exit 1; fi
echo 'nothing is left'
