#!/bin/bash
check() { printf "$1" > /tmp/numbers; [ "$(/app/total.sh /tmp/numbers 2>&1)" = "$2" ]; }
if check '1\n2\n3' 6 && check '1\n2\n3\n' 6 && check '' 0 && check '7' 7; then
    echo 1
else
    echo 0
fi > /logs/verifier/reward.txt
