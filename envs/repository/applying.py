"""Applying a patch as the official grader does.

Source of the commands and of what happens between them: swebench 5,
`swebench/harness/run_evaluation.py` (`GIT_APPLY_CMDS` and `run_instance`).
"""

from __future__ import annotations

from shlex import quote

GRADER_COMMANDS = (
    "git apply --verbose",
    "git apply --verbose --3way",
    "git apply --verbose --reject",
    "patch --batch --forward --fuzz=5 -p1 -i",
)
"""Tried in this order, each on a pristine tree; the first one that succeeds counts."""


def apply_as_graded() -> str:
    """A bash function `apply_as_graded PATCH LOG`, to be called in the top folder of the tree.

    It prints the number of the command that worked and leaves what each one
    said in LOG.0, LOG.1 and so on. The number after the last stands for a patch
    whose reverse applies at the end, which the grader takes for applied.
    """
    commands = " ".join(map(quote, GRADER_COMMANDS))
    return f"""apply_as_graded() {{
    local number=0 command
    for command in {commands}; do
        if [ "$number" -gt 0 ]; then
            git checkout -- .
            git clean -fd
        fi >/dev/null 2>&1
        if $command "$1" >"$2.$number" 2>&1 </dev/null; then
            echo "$number"
            return 0
        fi
        number=$((number + 1))
    done
    git apply --check --reverse "$1" >"$2.$number" 2>&1 || return 1
    echo "$number"
}}
"""
