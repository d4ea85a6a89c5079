"""A mathematics problem, put to a model."""

from __future__ import annotations

from envs.environment import Meter
from envs.issue.budget import Limits
from envs.issue.modes import Switches
from envs.problem.boxed import boxed_answers
from envs.problem.environment import Asked, ProblemEnvironment
from tools.texts import Texts

WHAT = "boxed answer"


def mathematics_environment(
    statement: str,
    texts: Texts,
    switches: Switches,
    limits: Limits,
    meter: Meter,
    *,
    thinking: bool,
) -> ProblemEnvironment:
    """One attempt; its `patch` is what stands in the box."""
    asked = Asked(texts.render("mathematics.task", problem=statement), boxed_answers, WHAT)
    return ProblemEnvironment(asked, texts, switches, limits, meter, thinking=thinking)
