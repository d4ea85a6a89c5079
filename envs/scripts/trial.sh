# Tries patches on the files that they name, in a small repository of its own.
# Wants: home (the harness's folder), root (the repository), start (tree id of the state that
# patches begin from) and most (bytes of a patch). $home/trial/names holds the files' names,
# each ended by NUL.

began=$home/began
trial=$home/trial
export LC_ALL=C HOME="$home" XDG_CONFIG_HOME="$home" GIT_CONFIG_GLOBAL=/dev/null
export GIT_CONFIG_NOSYSTEM=1 GIT_ATTR_NOSYSTEM=1 GIT_CONFIG_COUNT=0
unset GIT_DIR GIT_WORK_TREE GIT_INDEX_FILE

own() { GIT_DIR=$home/git git "$@"; }

# remember: what of the repository bears on how a patch applies, before the model can change it.
remember() {
    rm -rf "$began" && mkdir -p "$began" "$trial" && git init -q --template= "$began/tree" || exit 1
    cd "$root" || exit 1
    (
        theirs() { git -c safe.directory="$root" -c core.fsmonitor=false -c core.hooksPath=/dev/null "$@"; }
        export HOME="$their_home"
        unset XDG_CONFIG_HOME GIT_CONFIG_GLOBAL GIT_CONFIG_NOSYSTEM
        wanted='^(filter\.|apply\.|core\.(autocrlf|eol|safecrlf|whitespace)$)'
        theirs config --null --get-regexp "$wanted" >"$began/settings"
        cd "$(theirs rev-parse --git-path objects)" && pwd >"$began/objects"
        cd "$root" && cp "$(theirs rev-parse --git-path info/attributes)" "$began/attributes"
        GIT_INDEX_FILE=$began/index theirs read-tree HEAD
        theirs rev-parse HEAD >"$began/head"
    ) 2>/dev/null
    while IFS= read -r -d '' setting; do
        value=true
        case $setting in *$'\n'*) value=${setting#*$'\n'} ;; esac
        git -C "$began/tree" config --add "${setting%%$'\n'*}" "$value"
    done <"$began/settings"
    mkdir -p "$began/tree/.git/info"
    [ ! -f "$began/attributes" ] || cp "$began/attributes" "$began/tree/.git/info/attributes"
}

# lay_out TREE: the named files of that state, byte by byte.
lay_out() {
    GIT_INDEX_FILE=$trial/index own read-tree "$1" || exit 1
    GIT_INDEX_FILE=$trial/index own checkout-index -q -f -z --stdin --prefix="$trial/tree/" \
        <"$trial/names" 2>/dev/null
}

# fresh: the named files as they were at the start, tracked where HEAD tracks them.
fresh() {
    cd "$home" && rm -rf "$trial/tree" && cp -R "$began/tree" "$trial/tree" || exit 1
    cd "$trial/tree" || exit 1
    lay_out "$start"
    [ -f "$trial/entries" ] || find_tracked
    if [ -s "$trial/objects" ]; then
        git unpack-objects -q <"$trial/objects" && git update-index -z --index-info <"$trial/entries"
    else # the model removed the objects of its repository
        while IFS= read -r -d '' entry; do printf '%s\0' "${entry#*$'\t'}"; done <"$trial/entries" |
            xargs -0 -r git --literal-pathspecs add -f --
    fi
    git update-index -q --refresh
} >/dev/null 2>&1

# find_tracked: the index entries of the named files, and a pack of their objects.
find_tracked() {
    while IFS= read -r -d '' name; do
        [ ! -f "$name" ] && [ ! -L "$name" ] || printf '%s\0' "$name"
    done <"$trial/names" |
        GIT_INDEX_FILE=$began/index xargs -0 -r git --literal-pathspecs ls-files -s -z -- \
            >"$trial/entries"
    while read -r -d '' _ object _; do echo "$object"; done <"$trial/entries" |
        GIT_ALTERNATE_OBJECT_DIRECTORIES=$(cat "$began/objects") own pack-objects -q --stdout \
            >"$trial/objects" || : >"$trial/objects"
}

# tree_of: the tree id of what lies here, in git's form; "-" where git cannot tell.
tree_of() (
    export GIT_INDEX_FILE=$trial/tree.index
    rm -f "$GIT_INDEX_FILE"
    { git add -A -f . && git write-tree; } 2>/dev/null || echo -
)

# stands BEFORE AFTER: whether the model's working tree has what the patch makes of its files.
stands() {
    git diff-tree -r -z "$1" "$2" | while IFS= read -r -d '' facts && IFS= read -r -d '' name; do
        set -- $facts
        file=$root/$name
        if [ "$5" = D ]; then
            [ ! -e "$file" ] && [ ! -L "$file" ]
        elif [ "$2" = 120000 ]; then
            [ -L "$file" ] && [ "$(printf %s "$(readlink "$file")" | git hash-object --stdin)" = "$4" ]
        else
            mode=100644
            [ ! -x "$file" ] || mode=100755
            [ -f "$file" ] && [ ! -L "$file" ] && [ "$mode" = "$2" ] &&
                [ "$(git hash-object --path="$name" "$file")" = "$4" ]
        fi || exit 1
    done
} 2>/dev/null

# report HOW BEFORE: prints HOW BEFORE AFTER, and whether the working tree stands like that.
report() {
    find . -name .git -prune -o \( -name '*.orig' -o -name '*.rej' \) -print | # what patch leaves
        while IFS= read -r file; do
            grep -qzFx -e "${file#./}" "$trial/names" || rm -f "$file"
        done
    local after same=differs
    after=$(tree_of)
    stands "$2" "$after" && same=same
    echo "$1 $2 $after $same"
}

# graded: try $trial/patch as the grader would.
graded() {
    local before number
    rm -f "$trial/entries" "$trial/log".*
    fresh
    before=$(tree_of)
    if number=$(apply_as_graded "$trial/patch" "$trial/log"); then
        report "$number" "$before"
    else
        echo refused
    fi
}

# repaired OPTION...: try $trial/patch exactly, with options of git apply.
repaired() {
    local before
    fresh
    before=$(tree_of)
    if git apply --whitespace=nowarn "$@" "$trial/patch" >/dev/null 2>&1; then
        report 0 "$before"
    else
        echo refused
    fi
}

# in_git_form TREE: prints the tree ids, in git's form, of what changed from the start to TREE.
in_git_form() {
    local before name
    rm -f "$trial/entries"
    own diff-tree -r -z --name-only "$start" "$1" | while IFS= read -r -d '' name; do
        printf '%s\0' "$name"
        while case $name in */*) true ;; *) false ;; esac; do
            name=${name%/*}
            printf '%s/.gitattributes\0' "$name"
        done
        printf '.gitattributes\0'
    done | sort -z -u >"$trial/names"
    fresh
    before=$(tree_of)
    find . -mindepth 1 -maxdepth 1 ! -name .git -exec rm -rf {} +
    lay_out "$1"
    echo "$before $(tree_of)"
}

# difference BEFORE AFTER: leave the patch between two tree ids in $trial/difference.
# The files named in $trial/binary (lines of gitattributes) are written as binary ones.
difference() {
    cd "$trial/tree" || exit 1
    local unquoted=false
    [ ! -f "$trial/binary" ] || unquoted=true
    mkdir -p .git/info && cat "$trial/binary" >>.git/info/attributes 2>/dev/null
    git -c core.quotePath="$unquoted" diff-tree -r -p --binary --full-index --no-renames \
        --no-ext-diff --no-textconv --no-color "$1" "$2" | head -c "$most" >"$trial/difference"
}

# converts TREE DIFF: prints "converts" where git's form of a changed file may differ from its
# bytes, so that DIFF may not apply elsewhere.
converts() {
    local carriage=false path name value
    ! grep -q -e $'\r' -e '^GIT binary patch' "$2" || carriage=true
    cd "$root" 2>/dev/null || return 0
    export GIT_DIR=$began/tree/.git GIT_WORK_TREE=$root
    if $carriage && value=$(git config core.autocrlf) && [ "$value" != false ]; then
        echo converts
        return
    fi
    GIT_DIR=$home/git git diff-tree -r -z --name-only "$start" "$1" |
        git check-attr -z --stdin ident working-tree-encoding filter text eol crlf |
        while IFS= read -r -d '' path && IFS= read -r -d '' name && IFS= read -r -d '' value; do
            case $path in .gitattributes | */.gitattributes) echo converts; break ;; esac
            case $name:$value in
                *:unspecified | *:unset) continue ;;
                ident:* | working-tree-encoding:*) ;;
                filter:*) [ -s "$began/settings" ] || continue ;;
                *) $carriage || continue ;;
            esac
            echo converts
            break
        done
}
