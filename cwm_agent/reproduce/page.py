"""The rows as JSON, as lines, and as the page docs/reproduce.md."""

from __future__ import annotations

import shlex
from typing import Any

from cwm_agent.reproduce.expected import (
    BANDWIDTH,
    HARDWARE,
    SHARE,
    hours,
    interval,
)
from cwm_agent.reproduce.published import NOT_HERE, ROWS, Row, commands

HEAD = """\
# Published numbers, measured again

`cwm-agent reproduce NAME --model DIR` runs the commands of a row one after the other, and goes on
where it stopped when it is repeated. `--dry-run` checks everything but the tokens: that the
commands are understood, the settings are those that were published, checkpoint, GPU memory, data,
images and disk are at hand. `reproduce --list --json` has this page as data. The page is made by
`cwm-agent reproduce --page`.

All rows: temperature 1, top-p 0.95, seed 42, context 131,072 tokens, thinking on; traces greedy.
"""

NOTES = """\
## How to read it

- **Interval**: where 95 % of repetitions on the same tasks lie if nothing differs but chance:
  published ± 1.96 s, s² = p (1 - p) / tasks x (1 / our samples + 1 / their samples). A score of one
  answer a task (best-of, majority, pass@40, traces) counts as one sample on each side. The chance
  of single tasks is not published, so this is the widest interval that fits. The authors name a
  noise from run to run of 2 to 3 points on SWE-bench Verified.
- **Hours** are **estimated**, for {hardware}: answers x tokens of an answer / (copies x tokens a
  second of a copy). A decoding step reads the weights and the keys and values of all its sessions
  once, at {share:.0%} of {bandwidth:.2f} TB/s (an assumption); how many sessions fit is what
  `cwm-agent model plan` says (computed). Tokens of an answer and the mean length of its context are
  assumptions: they stand in the table. Prefill, tools and grading are not counted.
- **Their hours** are what the authors name for 8 H100, times the samples of the row.
- No figure of this page was **measured** on a GPU by this project; `cwm-agent bench gpu` measures
  the share of the bandwidth that decoding reaches on yours.
"""


def as_json(row: Row, *, runs_here: bool, missing: list[str]) -> dict[str, Any]:
    """One object of `reproduce --list --json`."""
    spread, took = interval(row), hours(row)
    return {
        "name": row.name,
        "title": row.title,
        "published": row.published,
        "command": line_of(row),
        "hardware": HARDWARE,
        "hours": took.value,
        "runs_here": runs_here,
        "missing": missing,
        "hours_basis": "estimated",
        "hours_of_authors": took.published,
        "expected": [spread.low, spread.high],
        "tasks": row.tasks,
        "samples": row.samples,
        "dataset": row.dataset,
        "source": row.source,
        "read": row.read,
        "differs": row.differs,
    }


def line_of(row: Row, model: str = "MODEL") -> str:
    """The commands as one line of shell."""
    return " && ".join(shlex.join(["cwm-agent", *words]) for words in commands(row, model))


def page() -> str:
    """The text of docs/reproduce.md."""
    notes = NOTES.format(hardware=HARDWARE, share=SHARE, bandwidth=BANDWIDTH / 1e12)
    header = (
        "| name | what | published | 95 % | tasks x samples | tokens | hours | theirs |\n"
        "| --- | --- | --- | --- | --- | --- | --- | --- |"
    )
    table = "\n".join([header, *map(_cells, ROWS)])
    parts = [HEAD, table, "", notes.rstrip(), "", "## Row by row"]
    parts += [_section(row) for row in ROWS]
    parts += ["\n## Without a row\n"]
    parts += [f"- {what}: {why}." for what, why in NOT_HERE.items()]
    return "\n".join(parts) + "\n"


def _cells(row: Row) -> str:
    spread, took = interval(row), hours(row)
    theirs = "-" if took.published is None else f"{took.published:g}"
    return (
        f"| `{row.name}` | {row.title} | {row.published} | {spread.low} to {spread.high} "
        f"| {row.tasks} x {row.samples} | {row.tokens:,} | {took.value:g} | {theirs} |"
    )


def _section(row: Row) -> str:
    lines = "\n".join(shlex.join(["cwm-agent", *words]) for words in commands(row))
    took = hours(row)
    return (
        f"\n### {row.name}\n\n{row.title}: {row.published} ({row.source}). "
        f"Read it from: {row.read}. Data: `{row.dataset}`. {took.sessions} sessions of "
        f"{row.context:,} tokens on a copy, {took.rate:,.0f} tokens a second."
        f"\n\n```sh\n{lines}\n```\n\nDiffers: {row.differs}."
    )
