#!/bin/bash
mode=0; [ "$(stat -c %a /keys/id_key)" = 600 ] && mode=1
link=0; [ "$(readlink -f /keys/current)" = /keys/id_key ] && link=1
echo "{\"mode\": $mode, \"link\": $link}" > /logs/verifier/reward.json
