# Evaluated once by the shell that the commands share, before its one-line loop
# (in supervisor.sh; one line, so that bash counts a command's lines from 1).
# Every word that a command could have redefined is called through `builtin`.

# Tells the host how the last command ended, and waits for the next one. Runs with
# 0 = records from the host and 1 = protocol, and changes the shell in nothing.
__cwm_turn() {
  __cwm_code=$?
  __cwm_trace=
  if [[ $__cwm_busy ]]; then
    __cwm_busy=
    if [[ $- == *x* ]]; then
      __cwm_trace='builtin set -x;'
      builtin set +x
    fi
    # The end is our own name, which nobody else can write, and a mark in the output that
    # nobody could know before. Then only what the host can ask for again.
    if [[ ${SRANDOM-} ]]; then  # bash 5.1
      builtin printf -v __cwm_end %06x "$((SRANDOM & 0xffffff))"
    else
      IFS= TMOUT= builtin read -r __cwm_end </proc/sys/kernel/random/uuid || builtin exit
    fi
    __cwm_end=${__cwm_end:0:6}$__cwm_call
    builtin printf '%s %s' "$__cwm_end" "$__cwm_code" >|/proc/thread-self/comm || builtin exit
    builtin printf %s "$__cwm_mark$__cwm_end" >"/proc/$PPID/fd/1"
    if [[ $PWD -ef . ]]; then
      builtin printf '\0done %s %s\0' "$__cwm_end" "$PWD"
    else  # a command set $PWD itself, or removed the folder
      builtin printf '\0done %s ' "$__cwm_end"
      builtin pwd -P
      builtin printf '\0'
    fi
  fi
  while :; do
    IFS= TMOUT= builtin read -r -d '' __cwm_line || builtin exit
    # It bears our last end, which nobody could know before, and then the first process's
    # name says that the host has seen it. What else was put here is passed over.
    [[ ${__cwm_line:0:${#__cwm_end}} == "$__cwm_end" ]] || builtin continue
    IFS= TMOUT= builtin read -r __cwm_seen </proc/1/comm || builtin exit
    [[ $__cwm_seen != "$__cwm_end" ]] || builtin break
  done
  __cwm_line=${__cwm_line:${#__cwm_end}}
  __cwm_call=${__cwm_line:0:4}
  __cwm_line=$__cwm_trace${__cwm_line:4}
  __cwm_busy=1
  builtin printf bash >|/proc/thread-self/comm
  builtin printf '\0begin \0'  # from now on it runs; until now it waited for its turn
  builtin unset -f exec  # the loop's next word; `builtin exec` would take its redirections back
  builtin true
}

# Signal 62 (no program uses it) unwinds a command that ran out of time: a bash
# that replaces itself keeps its process, folder, exported variables and
# descriptors, and reads the rest of its state back from the old one.
builtin trap '
  [[ $__cwm_busy ]] && __cwm_unwound=1 __cwm_loop=$__cwm_loop __cwm_run=$__cwm_run \
    builtin exec "$BASH" --noprofile --norc -p -c "$BASH_EXECUTION_STRING" bash 249< <(
      builtin declare -p; builtin declare -f; builtin declare -Fx; builtin alias -p; builtin trap -p
      builtin shopt -p; builtin set +o) 2>/dev/null' 62

if [[ ${__cwm_unwound-} ]]; then
  { builtin source /dev/fd/249; } 2>/dev/null
  { builtin unset __cwm_unwound; builtin unset -f exec; } 2>/dev/null
  exec 249<&- 2>/dev/null
  (builtin exit 124)
else
  builtin set +p
  builtin declare +x __cwm_mark __cwm_end
  __cwm_busy=
  builtin printf '\0hello %s \0' "$$" >"/proc/$PPID/fd/2"
fi
