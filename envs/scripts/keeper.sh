# First process of a sandbox, as `bash -c THIS keeper LEASE LIFETIME`. When it ends,
# the kernel ends everything else in the sandbox.
#
# Its input is the lifeline: the engine or the kernel closes it when our process
# is gone, however it went, and then the sandbox ends at once. Each line renews
# the lease (seconds until the next line must come, so that a host that hangs in
# the middle of a command leaves nothing running), and may carry a command.
# Seconds come from /proc/uptime: setting the clock moves nothing here.
#
# Its bash must be a file that its user may not read: then no other process can open its
# descriptors by /proc, trace it or read its memory, whoever it runs as (without
# CAP_SYS_PTRACE). So its input and its answers are ours alone.
#
# Orphans become its children. bash has SIGCHLD blocked while it waits for input with a time
# limit, so it looks up every second to collect the dead. It never forks for that: where the
# limit of processes is reached, a bash that cannot fork ends.
set -m
exec 2>/dev/null
# The kernel spares a first process only what it has no handler for, and bash has many.
signals=({1..8} {10..16} {20..31} {34..64})
trap '' "${signals[@]}"
lease=$1
declare -A started # process id -> start time of the shells that we were told to start

# What the kernel says of process $1.
stat() {
  local line=
  read -r line <"/proc/$1/stat"  # a name with a line break in it is none of ours
  name=${line#*(}
  name=${name%) *}
  fields=(${line##*) })
}

answer() {
  printf ':%s\0' "$1"
}

# Our own name says whose end the host has seen: nobody else can write it, either.
grant() { # END
  printf %s "$1" >/proc/thread-self/comm
  answer
}

look() { # PID [CALL]
  local name fields
  stat "$1"
  if [[ ${2-} && ${name%% *} == *"$2" ]]; then printf %s "${name%% *}" >/proc/thread-self/comm; fi
  if [[ ${fields-} && ${started[$1]-} == "${fields[19]}" ]]; then fields[1]=0; fi
  answer "${fields[1]:+${fields[1]} $name}"
}

spawn() { # INPUT OUTPUT PROTOCOL
  local name fields
  (trap - "${signals[@]}"; exec bash --noprofile --norc -p) <"$1" >"$2" 2>"$3" &
  stat $!
  started[$!]=${fields[19]}
  answer
}

read -r now _ </proc/uptime
told=${now%.*}
end=$((told + $2))
while read -r now _ </proc/uptime && left=$((end - ${now%.*})) && ((left > 0)); do
  # bash takes a line byte by byte, and with a time limit each costs it four system calls.
  read -r -t 1 -N 1 digit
  code=$?
  if [[ $digit ]]; then
    read -r seconds command || break
    lease=$((10#$digit$seconds)) # 09 would be an octal number
    told=${now%.*}
    [[ $command ]] && eval "$command"
  else # the end of the input, else the lease may be over
    ((code > 128)) && read -r now _ </proc/uptime && ((${now%.*} < told + lease)) || break
  fi
done
exit
