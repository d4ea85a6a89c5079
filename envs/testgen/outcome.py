"""What a generated test says by the lines that it prints.

Source of the three markers and of the rule: the test-generation environment of
facebookresearch/cwm, `cwm/rl/envs/envs/swerl_testgen_tool.py` at commit 7930e02.
"""

from __future__ import annotations

from typing import Literal

REPRODUCED = "Issue reproduced"
RESOLVED = "Issue resolved"
OTHER = "Other issues"
MARKERS = (REPRODUCED, RESOLVED, OTHER)

Said = Literal["reproduced", "resolved", "other"]


def classify(output: str) -> Said:
    """What a run printed: one of the first two markers and neither of the others, else "other"."""
    found = {marker for marker in MARKERS if marker in output}
    if found == {REPRODUCED}:
        return "reproduced"
    return "resolved" if found == {RESOLVED} else "other"
