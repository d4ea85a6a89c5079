"""Markdown: what a person pastes into an issue. Fences are longer than any in the text."""

from __future__ import annotations

import re

from cwm_agent.view.sanitize import clean, clean_line
from cwm_agent.view.trajectory.trajectory import Step, Trajectory
from cwm_agent.wording import counted

LONGEST = 20_000
"""Characters of one block; its ends are kept."""


def as_markdown(known: Trajectory) -> str:
    """Headings for steps, folded thinking, fenced texts."""
    outcome = known.outcome
    word = {True: "resolved", False: "unresolved", None: "not scored"}[outcome.resolved]
    parts = [
        f"# {escaped(known.name)}",
        f"{word} · {escaped(outcome.exit or 'running')} · {counted(len(known.steps), 'step')} · "
        f"{counted(known.tokens, 'token')} · {known.seconds:.1f} s · {escaped(known.policy)}",
    ]
    for message in known.opening:
        parts += [f"## {escaped(message.role)}", fenced(message.text)]
    for step in known.steps:
        parts += _step(step)
    if known.problem:
        parts.append(f"**unreadable from here on:** {escaped(known.problem)}")
    parts += ["## Patch", fenced(outcome.patch, "diff") if outcome.patch else "none"]
    return "\n\n".join(parts) + "\n"


def _step(step: Step) -> list[str]:
    ending = f", exit {step.exit_code}" if step.exit_code is not None else ""
    failed = f", **{step.failure}**" if step.failure else ""
    tool = escaped(step.action.tool or "no call")
    parts = [f"## Step {step.number}: {tool}{ending}{failed}"]
    if step.thinking:
        parts += ["<details><summary>thinking</summary>", fenced(step.thinking), "</details>"]
    if step.prose:
        parts.append(fenced(step.prose))
    if step.action.body:
        parts.append(fenced(step.action.body))
    if step.observation:
        parts += ["Observation:", fenced(step.observation)]
    return parts


def fenced(text: str, language: str = "") -> str:
    """A code block that nothing in the text can end."""
    shown = clean(text if len(text) <= LONGEST else _shortened(text))
    longest = max((len(run) for run in re.findall(r"`+", shown)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}{language}\n{shown}\n{fence}"


def escaped(text: str) -> str:
    """One line of text that is no markup."""
    return re.sub(r"([\\`*_{}\[\]<>#|!~&@])", r"\\\1", clean_line(text))


def _shortened(text: str) -> str:
    half = LONGEST // 2
    return f"{text[:half]}\n… {len(text) - LONGEST:,} characters left out …\n{text[-half:]}"
