"""The control tokens of CWM's vocabulary and where they stand.

Their ids follow the ordinary tokens: id = number of ordinary tokens + offset
(128000 + offset for the released model).
"""

from __future__ import annotations

BEGIN_OF_TEXT = "<|begin_of_text|>"
END_OF_TEXT = "<|end_of_text|>"
START_HEADER = "<|start_header_id|>"
END_HEADER = "<|end_header_id|>"
END_OF_MESSAGE = "<|eom_id|>"
END_OF_TURN = "<|eot_id|>"
THINKING_START = "<|reasoning_thinking_start|>"
THINKING_END = "<|reasoning_thinking_end|>"

COUNT = 256

_NAMED = {
    0: BEGIN_OF_TEXT,
    1: END_OF_TEXT,
    4: "<|pad|>",
    6: START_HEADER,
    7: END_HEADER,
    8: END_OF_MESSAGE,
    9: END_OF_TURN,
    100: "<|frame_sep|>",
    101: "<|action_sep|>",
    102: "<|return_sep|>",
    103: "<|call_sep|>",
    104: "<|line_sep|>",
    105: "<|exception_sep|>",
    106: "<|arg_sep|>",
    107: "<|trace_context_start|>",
    120: THINKING_START,
    121: THINKING_END,
}

CONTROL_NAMES = tuple(_NAMED.values())
"""The control tokens that have a meaning; the others are reserved."""


def special_ids(first: int) -> dict[str, int]:
    """Name -> id of all 256 control tokens, the first of which has the id `first`."""
    return {
        _NAMED.get(offset, f"<|reserved_special_token_{first + offset}|>"): first + offset
        for offset in range(COUNT)
    }
