# set -- SHELL_PID TICKS SIGNAL, then this: signals every process that the shell's
# running command started, and asks the shell itself to unwind (signal 62).
# Prints the names of those processes, one a line.
#
# The command's processes: children of the shell, and orphans, born in the last
# TICKS hundredths of a second, with all their descendants. So setsid and
# double forks do not escape, while servers started by earlier calls survive.
# Before a KILL they are stopped, in rounds, until a round finds no other: so
# none is forked while the rest is being killed.
# Only builtins: it must work when no process can be forked.
read -r now _ </proc/uptime
since=$((10#${now/./} - $2))
declare -A parent born name state doomed
look() {
  local path line pid fields more=1
  parent=() born=() name=() state=() doomed=()
  for path in /proc/[0-9]*/stat; do
    line=
    { read -r -d '' line <"$path"; } 2>/dev/null
    [[ $line ]] || continue
    pid=${path//[!0-9]/}
    fields=(${line##*) })
    line=${line#*(}
    name[$pid]=${line%)*}
    state[$pid]=${fields[0]}
    parent[$pid]=${fields[1]}
    born[$pid]=${fields[19]}
  done
  for pid in "${!parent[@]}"; do
    ((pid == 1 || pid == $1 || pid == $$ || pid == PPID || pid == ${parent[$1]:-0})) && continue
    ((born[$pid] >= since && (parent[$pid] == $1 || parent[$pid] == 1))) && doomed[$pid]=1
  done
  while ((more)); do
    more=0
    for pid in "${!parent[@]}"; do
      [[ ${doomed[${parent[$pid]}]-} && ! ${doomed[$pid]-} ]] && doomed[$pid]=1 more=1
    done
  done
}
look "$1"
for pid in "${!doomed[@]}"; do
  printf '%s\n' "${name[$pid]//[!a-zA-Z0-9._-]/}"
done
kill -s 62 "$1" 2>/dev/null
for ((round = 0; round < 20; round++)); do
  [[ $3 == KILL ]] || break
  running=()
  for pid in "${!doomed[@]}"; do
    [[ ${state[$pid]} == [TZ] ]] || running+=("$pid")
  done
  [[ ${running[*]} ]] || break
  kill -s STOP "${running[@]}" 2>/dev/null
  look "$1"
done
[[ ${!doomed[*]} ]] && kill -s "$3" "${!doomed[@]}" 2>/dev/null
:
