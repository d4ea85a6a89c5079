"""What `cwm-agent replay` prints: turns as they come, and at the end what was found."""

from __future__ import annotations

from dataclasses import asdict, replace

from rich.text import Text

from cwm_agent.replay.replay import Replayed
from cwm_agent.replay.verdict import Difference
from cwm_agent.replay.walk import OPENING, ReplayedTurn
from cwm_agent.view.app.glyphs import glyphs_here
from cwm_agent.view.app.tabs.steps import step_line
from cwm_agent.view.console import console
from cwm_agent.view.sanitize import clean, clean_line
from cwm_agent.view.trajectory.steps import Steps
from results.records import Observed, Replied, Reply

WIDTH = 100


def title(turn: ReplayedTurn) -> Text:
    """One line: the turn, its call and how that ended now, as `solve` and the viewer show it."""
    if turn.number == OPENING or not turn.reply:
        return Text(f" {turn.number:>3} messages of the environment")
    steps = Steps()
    for event in (Replied(turn.number, Reply(turn.reply)), *turn.now.events):
        steps.take(event)
    steps.take(Observed(turn.now.messages))
    line = step_line(replace(steps.known[-1], number=turn.number), glyphs_here(), WIDTH)
    line.rstrip()
    return line


def print_turn(turn: ReplayedTurn) -> None:
    """The title and everything that the turn gives now."""
    screen = console()
    screen.print(title(turn))
    screen.print(Text(clean(turn.now.text)))


def print_verdict(replayed: Replayed) -> None:
    """What the comparison found."""
    screen, findings = console(), replayed.findings
    if findings.difference is not None:
        screen.print(Text(f"turn {findings.difference.turn} differs", "bold red"))
        for line in _difference_lines(findings.difference):
            screen.print(Text(clean_line(line)))
    else:
        results = f"{findings.compared} of {replayed.turns} results compared"
        screen.print(Text(f"no difference: {results}, {replayed.seconds:.1f} s", "bold green"))
    if findings.rules:
        counted = ", ".join(f"{name} {count}" for name, count in sorted(findings.rules.items()))
        screen.print(Text(f"differed as they may: {counted}"))
    if findings.tree_differs is not None:
        note = f"the files of the repository differ after turn {findings.tree_differs}"
        screen.print(Text(note, "yellow"))


def _difference_lines(difference: Difference) -> list[str]:
    return [
        f"  {difference.what}",
        f"  recorded  {_or_nothing(difference.recorded)}",
        f"  now       {_or_nothing(difference.now)}",
    ]


def _or_nothing(value: str | None) -> str:
    return "(nothing)" if value is None else value


def as_object(replayed: Replayed, *, verified: bool) -> dict[str, object]:
    """What `--json` prints."""
    findings = replayed.findings
    common: dict[str, object] = {
        "run": replayed.run,
        "instance": replayed.instance,
        "sample": replayed.sample,
        "sandbox": replayed.sandbox,
        "turns": replayed.turns,
        "seconds": replayed.seconds,
    }
    if not verified:
        return common | {"observations": [_observation(turn) for turn in replayed.walked]}
    difference = findings.difference
    return common | {
        "compared": findings.compared,
        "same": difference is None,
        "differing_turn": None if difference is None else difference.turn,
        "difference": None if difference is None else asdict(difference),
        "tree_differs": findings.tree_differs,
        "rules": dict(sorted(findings.rules.items())),
    }


def _observation(turn: ReplayedTurn) -> dict[str, object]:
    ran = turn.now.ran
    return {
        "turn": turn.number,
        "tool": ran.tool if ran else None,
        "ok": ran.ok if ran else None,
        "ending": ran.ending if ran else None,
        "exit_code": ran.exit_code if ran else None,
        "text": turn.now.text,
    }
