# Prints what the kernel counted against this sandbox's limits: "oom_kill N" (processes
# killed for memory) and "max N" (forks refused). In cgroups of version 1 and 2.
for file in /sys/fs/cgroup/{memory/memory.oom_control,pids/pids.events,memory.events,pids.events}; do
  while read -r key value; do
    case $key in
      oom_kill | max) [[ $file == */memory.events && $key == max ]] || echo "$key $value" ;;
    esac
  done <"$file"
done 2>/dev/null
:
