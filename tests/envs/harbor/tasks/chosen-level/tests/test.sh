#!/bin/bash
printf 'disk is full\nno answer\n' > /tmp/expected
[ "$(wc -l < /srv/logs/found.txt)" = "$EXPECTED" ] && [ "$GREETING" = none ] &&
    cmp -s /tmp/expected /srv/logs/found.txt && [ "$(pwd)" = /srv/logs ]
echo $((1 - $?)) > /logs/verifier/reward.txt
