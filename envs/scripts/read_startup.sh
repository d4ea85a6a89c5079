# set -- SECONDS KIND, then this: reads the file that BASH_ENV names, as every bash of a script does,
# and ~/.bashrc in a shell of their own, which may hang, print, fail or end, and prints how that shell was before and after (see envs/shell/startup.py).
#
# As the published environment does, not interactively. A file that asks whether the shell is
# interactive (Ubuntu's first lines do) would return at once: unless KIND is `plain`, an
# interactive shell reads it, such as a person gets in the image.
# Output, each part ended by a NUL: the option of that shell, its exit code, the end of what
# it printed; its variables before and after, each list with an empty part at its end; functions,
# aliases, options, mask; `whole` if the file did not end the shell. Nothing where there is no file.
__cwm_read() {
  local text folder kind code
  if [[ -r ~/.bashrc && -f ~/.bashrc ]]; then
    text=$(<~/.bashrc) 2>/dev/null
  elif [[ ! ${BASH_ENV-} ]]; then
    return 0
  fi
  if [[ $2 != plain && $text =~ (\$-|\$\{-|PS1) ]]; then kind=-i; fi
  folder=$(mktemp -d) || return 0
  HISTFILE= timeout -k 2 "$1" "$BASH" --noprofile --norc -p $kind -c "$__cwm_reader" "$folder/state" \
    </dev/null >"$folder/log" 2>&1
  code=$?
  builtin printf '%s\0%s\0' "${kind:-plain}" "$code"
  tail -c 2000 "$folder/log" | tr -d '\0'
  builtin printf '\0'
  [[ -e $folder/state ]] && cat "$folder/state"
  rm -rf "$folder"
}

__cwm_reader='
__cwm_state=$0
__cwm_variables() {
  builtin mapfile -t __cwm_names < <(builtin compgen -v)
  for __cwm_name in "${__cwm_names[@]}"; do
    builtin declare -p "$__cwm_name" && builtin printf "\0"
  done 2>/dev/null
  builtin printf "\0"
}
__cwm_end() {
  trap - EXIT DEBUG RETURN ERR
  set +euT
  {
    __cwm_variables
    while read -r _ __cwm_flags __cwm_name; do
      [[ $__cwm_name == __cwm_* ]] && continue
      builtin declare -f "$__cwm_name"
      [[ $__cwm_flags == *x* ]] && builtin printf "export -f %s\n" "$__cwm_name"
    done < <(builtin declare -F)
    builtin printf "\0"
    builtin alias -p
    builtin printf "\0"
    builtin shopt -p
    builtin printf "\0"
    builtin umask -p
    builtin printf "\0%s\0" "${__cwm_whole-}"
  } >>"$__cwm_state"
}
__cwm_variables >"$__cwm_state"
trap __cwm_end EXIT
set +p
if [[ ${BASH_ENV-} ]]; then
  builtin eval "__cwm_file=\"$BASH_ENV\""
  __cwm_file=${__cwm_file/#\~\//"$HOME/"}
  [[ ! -r $__cwm_file ]] || builtin source "$__cwm_file"
fi
[[ ! -f ~/.bashrc ]] || builtin source ~/.bashrc
__cwm_code=$? __cwm_whole=whole
__cwm_end
builtin exit "$__cwm_code"
'
__cwm_read "$@" 2>/dev/null
unset -v __cwm_reader
unset -f __cwm_read
