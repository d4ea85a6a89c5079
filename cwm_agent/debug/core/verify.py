"""Prediction against reality: the program is run, and the first difference shown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from cwm_agent.debug.actions.tree import StateTree
from cwm_agent.debug.core.jumps import ENDS
from cwm_agent.debug.core.tree import Node
from cwm_agent.debug.frames.compare import Difference, Divergence, first_divergence
from cwm_agent.debug.frames.state import Moment
from cwm_agent.debug.legal.program import Program
from cwm_agent.debug.record.recording import Recorder, Recording, request_of
from cwm_agent.errors import UsageError
from model.text.actions import STEP_INTO, Action, Exit

MOST = 20_000
"""Real steps that are recorded where jumps were predicted: they may lead far."""


@dataclass(frozen=True, slots=True)
class Verified:
    """`real` are the true moments, the end last unless the recording was cut; of a jump, those
    where it really leads to.

    The prediction was compared up to the first thing that a person had changed,
    `until` steps in all.
    """

    divergence: Divergence
    real: tuple[Moment, ...]
    until: int

    def __str__(self) -> str:
        """One or more lines."""
        found = self.divergence
        if found.step is None:
            return f"true: all {found.compared} predicted steps are as they really are"
        line = self.real[found.step].line if found.step < len(self.real) else None
        where = f"line {line}" if line else "no line"
        lines = [f"false from step {found.step + 1} on ({found.step} are true), {where}:"]
        return "\n".join([*lines, *(f"  {one}" for one in found.differences)])


def real_moments(program: Program, recording: Recording) -> list[Moment]:
    """The moments of what really happened."""
    here = Moment.start(program)
    found = []
    for frame in recording.frames:
        here = here.after(frame)
        found.append(here)
    return found if recording.cut or not found else [*found, here.over()]


def verify(program: Program, path: Sequence[Node], recorder: Recorder) -> Verified:
    """Run the program with the arguments of the predicted call; raises what the recorder raises.

    A variable that was set by hand is no prediction: comparing ends before it.
    """
    if not path:
        raise UsageError("nothing was predicted yet; step first")
    edited = next((n for n, node in enumerate(path) if node.edited and n > 0), len(path))
    predicted = [node.moment for node in path[:edited]]
    call = path[0].moment.frame
    assert call is not None
    arguments = call_arguments(program, dict(call.locals))
    actions = [node.action for node in path[1:edited]]
    most = MOST if any(one != STEP_INTO for one in actions) else 2 * len(predicted) + 100
    recording = recorder(request_of(program, arguments, most=most))
    if not recording.frames:
        raise UsageError(
            f"the call {program.entry_name}({arguments}) raises before its function begins; "
            "mend the arguments"
        )
    real = real_moments(program, recording)
    if any(one != STEP_INTO for one in actions):
        real = _led_to(real, recording, actions)
    found = first_divergence(predicted, real)
    if found.step is None and (ends := _other_end(path[edited - 1], recording)) is not None:
        found = Divergence(len(predicted) - 1, (ends,), len(predicted))
    return Verified(found, tuple(real), edited)


def _other_end(last: Node, recording: Recording) -> Difference | None:
    """How the predicted end of a program differs from the real one."""
    said = last.prediction.exit if last.prediction else None
    if not last.moment.ended or said is None:
        return None
    if recording.cut:
        steps = f"it still runs after {len(recording.frames)} steps"
        return None if said == "never" else Difference("end", ENDS[said], steps)
    real: Exit = "error" if recording.raised else "normal"
    return None if said == real else Difference("end", ENDS[said], ENDS[real])


def _led_to(
    real: Sequence[Moment], recording: Recording, actions: Sequence[Action]
) -> list[Moment]:
    """Where actions really lead to, up to where the recording was cut."""
    tree = StateTree.of(recording.frames, "error" if recording.raised else "normal")
    places = [0]
    for action in actions:
        if places[-1] < len(tree.nodes):
            places.append(tree.target(places[-1], action))
    return [real[place] for place in places if place < len(real)]


def call_arguments(program: Program, values: dict[str, str]) -> str:
    """What stands between the parentheses of a call of the entry; raises UsageError."""
    code = program.flows[program.entry].code
    positional = code.co_posonlyargcount
    parts = []
    plain = code.co_argcount + code.co_kwonlyargcount
    for number, name in enumerate(program.parameters):
        value = values.get(name)
        if value is None:
            raise UsageError(f"the value of the parameter {name} is not known")
        if number >= plain:
            star = "*" if number == plain and code.co_flags & 0x04 else "**"
            parts.append(f"{star}{value}")
        else:
            parts.append(value if number < positional else f"{name}={value}")
    return ", ".join(parts)
