"""The Log and Info tabs: what happened when, and what it was made with."""

from __future__ import annotations

from collections.abc import Callable

from rich.text import Text

from cwm_agent.view.app import palette
from cwm_agent.view.app.outline import Block
from cwm_agent.view.sanitize import clean, clean_line
from cwm_agent.view.trajectory.trajectory import Trajectory

_TITLES = {"version of ": "versions", "hash of ": "hashes", "seed of ": "seeds"}
_GROUPS = tuple(_TITLES)


def log_blocks(known: Trajectory) -> list[Block]:
    """The log as it is."""
    return [Block(None, lambda: known.log)] if known.log else []


def info_blocks(known: Trajectory) -> list[Block]:
    """Facts in groups: the attempt, its run, versions, settings."""
    outcome = known.outcome
    spent = known.steps
    first = {
        "instance": known.instance,
        "sample": str(known.sample),
        "format": known.format,
        "policy": known.policy,
        "started": known.started,
        "exit": outcome.exit,
        "steps": str(len(spent)),
        "tokens written": f"{known.tokens:,}",
        "time": f"{known.seconds:.1f} s",
        "model time": f"{sum(step.spent.model for step in spent):.1f} s",
        "tool time": f"{sum(step.spent.tool for step in spent):.1f} s",
        "waiting": f"{sum(step.spent.waiting for step in spent):.1f} s",
    }
    blocks: list[Block | None] = [_group("attempt", first)]
    plain = {
        name: value
        for name, value in known.facts.items()
        if not name.startswith(_GROUPS) and "." not in name
    }
    settings = {name: value for name, value in known.facts.items() if "." in name}
    blocks.append(_group("run", plain))
    for prefix, title in _TITLES.items():
        found = {
            name.removeprefix(prefix): value
            for name, value in known.facts.items()
            if name.startswith(prefix)
        }
        settings = {name: value for name, value in settings.items() if not name.startswith(prefix)}
        blocks.append(_group(title, found))
    blocks.append(_group("details", settings))
    return [block for block in blocks if block is not None]


def _group(title: str, found: dict[str, str]) -> Block | None:
    found = {name: value for name, value in found.items() if value}
    if not found:
        return None
    width = min(28, max(len(name) for name in found))
    raw = "\n".join(
        f"{clean_line(name):<{width}}  {clean(value).replace(chr(10), ' ')}"
        for name, value in found.items()
    )
    text = _said(raw)
    return Block(Text(title, palette.TITLE), text, open=True, name=title)


def _said(text: str) -> Callable[[], str]:
    return lambda: text
