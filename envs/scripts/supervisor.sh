# Sent to a plain `bash` as the first bytes of its standard input, behind the variables that
# it uses; one compound command, so it is read whole before the records behind it.
#
# Keeps one shell running: 0 = records from the host, 1 = output, 2 = protocol.
# The shell itself holds none of these; it opens them by /proc/$PPID/fd for the
# moment it needs them, so no command inherits one, and ends when they are gone.
#
# Whatever runs here can read and write these three as well. So what counts is said by a name:
# only a process itself can write its own /proc/PID/comm, and the keeper reads it for the host.
# A record lies between two NULs, which no command can contain. Ours begin with $KEY, the
# shell's with its last end; others are passed over.
#
#   $VISIT         our name, until the first shell
#   "START CODE"   our name when the shell of "start START" has ended
{
set -m  # own process group for the shell: its `kill 0` must not reach us
run='builtin declare +x __cwm_loop __cwm_run; builtin eval "$__cwm_loop"; { __cwm_turn; } <"/proc/$PPID/fd/0" >"/proc/$PPID/fd/2" 2>&1 || builtin exit; while :; do exec </dev/null >"/proc/$PPID/fd/1" 2>&1; if ((__cwm_code)); then (builtin exit $__cwm_code) || builtin eval "$__cwm_line"; else builtin eval "$__cwm_line"; fi; { __cwm_turn; } <"/proc/$PPID/fd/0" >"/proc/$PPID/fd/2" 2>&1 || builtin exit; done'
printf %s "$VISIT" >/proc/thread-self/comm
printf '\0here %s \0' $$ >&2
while LC_ALL=C IFS= TMOUT= read -r -d '' record; do
  [[ $record == "$KEY"start\ * ]] || continue  # also the leftovers of a call whose shell ended
  record=${record#*start }
  start=${record%% *}
  cd -- "${record#* }" 2>/dev/null || cd /
  printf %s "$start"  # everything before it was written by the shell before
  printf bash >/proc/thread-self/comm
  __cwm_mark=$MARK __cwm_end=$start __cwm_loop=$SHELL_LOOP __cwm_run=$run "$BASH" --noprofile --norc -p -c 'builtin eval "$__cwm_run"' bash </dev/null >/dev/null 2>&1
  code=$?
  printf %s "$start $code" >/proc/thread-self/comm
  printf '\0ended \0' >&2
done
exit
}
