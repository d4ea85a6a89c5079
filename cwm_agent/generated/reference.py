"""The patch that takes the bug of a generated task away.

`python -m cwm_agent.generated.reference INSTANCE < ISSUE` prints it: drawing a task tries
functions out and stops those that hang by signals, which only a main thread can.
"""

from __future__ import annotations

import difflib
import sys

from cwm_agent.generated.repository import instance_name, named_task
from cwm_agent.generated.task import MEASURED


def reference(instance: str, issue: str) -> str:
    """As git writes it; "" where the generator draws no such task under that name any more."""
    split = next((name for name in MEASURED if instance.startswith(f"nano-{name}-")), None)
    if split is None:
        return ""
    task = named_task(f"{split}/{instance.removeprefix(f'nano-{split}-')}")
    if instance_name(task) != instance or task.issue.text != issue:
        return ""
    return "".join(
        _diff(path, task.files.get(path, ""), right)
        for path, right in sorted(task.right_files.items())
        if task.files.get(path, "") != right
    )


def _diff(path: str, before: str, after: str) -> str:
    old, new = before.splitlines(keepends=True), after.splitlines(keepends=True)
    lines = difflib.unified_diff(old, new, f"a/{path}", f"b/{path}")
    return f"diff --git a/{path} b/{path}\n" + "".join(lines)


if __name__ == "__main__":
    sys.stdout.write(reference(sys.argv[1], sys.stdin.read()))
