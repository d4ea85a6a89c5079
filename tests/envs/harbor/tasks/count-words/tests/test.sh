#!/bin/bash
# the 6, saw 3, dog 3: only the first place is decided by the text alone.
mapfile -t words < /app/top.txt
rest=$(printf '%s\n' "${words[@]:1}" | sort | tr '\n' ' ')
if [ "${words[0]}" = the ] && [ "$rest" = "dog saw " ]; then
    echo 1 > /logs/verifier/reward.txt
else
    echo 0 > /logs/verifier/reward.txt
fi
