# Sent to a plain `bash` as the first bytes of its standard input; one compound
# command, so it is read whole before the records behind it.
#
# Keeps one shell running: 0 = records from the host, 1 = output, 2 = protocol.
# The shell itself holds none of these; it opens them by /proc/$PPID/fd for the
# moment it needs them, so no command inherits one, and ends when they are gone. Records end with a NUL, which
# no command can contain.
{
set -m  # own process group for the shell: its `kill 0` must not reach us
run='builtin declare +x __cwm_loop __cwm_run; builtin eval "$__cwm_loop"; { __cwm_turn; } <"/proc/$PPID/fd/0" >"/proc/$PPID/fd/2" 2>&1 || builtin exit; while :; do exec </dev/null >"/proc/$PPID/fd/1" 2>&1; if ((__cwm_code)); then (builtin exit $__cwm_code) || builtin eval "$__cwm_line"; else builtin eval "$__cwm_line"; fi; { __cwm_turn; } <"/proc/$PPID/fd/0" >"/proc/$PPID/fd/2" 2>&1 || builtin exit; done'
while LC_ALL=C IFS= read -r -d '' record; do
  [[ $record == "start "* ]] || continue  # the leftovers of a call whose shell ended
  record=${record#start }
  token=${record%% *}
  cd -- "${record#* }" 2>/dev/null || cd /
  printf %s "$token"  # everything before it was written by the shell before
  __cwm_loop=$SHELL_LOOP __cwm_run=$run "$BASH" --noprofile --norc -c 'builtin eval "$__cwm_run"' bash </dev/null >/dev/null 2>&1
  printf '\0%s ended %s \0' "$token" "$?" >&2
done
exit
}
