"""The shell commands behind `envs.repository.repository`, for bash and git 2.17 or newer."""

from __future__ import annotations

from shlex import quote

NEW_FILE_BYTES = 8 * 2**20
"""A new file above this is no part of a patch: data or a program that was built."""
TRACKED_FILE_BYTES = 64 * 2**20
"""A change of a tracked file above this is no part of a patch: git would take a minute a turn."""

_SIGPIPE = 128 + 13

_PLAIN = (
    "-c core.hooksPath=/dev/null -c core.fsmonitor=false -c core.untrackedCache=false "
    "-c commit.gpgSign=false -c gc.auto=0 -c core.quotePath=false"
)
_NO_PIPES = "find . \\( -name '.git*' -o -path '*/.git/*' \\) -xtype p -delete"
"""git reads its own files, and waits for ever where one is a named pipe."""
_ALONE = "timeout -k 5 60 env"
"""Before a git that heeds the repository's settings, which may name such a pipe."""
_BYTES_AS_THEY_ARE = "* -text -eol -ident -filter -working-tree-encoding !diff !merge"


def _own(scratch: str, root: str | None = None) -> str:
    """git on the harness's own directory, blind to every configuration but its own."""
    home = quote(scratch)
    tree = f"GIT_WORK_TREE={quote(root)} " if root else ""
    return (
        f"HOME={home} XDG_CONFIG_HOME={home} GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_COUNT=0 "
        f"GIT_CONFIG_NOSYSTEM=1 GIT_ATTR_NOSYSTEM=1 GIT_DEFAULT_HASH=sha1 "
        f"GIT_DIR={home}/git {tree}git {_PLAIN}"
    )


def _theirs(root: str) -> str:
    """git on the repository itself, with everything switched off that could run code."""
    return f"git -c safe.directory={quote(root)} {_PLAIN} -C {quote(root)}"


def adopt(root: str, scratch: str) -> str:
    """Make `root` a repository with a commit and an identity, and the harness's directory."""
    git, home = _theirs(root), quote(scratch)
    return f"""set -e
rm -rf {home}; mkdir -p {home}/git; chmod 700 {home}
cd {quote(root)}
[ -e .git ] || git init -q --template= .
git rev-parse -q --git-dir >/dev/null 2>&1 || git config --global --add safe.directory {quote(root)}
{git} config user.email >/dev/null || {git} config user.email agent@localhost
{git} config user.name >/dev/null || {git} config user.name agent
if ! {git} rev-parse -q --verify HEAD >/dev/null; then
    {git} add -A && {git} commit -q --allow-empty --no-verify -m Start
fi
{_own(scratch)} init -q --template=
{_own(scratch)} config core.bare false
mkdir -p {home}/git/info
printf '%s\\n' {quote(_BYTES_AS_THEY_ARE)} > {home}/git/info/attributes
exclude=$({git} rev-parse --git-path info/exclude)
[ ! -f "$exclude" ] || cp "$exclude" {home}/exclude
touch {home}/exclude
cp {home}/exclude {home}/git/info/exclude
"""


def ignore_untracked(root: str) -> str:
    """Have the repository ignore the files that are untracked now, by their names.

    Above a thousand, whole folders that hold nothing else.
    """
    git = _theirs(root)
    listing = f"{git} ls-files -z --others --exclude-standard"
    escape = r"/\n/d; s/[][*?\\ ]/\\&/g; s/^/\//"
    return f"""set -e
cd {quote(root)}
exclude=$({git} rev-parse --git-path info/exclude)
mkdir -p "$(dirname "$exclude")"
more=; [ "$({listing} | tr -cd '\\0' | wc -c)" -le 1000 ] || more=--directory
{listing} $more | sed -z {quote(escape)} | tr '\\0' '\\n' >> "$exclude" || true
"""


def hide_future(root: str) -> str:
    """Leave only what HEAD can reach: no remote, other ref, reflog, or object of a later state."""
    git = _theirs(root)
    return f"""set -e
cd {quote(root)}
dir=$({git} rev-parse --git-common-dir)
current=$({git} symbolic-ref -q HEAD || true)
for remote in $({git} remote); do {git} remote remove "$remote" || true; done
{git} for-each-ref --format='%(refname)' | while read -r ref; do
    [ "$ref" = "$current" ] || printf 'delete %s\\n' "$ref"
done | {git} update-ref --no-deref --stdin
[ -z "$current" ] || {git} branch --unset-upstream 2>/dev/null || true
own=$({git} rev-parse --git-dir)
for tree in "$dir"/worktrees/*; do  # of which the folder itself may be one
    [ "$tree" -ef "$own" ] || rm -rf "$tree"
done
for place in "$dir" "$own"; do
    rm -rf "$place/logs" "$place/rebase-apply" "$place/rebase-merge" "$place/sequencer"
    for name in ORIG_HEAD FETCH_HEAD MERGE_HEAD CHERRY_PICK_HEAD REVERT_HEAD REBASE_HEAD \\
        AUTO_MERGE BISECT_LOG BISECT_START BISECT_NAMES BISECT_TERMS MERGE_MSG SQUASH_MSG; do
        rm -f "$place/$name"
    done
done
rmdir "$dir/worktrees" 2>/dev/null || true
rm -f "$dir"/objects/pack/*.keep "$dir"/objects/info/commit-graph
rm -rf "$dir"/objects/info/commit-graphs
{git} reflog expire --expire=now --all
if [ -f "$dir/objects/info/alternates" ]; then
    {git} repack -q -a -d
    rm -f "$dir/objects/info/alternates"
fi
{git} gc -q --prune=now
"""


def seed(root: str, scratch: str) -> str:
    """Give the harness's git the objects of HEAD's tree and an index of it, where it can read them.

    So the first tree need only be compared with the files. To compress as many as a large
    repository has takes six times as long.
    """
    home, git, own = quote(scratch), _theirs(root), _own(scratch, root)
    return f"""cd {quote(root)} && tree=$({git} rev-parse -q --verify 'HEAD^{{tree}}' 2>/dev/null)
theirs=$(realpath "$({git} rev-parse --git-path objects 2>/dev/null)")
if [ "${{#tree}}" = 40 ] && mkdir -p {home}/git/objects/pack &&
    GIT_ALTERNATE_OBJECT_DIRECTORIES="$theirs" {own} pack-objects --quiet --revs --window=0 \
        --delta-base-offset {home}/git/objects/pack/pack <<< "$tree" >/dev/null 2>&1 &&
    {own} read-tree "$tree" 2>/dev/null
then {own} update-index -q --refresh >/dev/null 2>&1
else rm -f {home}/git/index
fi
"""


NO_ROOM = "no room"
_RESERVE = 32 * 2**20
"""Bytes kept back for the harness's git, for when a command has filled the disk."""


def find_room(scratch: str) -> str:
    """Print NO_ROOM and end where git could not write, even with what is kept back for it.

    git's failure to add a file for want of space looks like a file that may not be read, and
    the change would be lost without a word.
    """
    home = quote(scratch)
    measure = f"df -k --output=avail,itotal,iavail {home} 2>/dev/null | tail -n 1"
    return f"""read -r free inodes left < <({measure})
if [ "${{free:-0}}" -gt {8 * _RESERVE // 1024} ] && [ ! -e {home}/reserve ]; then
    fallocate -l {_RESERVE} {home}/reserve 2>/dev/null
elif [ "${{free:-1024}}" -lt 1024 ]; then
    rm -f {home}/reserve
    read -r free inodes left < <({measure})
fi
if [ "${{free:-1024}}" -lt 256 ] ||
    {{ [ "${{inodes:--}}" != - ] && [ "$inodes" -gt 0 ] && [ "$left" -lt 64 ]; }}; then
    echo {quote(NO_ROOM)}
    exit 0
fi
"""


def exclude_large(root: str, scratch: str) -> str:
    """Leave large files out of the next tree, without reading them.

    New ones are ignored: their names become patterns, specials escaped. Tracked
    ones count as unchanged as long as they are there and large.
    """
    home, own = quote(scratch), _own(scratch, root)
    escape = r"s/[][*?\\ ]/\\&/g; s/^\.//"
    return f"""mkdir -p {quote(root)} && cd {quote(root)} || exit 1
: > {home}/found
{{ cat {home}/exclude; find . -name .git -prune -o -type f -size +{NEW_FILE_BYTES}c -print \\
    -size +{TRACKED_FILE_BYTES}c -fprint0 {home}/found | sed {quote(escape)}; }} \\
    > {home}/git/info/exclude
[ ! -s {home}/assumed ] || {own} update-index -z --no-assume-unchanged --stdin < {home}/assumed
sed -z 's|^\\./||' {home}/found | LC_ALL=C sort -z > {home}/huge
: > {home}/assumed
if [ -s {home}/huge ]; then
    xargs -0 env GIT_LITERAL_PATHSPECS=1 {own} ls-tree -r -z "$(cat {home}/start)" -- \\
        < {home}/huge | {own} update-index -z --index-info
    {own} ls-files -z | LC_ALL=C sort -z | LC_ALL=C comm -z -12 - {home}/huge > {home}/assumed
    {own} update-index -z --assume-unchanged --stdin < {home}/assumed
fi
"""


def write_tree(root: str, scratch: str) -> str:
    """Print the tree id of the working tree: tracked files, and others unless ignored.

    Files that the repository tracks although it ignores them are found through
    the repository's own index. Unreadable files are left as they were.
    Submodules and other nested repositories count with their files.
    """
    home, own = quote(scratch), _own(scratch, root)
    # All files of the first tree in one pack: as many files take far longer to write and remove.
    return f"""cd {quote(root)} || exit 1
fast="-c core.looseCompression=1 -c pack.compression=1"
[ -e {home}/start ] || fast="$fast -c core.bigFileThreshold=1"
{_NO_PIPES}
{_ALONE} HOME={home} XDG_CONFIG_HOME={home} GIT_CONFIG_GLOBAL=/dev/null \\
    {_theirs(root)} ls-files -z --cached --ignored --exclude-standard 2>/dev/null |
    {own} update-index -z --add --remove --stdin 2>/dev/null || true
{_forget_links(own)}
{own} $fast add -A --ignore-errors . 2>{home}/add.log || true
mapfile -d '' -t nested < <(
    find . -mindepth 2 -name .git -prune -print0 | sed -z 's|^\\./||; s|/\\.git$||' | sort -z)
if [ "${{#nested[@]}}" = 0 ]; then
    tree=$({own} write-tree)
else
{_with_nested(root, scratch)}
fi
[ -e {home}/start ] || echo "$tree" > {home}/start
echo "$tree"
"""


def _forget_links(own: str) -> str:
    """Have git look anew at what it took for a nested repository: it may be a plain folder now."""
    return f"""{own} ls-files -s -z | sed -z -n 's/^160000 [^\t]*\t//p' |
    {own} update-index -z --force-remove --stdin"""


def _with_nested(root: str, scratch: str) -> str:
    """Set `tree` to the index with the files of the repositories in `nested` in it."""
    home, own = quote(scratch), _own(scratch, root)
    return f"""    export GIT_LITERAL_PATHSPECS=1
    cp {home}/git/index {home}/whole
    for place in "${{nested[@]}}"; do
        ! {own} check-ignore -q -- "$place" || continue
        index={home}/nested.$(printf %s "$place" | sha1sum | cut -d ' ' -f 1)
        tree=$(
            cd -- "$place" && export GIT_INDEX_FILE="$index" GIT_WORK_TREE="$PWD"
            {_forget_links(_own(scratch))}
            {_own(scratch)} $fast add -A --ignore-errors . 2>{home}/add.log || true
            {_own(scratch)} write-tree
        ) || continue
        export GIT_INDEX_FILE={home}/whole
        {own} rm -r -f -q --cached --ignore-unmatch -- "$place"
        {own} read-tree --prefix="$place/" "$tree"
        unset GIT_INDEX_FILE
    done
    tree=$(GIT_INDEX_FILE={home}/whole {own} write-tree)"""


def has_tree(scratch: str, tree: str) -> str:
    """Succeed when the harness's directory holds `tree`."""
    return f"{_own(scratch)} cat-file -e {quote(tree + '^{tree}')}"


def diff(scratch: str, old: str, new: str, target: str, *, most: int) -> str:
    """Write the binary diff between two trees to the file `target`, or its first `most` bytes.

    git is not let to write more than that, which may take minutes.
    """
    command = (
        f"{_own(scratch)} diff-tree -r -p --binary --full-index --no-renames "
        f"--no-ext-diff --no-textconv --no-color {old} {new}"
    )
    return f"""{command} | head -c {most} > {quote(target)}
ended=("${{PIPESTATUS[@]}}")
[ "${{ended[1]}}" = 0 ] && {{ [ "${{ended[0]}}" = 0 ] || [ "${{ended[0]}}" = {_SIGPIPE} ]; }}
"""


def apply(root: str, scratch: str, source: str) -> str:
    """Apply the patch file `source` to the working tree."""
    own = _own(scratch, root)
    return f"cd {quote(root)} && {own} apply --binary --whitespace=nowarn {quote(source)}"
