#!/bin/bash
cd /out 2>/dev/null &&
    [ "$(tar -tzf notes.tar.gz | sort | tr '\n' ' ')" = "a.txt b.txt " ] &&
    [ "$(cat count)" = 2 ]
echo $((1 - $?)) > /logs/verifier/reward.txt
