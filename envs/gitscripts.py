"""The shell commands behind `envs.repo`, for bash and git 2.17 or newer."""

from __future__ import annotations

from shlex import quote

NEW_FILE_BYTES = 8 * 2**20
"""A new file above this is no part of a patch: data or a program that was built."""

_SIGPIPE = 128 + 13

_PLAIN = (
    "-c core.hooksPath=/dev/null -c core.fsmonitor=false -c core.untrackedCache=false "
    "-c commit.gpgSign=false -c gc.auto=0 -c core.quotePath=false"
)
_BYTES_AS_THEY_ARE = "* -text -eol -ident -filter -working-tree-encoding !diff !merge"


def _own(scratch: str, root: str | None = None) -> str:
    """git on the harness's own directory, blind to every configuration but its own."""
    home = quote(scratch)
    tree = f"GIT_WORK_TREE={quote(root)} " if root else ""
    return (
        f"HOME={home} XDG_CONFIG_HOME={home} GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_COUNT=0 "
        f"GIT_CONFIG_NOSYSTEM=1 GIT_ATTR_NOSYSTEM=1 GIT_DIR={home}/git {tree}git {_PLAIN}"
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
find . -mindepth 2 -name .git -prune -printf '%h\\0' > {home}/nested
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
rm -rf "$dir/worktrees" "$dir/logs" "$dir/rebase-apply" "$dir/rebase-merge" "$dir/sequencer"
for name in ORIG_HEAD FETCH_HEAD MERGE_HEAD CHERRY_PICK_HEAD REVERT_HEAD REBASE_HEAD \\
    AUTO_MERGE BISECT_LOG BISECT_START BISECT_NAMES BISECT_TERMS MERGE_MSG SQUASH_MSG; do
    rm -f "$dir/$name"
done
rm -f "$dir"/objects/pack/*.keep "$dir"/objects/info/commit-graph
rm -rf "$dir"/objects/info/commit-graphs
{git} reflog expire --expire=now --all
if [ -f "$dir/objects/info/alternates" ]; then
    {git} repack -q -a -d
    rm -f "$dir/objects/info/alternates"
fi
{git} gc -q --prune=now
"""


def exclude_large(root: str, scratch: str) -> str:
    """Have new files above the limit ignored: their names become patterns, specials escaped."""
    home = quote(scratch)
    escape = r"s/[][*?\\ ]/\\&/g; s/^\.//"
    return f"""mkdir -p {quote(root)} && cd {quote(root)} || exit 1
{{ cat {home}/exclude; find . -name .git -prune -o -type f -size +{NEW_FILE_BYTES}c -print |
    sed {quote(escape)}; }} > {home}/git/info/exclude
"""


def write_tree(root: str, scratch: str) -> str:
    """Print the tree id of the working tree: tracked files, and others unless ignored.

    Files that the repository tracks although it ignores them are found through
    the repository's own index. Unreadable files are left as they were. Of the
    repositories that lay in it at first (submodules) the files count, as a patch
    can hold them, and not only the commit.
    """
    own = _own(scratch, root)
    return f"""cd {quote(root)} || exit 1
nested=() others=()
while IFS= read -r -d '' folder; do
    [ -e "$folder/.git" ] || continue
    nested+=("${{folder#./}}") others+=(":(exclude,literal)$folder")
done < {quote(scratch)}/nested
{_theirs(root)} ls-files -z --cached --ignored --exclude-standard 2>/dev/null |
    {own} update-index -z --add --remove --stdin 2>/dev/null || true
{own} add -A --ignore-errors . "${{others[@]}}" 2>{quote(scratch)}/add.log || true
for folder in "${{nested[@]}}"; do
    {{ {own} ls-files -z -- ":(literal)$folder"
      git -c safe.directory='*' {_PLAIN} -C "$folder" ls-files -z -co --exclude-standard |
        while IFS= read -r -d '' file; do
            [ -d "$folder/$file" ] && [ ! -L "$folder/$file" ] || printf '%s\\0' "$folder/$file"
        done
    }} | {own} update-index -z --add --remove --stdin 2>/dev/null || true
done
{own} write-tree
"""


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
