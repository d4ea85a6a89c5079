"""How a predicted frame differs from the real one, component by component."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from cwm_agent.debug.frames.state import Moment

Component = Literal["event", "line", "locals", "value", "end"]
COMPONENTS: tuple[Component, ...] = ("event", "line", "locals", "value", "end")


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that is not as it is in reality; `name` is that of a variable."""

    component: Component
    predicted: str
    real: str
    name: str = ""

    def __str__(self) -> str:
        """Such as `locals x: predicted 3, really 4`."""
        what = f"{self.component} {self.name}".strip()
        return f"{what}: predicted {self.predicted}, really {self.real}"


def differences(predicted: Moment, real: Moment) -> list[Difference]:
    """All differences of two moments, the weightiest first; whole values are compared."""
    if predicted.ended or real.ended:
        if predicted.ended == real.ended:
            return []
        return [Difference("end", _over(predicted), _over(real))]
    assert predicted.frame is not None
    assert real.frame is not None
    one, two = predicted.frame, real.frame
    found = []
    if one.line.rstrip() != two.line.rstrip():
        found.append(Difference("line", one.line.strip(), two.line.strip()))
    if one.event != two.event:  # the rest means something else
        return [Difference("event", one.event, two.event), *found]
    if one.event in ("call", "line"):
        mine = dict(predicted.scopes[-1].locals)
        true = dict(real.scopes[-1].locals)
        for name in {**true, **mine}:
            if mine.get(name) != true.get(name):
                said, is_so = mine.get(name, "not there"), true.get(name, "not there")
                found.append(Difference("locals", said, is_so, name))
    elif one.value != two.value:
        found.append(Difference("value", one.value, two.value))
    return found


def _over(moment: Moment) -> str:
    return "the end" if moment.ended else "one more step"


@dataclass(frozen=True, slots=True)
class Divergence:
    """The first step at which prediction and reality part; None of `step`: nowhere."""

    step: int | None
    differences: tuple[Difference, ...] = ()
    compared: int = 0


def first_divergence(predicted: list[Moment], real: list[Moment]) -> Divergence:
    """Compare two executions of the same program; what is longer is not compared beyond."""
    for step, (one, two) in enumerate(zip(predicted, real, strict=False)):
        if found := differences(one, two):
            return Divergence(step, tuple(found), step + 1)
    return Divergence(None, (), min(len(predicted), len(real)))
