# Starts the published session in the shell that commands share: a plain /bin/bash
# that reads its script from one pipe (7) and writes to another (8). Prints its process
# id. It stays in our process group: one that lost its last parent while a member is
# stopped gets SIGHUP, and with it what earlier commands left running.
coproc __cwm_published {
  exec 7>&- 8<&-
  if locale -a 2>/dev/null | grep -qixE 'en_US\.utf-?8'; then
    export LC_ALL=en_US.UTF-8 LANG=en_US.UTF-8
  else  # naming a locale that is not there makes every bash print a warning
    export LC_ALL=C.UTF-8 LANG=C.UTF-8
  fi
  unset SHLVL
  (printf '%s\n' "$BASHPID"; exec /bin/bash 2>&1)
  printf '\n<<ended>\n'  # what it left running may hold the pipe open
}
exec 7>&"${__cwm_published[1]}" 8<&"${__cwm_published[0]}"
trap '' PIPE  # it may be gone when it is written to
read -r __cwm_pid <&8 && printf '%s\n' "$__cwm_pid"
