#!/bin/bash
bytes=$(cat /sys/fs/cgroup/memory.max 2>/dev/null || cat /sys/fs/cgroup/memory/memory.limit_in_bytes)
echo $((bytes / 1048576)) > /app/memory
