"""What a file must be to count as a test."""

from __future__ import annotations

import ast

from envs.testgen.outcome import REPRODUCED, RESOLVED

TEST_BYTES = 2**20


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
