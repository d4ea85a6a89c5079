"""The Tests tab: every named test with its outcome and its part of the log; and why it failed."""

from __future__ import annotations

import re
from collections.abc import Sequence

from rich.text import Text

from cwm_agent.view.app import palette
from cwm_agent.view.app.glyphs import Glyphs
from cwm_agent.view.app.outline import Block
from cwm_agent.view.sanitize import clean_line
from cwm_agent.view.trajectory.failures import WORDS, is_limit
from cwm_agent.view.trajectory.trajectory import Trajectory
from cwm_agent.wording import counted
from results.records import Verdict

_HEADER = re.compile(r"^_{3,} (.+?) _{3,}$", re.MULTILINE)
_MOST = 200_000


def tests_blocks(known: Trajectory, glyphs: Glyphs) -> list[Block]:
    """Failing tests first."""
    verdict, log = known.outcome.verdict, known.outcome.test_output
    blocks: list[Block] = []
    if verdict is not None:
        if verdict.detail:
            blocks.append(Block(Text(clean_line(verdict.detail), palette.WARN)))
        for title, tests in (
            ("fail to pass", verdict.fail_to_pass),
            ("pass to pass", verdict.pass_to_pass),
        ):
            if tests:
                blocks += _table(title, tests, log, glyphs)
    if log:
        heading = Text("log of the tests", palette.TITLE)
        heading.append(f"  {counted(log.count(chr(10)), 'line')}", palette.DIM)
        blocks.append(Block(heading, lambda: log, name="log"))
    return blocks


def _table(title: str, tests: dict[str, bool], log: str, glyphs: Glyphs) -> list[Block]:
    passed = sum(tests.values())
    style = palette.GOOD if passed == len(tests) else palette.BAD
    heading = Text(f"{title}  ", palette.TITLE).append(f"{passed} of {len(tests)}", style)
    blocks = [Block(heading, open=True)]
    for name, ok in sorted(tests.items(), key=lambda item: item[1]):
        mark = glyphs.mark("resolved" if ok else "unresolved")
        line = Text(f"  {mark} ", palette.GOOD if ok else palette.BAD).append(clean_line(name))
        blocks.append(
            Block(line, lambda name=name: part_of_log(log, name), depth=1, failed=not ok)  # type: ignore[misc]
        )
    return blocks


def part_of_log(log: str, test: str) -> str:
    """What a log says of one test: pytest's section of its failure, else the lines naming it."""
    name = test.rpartition("::")[2].partition(" ")[0]
    if not name or not log:
        return "the log does not name it"
    headers = list(_HEADER.finditer(log))
    for place, header in enumerate(headers):
        if header[1].split(".")[-1] == name:
            end = headers[place + 1].start() if place + 1 < len(headers) else len(log)
            ended = log.find("\n====", header.end())
            stop = min(end, ended) if ended >= 0 else end
            return log[header.start() : stop]
    lines = [line for line in log[:_MOST].split("\n") if name in line]
    return "\n".join(lines[:40]) or "the log does not name it"


def why_lines(known: Trajectory, glyphs: Glyphs) -> Sequence[Text]:
    """Why it failed, or how it went, in a few lines for a narrow pane."""
    outcome = known.outcome
    lines: list[Text] = []
    if known.problem:
        lines.append(Text(f"unreadable: {clean_line(known.problem)}", "#c792ea"))
    verdict = outcome.verdict
    if verdict is not None:
        for title, tests in (
            ("fail to pass", verdict.fail_to_pass),
            ("pass to pass", verdict.pass_to_pass),
        ):
            if tests:
                passed = sum(tests.values())
                good = passed == len(tests)
                text = f"{title} {passed}/{len(tests)}"
                lines.append(Text(text, palette.GOOD if good else palette.BAD))
        if verdict.detail:
            lines.append(Text(clean_line(verdict.detail), palette.WARN))
    elif outcome.over and outcome.resolved is None:
        lines.append(Text("not graded", palette.DIM))
    elif outcome.resolved is not None:
        word = "resolved" if outcome.resolved else "unresolved"
        lines.append(Text(word, palette.GOOD if outcome.resolved else palette.BAD))
    return [*lines, *_ending(known), *_failing(verdict, glyphs)]


def _failing(verdict: Verdict | None, glyphs: Glyphs) -> list[Text]:
    """The tests that failed."""
    if verdict is None:
        return []
    tables = (verdict.fail_to_pass, verdict.pass_to_pass)
    names = [name for tests in tables for name, ok in tests.items() if not ok]
    cross = glyphs.mark("unresolved")
    return [Text(f"{cross} {clean_line(name)}", palette.BAD) for name in names]


def _ending(known: Trajectory) -> list[Text]:
    outcome = known.outcome
    lines = []
    if outcome.exit:
        style = palette.WARN if is_limit(outcome.exit) else palette.DIM
        lines.append(Text(f"exit {clean_line(outcome.exit.replace('_', ' '))}", style))
    if outcome.detail:
        lines.append(Text(clean_line(outcome.detail), palette.DIM))
    if outcome.over and not outcome.patch.strip():
        lines.append(Text("no patch was handed in", palette.WARN))
    failed = [step for step in known.steps if step.failure]
    if failed:
        last = failed[-1]
        assert last.failure is not None
        plural = "s" * (len(failed) > 1)
        text = f"{len(failed)} failed step{plural}, last {last.number}: {WORDS[last.failure]}"
        lines.append(Text(text, palette.WARN))
    return lines
