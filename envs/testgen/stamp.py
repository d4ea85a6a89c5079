"""Markers that the code under test cannot print.

A change that prints "Issue resolved" by itself would steer every generated
test. So each run replaces the markers in the test by ones with a random
stamp, and only those count.
"""

from __future__ import annotations

import re
import secrets

from envs.testgen.outcome import MARKERS

_MARKER = re.compile("|".join(map(re.escape, MARKERS)))


def new_stamp() -> str:
    """A word that nobody can guess."""
    return secrets.token_hex(8)


def stamped(source: str, stamp: str) -> str:
    """The test with the stamp behind each marker."""
    return _MARKER.sub(lambda match: f"{match.group()} {stamp}", source)


def unstamped(output: str, stamp: str) -> str:
    """What the test itself said; a marker without the stamp is not the test's."""
    forged = re.sub(rf"({_MARKER.pattern})(?! {stamp})", "[not by the test]", output)
    return forged.replace(f" {stamp}", "")
