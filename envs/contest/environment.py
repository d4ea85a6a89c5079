"""A contest problem, put to a model."""

from __future__ import annotations

from envs.environment import Meter
from envs.issue.budget import Limits
from envs.issue.modes import Switches
from envs.problem.environment import Asked, ProblemEnvironment
from envs.problem.fences import code_blocks
from tools.texts import Texts

WHAT = "Python block"


def contest_environment(
    statement: str,
    starter: str,
    texts: Texts,
    switches: Switches,
    limits: Limits,
    meter: Meter,
    *,
    thinking: bool,
) -> ProblemEnvironment:
    """One attempt; its `patch` is the code. With a `starter` a function is asked for."""
    form = texts.render("contest.function", starter=starter) if starter else ""
    form = form or texts.render("contest.program")
    message = texts.render("contest.task", problem=statement, form=form)
    asked = Asked(message, code_blocks, WHAT)
    return ProblemEnvironment(asked, texts, switches, limits, meter, thinking=thinking)
