"""Best of several: what each sample has for and against it, and which rule put it out."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from rich.text import Text

from cwm_agent.view.app import palette
from cwm_agent.view.app.glyphs import Glyphs
from cwm_agent.view.app.outline import Block
from cwm_agent.view.sanitize import clean_line
from cwm_agent.view.sources.row import MARKS, State
from cwm_agent.view.trajectory.samples import SampleEvidence, SamplesEvidence, Tally

_TITLES = {"existing": "old", "generated": "new", "harvested": "own", "trace": "traced"}
"""Tests of the repository, tests written for the issue, tests that samples wrote."""


def samples_blocks(
    known: SamplesEvidence | None, states: dict[int, State], glyphs: Glyphs, width: int
) -> list[Block]:
    """A line a sample, opened into what it failed; `states` are the verdicts by sample."""
    if known is None:
        return []
    if known.problem:
        note = Text(f"{glyphs.mark('damaged')} ", MARKS["damaged"].style)
        return [Block(note.append("evidence cannot be read", "bold"), _said(known.problem))]
    blocks = [Block(headline(known), _said("\n".join(known.reasons[1:])), name="evidence")]
    if known.samples:
        blocks.append(Block(_titles(known, width)))
    blocks += [_sample(found, states, glyphs, width) for found in known.samples]
    if known.hint:
        blocks.append(Block(Text(known.hint, palette.WARN)))
    return [*blocks, Block(Text())]


def headline(known: SamplesEvidence) -> Text:
    """Which sample, by what, how surely."""
    line = Text().append(f"best of {len(known.samples) or 'several'}  ", palette.TITLE)
    if known.recipe and known.chosen is None:
        return line.append(f"{clean_line(known.recipe)} chose none", palette.WARN)
    if known.recipe:
        line.append(f"sample {known.chosen}", f"bold {palette.GOOD}")
        line.append(f" by {clean_line(known.recipe)}", palette.DIM)
    if known.probability is not None:
        line.append(f", right with probability {known.probability:.2f}", palette.DIM)
    return line


def why_chosen(known: SamplesEvidence | None, sample: int) -> Text | None:
    """One line about one sample, for a narrow pane."""
    found = known.of(sample) if known else None
    if known is None or found is None or not known.recipe:
        return None
    if found.mark == "chosen":
        sure = "" if known.probability is None else f", P {known.probability:.2f}"
        return Text(f"chosen by {clean_line(known.recipe)}{sure}", palette.GOOD)
    if known.chosen is None:
        return Text(f"{clean_line(known.recipe)} chose none", palette.WARN)
    rule = f": {clean_line(found.rule)}" if found.rule else ""
    return Text(f"#{known.chosen} was chosen instead{rule}", palette.WARN)


def _titles(known: SamplesEvidence, width: int) -> Text:
    kinds = known.samples[0].tallies
    cells = [f"{_TITLES.get(tally.kind, tally.kind):>7}" for tally in kinds]
    parts = ["    #", " votes", *cells, " grade", "    P"]
    line = Text("".join(parts) + "  rule", palette.DIM)
    line.truncate(width)
    return line


def _sample(found: SampleEvidence, states: dict[int, State], glyphs: Glyphs, width: int) -> Block:
    state = states.get(found.sample, "unscored")
    line = Text().append(f"{glyphs.mark(state)} ", MARKS[state].style)
    taken = found.mark == "chosen"
    line.append(glyphs.marked if taken else " ", palette.GOOD)
    line.append(f"{found.sample:>2}", "bold" if taken else "")
    line.append(f"{f'{found.votes} {found.group}' if found.group else '-':>6}", palette.DIM)
    for tally in found.tallies:
        line.append_text(_tally(tally))
    line.append(f"{_share(found.grade):>6}{_share(found.chance):>5}  ")
    word = {"chosen": "chosen", "out": "out", "empty": "out", "open": ""}[found.mark]
    line.append(word, palette.GOOD if taken else palette.DIM)
    if found.rule:
        line.append(f": {clean_line(found.rule)}", palette.DIM)
    line.truncate(width, overflow="ellipsis")
    return Block(line, _said(_details(found)), name="sample")


def _tally(tally: Tally) -> Text:
    said = f"{tally.passed}/{tally.of}" if tally.of else "-"
    good = tally.passed == tally.of
    return Text(
        f"{said:>7}", palette.DIM if not tally.of else palette.GOOD if good else palette.BAD
    )


def _share(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f}"


def _details(found: SampleEvidence) -> str:
    lines: Sequence[str] = [
        *(f"{_TITLES.get(t.kind, t.kind)} {name}" for t in found.tallies for name in t.failing),
        *(f"{call} gives {output}" for call, output in found.outputs),
    ]
    return "\n".join(clean_line(line) for line in lines)


def _said(text: str) -> Callable[[], str]:
    return lambda: text
