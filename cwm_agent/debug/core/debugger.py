"""A debugger over predicted execution; every face of it calls these methods."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from types import TracebackType
from typing import Self

from cwm_agent.debug.certain.contents import Level
from cwm_agent.debug.core import jumps
from cwm_agent.debug.core.expressions import normal
from cwm_agent.debug.core.stops import Rule, Stop, Stops, next_rule, return_rule, until_rule
from cwm_agent.debug.core.tree import Node, predictions
from cwm_agent.debug.frames.state import Moment
from cwm_agent.debug.legal.program import Program
from cwm_agent.debug.predict.predictor import Cost, Prediction, PredictionRequest, Predictor
from cwm_agent.debug.predict.predictor import total_cost as total
from cwm_agent.errors import UsageError
from model.errors import ModelError
from model.text.actions import STEP_INTO, Action
from model.text.traces import Event, Frame

MOST_STEPS = 2000
"""A run of steps ends after so many."""
RESAMPLE_TEMPERATURE = 0.8


class Debugger:
    """One session. `here` is always a moment; no answer of the model can end it.

    With `legal` each step is one that the program allows, and what is `certain`
    is given; turn it off to hear the model alone. Where the predictor `jumps`, next, finish,
    out, until and run are one prediction each. Use as a context manager, or call `close`.
    """

    def __init__(
        self,
        predictor: Predictor,
        program: Program,
        *,
        legal: bool = True,
        certain: Level = "moves",
        arguments: Mapping[str, str] | None = None,
    ) -> None:
        """`arguments` of the entry, as written; what is missing the model fills in."""
        self.predictor = predictor
        self.program = program
        self.legal = legal
        self.certain: Level = certain
        self.stops = Stops()
        self.cancelled = False
        self._arguments = {name: normal(value) for name, value in (arguments or {}).items()}
        self._draws = 0
        if unknown := [name for name in self._arguments if name not in program.parameters]:
            raise UsageError(
                f"the entry has no parameter '{unknown[0]}'; it has "
                f"{', '.join(program.parameters) or 'none'}"
            )
        self._root = Node(Moment.start(program), predictor.open(program))
        self._node = self._root

    @property
    def here(self) -> Moment:
        """Where the debugger stands."""
        return self._node.moment

    @property
    def node(self) -> Node:
        """The same with its branches and its prediction."""
        return self._node

    @property
    def cost(self) -> Cost:
        """All that the session's predictions have cost."""
        return total(node.cursor.cost for node in self._root.walk())

    def start(self) -> Stop:
        """Go to the entry's call, and predict the arguments that nobody gave."""
        self._node = self._root
        return self.step()

    def step(self) -> Stop:
        """One frame on; what was predicted before is not predicted again."""
        return self._advance()

    def next(self, *, leap: bool = False) -> Stop:
        """To the next stop in this function. With `leap` calls are predicted as one step."""
        if self.predictor.jumps:
            return self._advance(jumps.OVER)
        return self._run(next_rule(self.here), leap=leap, breaks=not leap)

    def finish(self) -> Stop:
        """To the return of this function, as pdb's `return`."""
        if self.predictor.jumps:
            return jumps.leave(self._advance, self.here)
        return self._run(return_rule(self.here))

    def out(self, *, leap: bool = False) -> Stop:
        """Behind the return of this function, in its caller."""
        if self.predictor.jumps:
            stop = self.finish()
        elif leap and self.here.frame is not None and self.here.frame.event == "call":
            stop = self._advance(event="return")
        else:
            stop = self._run(return_rule(self.here), leap=leap)
        return self._advance() if stop.reason == "step" and self.here.left else stop

    def until(self, line: int | None = None) -> Stop:
        """To a later line of this function."""
        if self.predictor.jumps and line is not None:
            return self._advance(jumps.breakpoint_at(self.program, line))
        return self._run(until_rule(self.here, line))

    def run(self) -> Stop:
        """To the next breakpoint, change of a watched expression, or the end."""
        action = STEP_INTO
        if self.predictor.jumps:
            action = jumps.run_action(self.stops, self.program)
        return self._run(lambda _: False, action=action)

    def back(self) -> Stop:
        """One frame back; nothing is computed."""
        if self._node.parent is None or self._node.parent is self._root:
            return Stop("start", self.here, "this is the first step")
        self._node = self._node.parent
        return Stop("step", self.here)

    def run_back(self) -> Stop:
        """Back to a breakpoint, or to the first step."""
        while (stop := self.back()).reason != "start":
            if (hit := self.stops.hit(self.here)) is not None:
                return Stop("breakpoint", self.here, breakpoint=hit)
        return replace(stop, moment=self.here)

    def go(self, node: Node) -> Stop:
        """To any node of the tree; nothing is computed."""
        for one in node.path():
            one.take()
        self._node = node
        return Stop("step", self.here)

    def set_variable(self, name: str, value: str) -> Stop:
        """Go on from here with another value: a new branch of what-if.

        `value` is as it would be written. Raises UsageError where no locals are shown.
        """
        frame = self.here.frame
        if frame is None or frame.event not in ("call", "line") or self._node.parent is None:
            raise UsageError(
                "variables can be set where a line is about to run or a call begins; "
                "step to such a place"
            )
        if not name.isidentifier():
            raise UsageError(f"'{name}' is no name of a variable")
        pairs = dict(frame.locals) | {name: normal(value)}
        changed = replace(frame, locals=tuple(pairs.items()))
        return self._branch(changed, f"{name} = {value}")

    def resample(self, temperature: float = RESAMPLE_TEMPERATURE) -> Stop:
        """Predict this step again, as a new branch."""
        parent = self._node.parent
        if parent is None:
            raise UsageError("nothing was predicted yet; step first")
        self._draws += 1
        request = self._request(None, temperature, self._draws, self._node.action)
        return self._predict(parent, request)

    def alternatives(self, count: int = 5, temperature: float = 1.0) -> list[Prediction]:
        """Different predictions of this step, the likeliest first; nothing changes by it."""
        parent = self._node.parent
        if parent is None:
            raise UsageError("nothing was predicted yet; step first")
        draws = range(self._draws, self._draws + count)
        self._draws += count
        action = self._node.action
        return predictions(
            parent,
            [
                self._request(None, temperature if number > draws[0] else 0.0, number, action)
                for number in draws
            ],
        )

    def take(self, prediction: Prediction) -> Stop:
        """Go on with one of the alternatives of this step."""
        if prediction.frame is None:
            raise UsageError("this alternative is no step; choose another")
        return self._branch(prediction.frame, "", prediction)

    def close(self) -> None:
        """Free everything."""
        for node in self._root.walk():
            node.cursor.close()

    def __enter__(self) -> Self:
        """Itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Free everything."""
        self.close()

    def _run(
        self, rule: Rule, *, leap: bool = False, breaks: bool = True, action: Action = STEP_INTO
    ) -> Stop:
        self.cancelled = False
        for _ in range(MOST_STEPS):
            before = self.here
            entered = before.frame is not None and before.frame.event == "call"
            event: Event | None = "return" if leap and entered and not rule(before) else None
            stop = self._advance(action, event)
            if stop.reason != "step":
                return stop
            if rule(self.here):
                return stop
            if (stopped := self.stops.between(before, self.here, breaks=breaks)) is not None:
                return replace(stopped, jump=stop.jump)
            if self.cancelled:
                return Stop("cancelled", self.here, "interrupted")
        return Stop("limit", self.here, f"no stop after {MOST_STEPS} steps; continue to go on")

    def _advance(self, action: Action = STEP_INTO, event: Event | None = None) -> Stop:
        if self.here.ended:
            return Stop("end", self.here, "the program has ended")
        if (known := self._node.known(action, event)) is not None:
            known.take()
            self._node = known
            return self._stop()
        if self._node is self._root:
            action = STEP_INTO
            if self._arguments:
                return self._enter()
        return self._predict(self._node, self._request(event, action=action))

    def _request(
        self,
        event: Event | None,
        temperature: float | None = None,
        draw: int = 0,
        action: Action = STEP_INTO,
    ) -> PredictionRequest:
        return PredictionRequest(event, self.legal, temperature, draw, self.certain, action)

    def _predict(self, parent: Node, request: PredictionRequest) -> Stop:
        """A new child of `parent`, or a problem and the place as before."""
        cursor = parent.cursor.fork()
        try:
            said = cursor.predict(parent.moment, request)
        except ModelError as error:
            cursor.close()
            return Stop("problem", self.here, str(error))
        if said.frame is None and not said.ended:
            cursor.close()
            return Stop("problem", self.here, said.problem)
        moment = jumps.reached(parent.moment, said.frame, request.action, request.event)
        self._node = parent.add(Node(moment, cursor, parent, said, action=request.action))
        return self._stop("; ".join(said.warnings))

    def _branch(self, frame: Frame, edited: str, said: Prediction | None = None) -> Stop:
        """Another frame in the place of this one, after the same action."""
        parent, action = self._node.parent or self._root, self._node.action
        cursor = parent.cursor.fork()
        cursor.place(frame, action)
        moment = jumps.reached(parent.moment, frame, action)
        self._node = parent.add(Node(moment, cursor, parent, said, edited, action))
        return Stop("step", self.here)

    def _enter(self) -> Stop:
        """The entry's call with the arguments that were given."""
        given = self._arguments
        frame = Frame("call", self.program.text(self.program.entry_line))
        if any(name not in given for name in self.program.parameters):
            stop = self._predict(self._root, self._request("call"))
            if stop.reason == "problem" or self.here.frame is None:
                return stop
            frame = self.here.frame
        known = dict(frame.locals)
        pairs = {name: given.get(name, known.get(name, "")) for name in self.program.parameters}
        frame = replace(frame, locals=tuple(pairs.items()))
        return self._branch(frame, json.dumps(given))

    def _stop(self, said: str = "") -> Stop:
        if self.here.ended:
            told = jumps.ending(self._node.prediction)
            return Stop("end", self.here, told, jump=jumps.led_over(self._node))
        return Stop("step", self.here, said, jump=jumps.led_over(self._node))
