# set -- TARGET SIZE LAST, then this: replaces the file by the SIZE bytes that follow on
# this shell's stream. Written beside the target and renamed, so that a full disk
# never costs the old content; in place where the folder admits no new file.
# The new file is at least a second younger than the old, and than LAST, the second that
# the previous writing gave this path (git may have brought an older file back since): by
# seconds and size Python tells whether its compiled copy of a source is still right.
# Prints the second of the new file.
# Whatever fails, all SIZE bytes are taken off the stream.
target=$1
if [[ -L $target ]]; then target=$(readlink -f -- "$target") || target=$1; fi
new=$target.$$.$RANDOM
data=/proc/$PPID/fd/0
code=0
if [[ -d $target ]]; then
  echo "$target: Is a directory" >&2
  code=1
elif [[ -e $target && ! -f $target ]]; then
  echo "$target: Invalid argument" >&2
  code=1
elif [[ -e $target ]] && ! { : >>"$target"; }; then
  code=1
elif [[ -e $target ]] && ! { : >"$new"; } 2>/dev/null; then
  head -c "$2" <$data | { cat >"$target" || { cat >/dev/null; false; }; }
  exit
elif ! { : >"$new"; }; then
  code=1
fi
if ((code)); then
  head -c "$2" <$data >/dev/null
  exit "$code"
fi
before=$3
if [[ -e $target ]]; then
  old=$(stat -c %Y -- "$target")
  if ((old > before)); then before=$old; fi
  chmod --reference="$target" -- "$new"
  chown --reference="$target" -- "$new" 2>/dev/null
fi
if head -c "$2" <$data | { cat >"$new" || { cat >/dev/null; false; }; }; then
  (($(stat -c %Y -- "$new") > before)) || touch -d "@$((before + 1))" -- "$new"
  mv -f -T -- "$new" "$target" && stat -c %Y -- "$target" && exit 0
fi
rm -f -- "$new"
exit 1
