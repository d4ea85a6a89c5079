"""The Raw tokens tab: the exact tokens, control tokens visible, probabilities as shades."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from rich.text import Text

from cwm_agent.view.app import palette
from cwm_agent.view.app.outline import Block
from cwm_agent.view.sanitize import clean
from cwm_agent.view.trajectory.trajectory import Step, Trajectory
from cwm_agent.wording import counted

Decode = Callable[[int], tuple[str, bool]]
"""The text of one token, and whether it is a control token."""
MOST = 4_000
"""Tokens of one block that are drawn."""


def tokens_blocks(known: Trajectory, decode: Decode | None) -> list[Block]:
    """Prompt and completion of every step."""
    blocks = []
    if known.opening_ids:
        blocks.append(_ids_block("prompt", known.opening_ids, (), decode, 0))
    for step in known.steps:
        if step.tokens.prompt_ids:
            blocks.append(_ids_block("added", step.tokens.prompt_ids, (), decode, step.number))
        blocks.append(_completion(step, decode))
    return blocks


def _completion(step: Step, decode: Decode | None) -> Block:
    if step.tokens.ids:
        return _ids_block("reply", step.tokens.ids, step.tokens.logprobs, decode, step.number)
    heading = _heading(
        "reply", step.number, f"{counted(step.tokens.written, 'token')}, no ids recorded"
    )
    return Block(heading, lambda: step.raw, step=step.number, open=True)


def _ids_block(
    name: str,
    ids: Sequence[int],
    logprobs: Sequence[float | None],
    decode: Decode | None,
    step: int,
) -> Block:
    about = counted(len(ids), "token")
    known = [value for value in logprobs if value is not None]
    if known:
        about += f", mean probability {math.exp(sum(known) / len(known)):.2f}"
    if len(ids) > MOST:
        about += f", the first {MOST:,} shown"
    return Block(
        _heading(name, step, about),
        step=step,
        open=True,
        lines=lambda: drawn(ids[:MOST], logprobs, decode),
    )


def _heading(name: str, step: int, about: str) -> Text:
    place = f"{step:>3} " if step else "    "
    return Text(place, palette.DIM).append(f"{name:<8}", "bold").append(about, palette.DIM)


def drawn(
    ids: Sequence[int], logprobs: Sequence[float | None], decode: Decode | None
) -> list[Text]:
    """The tokens as lines of some 100 characters; a line break in a token ends the line, too."""
    lines, line = [], Text()
    for place, token in enumerate(ids):
        text, control = decode(token) if decode else (str(token), False)
        chance = logprobs[place] if place < len(logprobs) else None
        style = "reverse bold #c792ea" if control else shade(chance, place)
        shown = clean(text).replace("\t", "→")
        parts = shown.split("\n")
        for more, part in enumerate(parts):
            if more:
                lines.append(line.append("⏎", palette.DIM))
                line = Text()
            line.append(part + ("" if decode else " "), style)
        if line.cell_len > 100:
            lines.append(line)
            line = Text()
    return [*lines, line] if line.plain else lines


def shade(logprob: float | None, place: int) -> str:
    """Darker for what was likely, brighter for what was not; without it, alternating shades."""
    if logprob is None:
        return "" if place % 2 else "#a8b0bd"
    chance = math.exp(min(0.0, logprob))
    if chance > 0.9:
        return "#8b94a1"
    if chance > 0.5:
        return "#d7c9a0"
    return "#e5b454" if chance > 0.1 else "bold #e8697d"
