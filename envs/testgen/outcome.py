"""What a generated test says by the lines that it prints.

Source of the three markers and of the rule: the test-generation environment of
facebookresearch/cwm, `cwm/rl/envs/envs/swerl_testgen_tool.py` at commit 7930e02.
"""

from __future__ import annotations

import ast
from typing import Literal

REPRODUCED = "Issue reproduced"
RESOLVED = "Issue resolved"
OTHER = "Other issues"
MARKERS = (REPRODUCED, RESOLVED, OTHER)
TEST_BYTES = 2**20

Said = Literal["reproduced", "resolved", "other"]


def classify(output: str) -> Said:
    """What a run printed: one of the first two markers and neither of the others, else "other"."""
    found = {marker for marker in MARKERS if marker in output}
    if found == {REPRODUCED}:
        return "reproduced"
    return "resolved" if found == {RESOLVED} else "other"


def refusal(source: str) -> str:
    """Why a text cannot be a test; "" where it can."""
    if not source.strip():
        return "the file is empty"
    if len(source.encode("utf-8", "surrogateescape")) > TEST_BYTES:
        return f"a test may have {TEST_BYTES // 2**20} MiB at most"
    if missing := [marker for marker in (REPRODUCED, RESOLVED) if marker not in source]:
        return f"it never prints {' nor '.join(map(repr, missing))}"
    try:
        ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        return f"it is not valid Python: {str(error).splitlines()[0]}"
    return ""
