#!/bin/bash
# cgroup version 2, else version 1.
bytes=$(cat /sys/fs/cgroup/memory.max 2>/dev/null || cat /sys/fs/cgroup/memory/memory.limit_in_bytes)
[ "$((bytes / 1048576))" = 320 ] && [ "$(cat /app/memory)" = 320 ] && ! [ -e /sys/class/net/eth0 ]
echo $((1 - $?)) > /logs/verifier/reward.txt
