"""Traces printed as plain text, where the control tokens between the parts were lost.

Then only JSON and newlines tell the parts: `{locals}line` is a call or a line,
`line` and a JSON string are a return or an exception.
"""

from __future__ import annotations

import json

from cwm_agent.debug.frames.parse import read_locals
from model.text.traces import Frame

_DECODER = json.JSONDecoder(strict=False)


def read_bare(text: str) -> tuple[list[Frame], bool]:
    """The frames before other text begins, and whether the last of them is whole.

    A function's first line is read as a call, a result that begins as an
    exception's does as one of those.
    """
    frames: list[Frame] = []
    at = 0
    while at < len(text) and not text.startswith("\n", at):
        start = at
        pairs = None
        if text[at] == "{":
            try:
                _, at = _DECODER.raw_decode(text, at)
            except (ValueError, RecursionError):
                return frames, False
            pairs, _ = read_locals(text[start:at])
        end = text.find("\n", at)
        if end < 0:
            return frames, False
        line = text[at:end]
        at = end + 1
        if pairs is not None:
            called = line.lstrip().startswith(("def ", "async def "))
            frames.append(Frame("call" if called else "line", line, pairs))
            continue
        try:
            value, at = _DECODER.raw_decode(text, at)
        except (ValueError, RecursionError):
            return frames, False
        written = value if isinstance(value, str) else json.dumps(value)
        name = written.split(":")[0]
        raised = name.isidentifier() and name.endswith(("Error", "Exception", "StopIteration"))
        frames.append(Frame("exception" if raised else "return", line, value=written))
    return frames, True
