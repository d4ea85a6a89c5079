# Entry point of a container, as `bash -c THIS keeper FOLDER PROGRAM...`: runs PROGRAM's arguments
# by a copy of bash that its user may not read (see keeper.sh). Where the user may read every
# file, as root with CAP_DAC_OVERRIDE, another user takes its place, one that the image lacks.
user=64999
copy=$1/bash
shift
cp -- "$BASH" "$copy" && chmod 0111 "$copy" || exit
[[ -r $copy ]] || exec "$copy" "$@"
# By a shell between, for setpriv keeps its capabilities until it starts a program.
run=("$BASH" --noprofile --norc -p -c '[[ ! -r $0 ]] && exec "$0" "$@"' "$copy" "$@")
if command -v setpriv >/dev/null; then
  exec setpriv --reuid $user --regid $user --clear-groups "${run[@]}"
fi
exec chroot --userspec=$user:$user --groups=$user / "${run[@]}"
