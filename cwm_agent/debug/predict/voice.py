"""What is needed to read and write frames of one model."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from cwm_agent.debug.frames.parse import FrameParser
from model.text.traces import TraceFormat

if TYPE_CHECKING:
    from model.step.sampler import Sampling
    from model.text.tokenizer import Tokenizer


@dataclass(frozen=True, slots=True)
class Voice:
    """A frame has at most `frame_tokens` tokens; ids are below `vocabulary`."""

    tokenizer: Tokenizer
    form: TraceFormat
    parser: FrameParser
    sampling: Sampling
    frame_tokens: int
    vocabulary: int
