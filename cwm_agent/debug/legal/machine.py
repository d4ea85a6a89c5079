"""Where one execution can be, given its frames so far, and which frames may come next."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import NamedTuple

from cwm_agent.debug.legal.flow import Flow
from cwm_agent.debug.legal.program import Program
from model.text.traces import Event

_NONE: frozenset[int] = frozenset()


class Move(NamedTuple):
    """One frame that may come: its event and its line in the source."""

    event: Event
    line: int


@dataclass(frozen=True, slots=True)
class Activation:
    """A function that runs; `code` is its place in `Program.flows`, `line` its last one shown.

    Instructions are named by offset. `at` may be running, with no line event
    since the last frame. `thrown` may have an exception thrown in. `jumps` are
    line events that an exception can lead to, as (from, to). `leaving`: an
    exception is passing out of it. `raised`: lines at which it had exceptions.
    """

    code: int
    line: int
    at: frozenset[int] = _NONE
    thrown: frozenset[int] = _NONE
    jumps: frozenset[tuple[int, int]] = frozenset()
    leaving: bool = False
    raised: frozenset[int] = _NONE

    def joined(self, other: Activation) -> Activation:
        """What is true of either; both are of the same code."""
        return replace(
            self,
            at=self.at | other.at,
            thrown=self.thrown | other.thrown,
            jumps=self.jumps | other.jumps,
            leaving=self.leaving or other.leaving,
            raised=self.raised | other.raised,
        )


@dataclass(frozen=True, slots=True)
class Machine:
    """A state of the interpreter, as far as frames tell. The last of `stack` runs now.

    Machines are values: going back to an earlier one costs nothing.
    """

    program: Program
    stack: tuple[Activation, ...] = ()
    started: bool = False

    @property
    def ended(self) -> bool:
        """Whether the entry has returned: nothing but the end may follow."""
        return self.started and not self.stack

    @property
    def codes(self) -> tuple[int, ...]:
        """Which functions are on the stack."""
        return tuple(one.code for one in self.stack)

    def moves(self, bound: frozenset[str]) -> Iterator[tuple[Move, Machine]]:
        """Every frame that may come, with the machine after it; some more than once.

        `bound` names variables of the running function that certainly have values.
        """
        if not self.started:
            entry = self.program.flows[self.program.entry]
            yield from self._entered(self.program.entry, (entry.start,), _NONE)
        elif self.stack:
            top = self.stack[-1]
            flow = self.program.flows[top.code]
            reached = flow.closure(top.at)
            yield from self._lines(flow, reached)
            yield from self._calls(reached)
            yield from self._exceptions(flow, reached, bound)
            yield from self._returns(flow, reached)

    def _lines(self, flow: Flow, reached: frozenset[int]) -> Iterator[tuple[Move, Machine]]:
        edges = set(self.stack[-1].jumps)
        for offset in reached:
            targets = flow.followers(offset)
            edges |= {(offset, to) for to in targets if flow.begins_line(offset, to)}
        for _, after in sorted(edges):
            line = flow.instructions[after].line
            assert line is not None  # or it would begin none
            top = self.stack[-1]
            new = Activation(top.code, line, frozenset({after}), raised=top.raised)
            yield Move("line", line), self._with(new)

    def _calls(self, reached: frozenset[int]) -> Iterator[tuple[Move, Machine]]:
        callees: dict[int, set[int]] = {}
        for offset in reached:
            for callee in self.program.callees(self.stack[-1].code, offset):
                callees.setdefault(callee, set()).add(offset)
        for callee, offsets in sorted(callees.items()):
            after = replace(self.stack[-1], at=frozenset(offsets), thrown=_NONE)
            called = self.program.flows[callee]
            yield from self._with(after)._entered(callee, called.resumes, called.yields)

    def _entered(
        self, callee: int, starts: tuple[int, ...], thrown: tuple[int, ...] | frozenset[int]
    ) -> Iterator[tuple[Move, Machine]]:
        flow = self.program.flows[callee]
        for offset in (*starts, *thrown):
            line = flow.instructions[offset].line
            if line is not None:
                at = frozenset({offset} if offset in starts else ())
                new = Activation(callee, line, at, frozenset({offset}) - at)
                yield (
                    Move("call", line),
                    Machine(self.program, (*self.stack, new), started=True),
                )

    def _exceptions(
        self, flow: Flow, reached: frozenset[int], bound: frozenset[str]
    ) -> Iterator[tuple[Move, Machine]]:
        top = self.stack[-1]
        sure = bound | flow.arguments | self.program.sure_globals
        raising = {offset for offset in reached if flow.raises(offset, sure)}
        for offset in sorted(raising | top.thrown):
            line = flow.instructions[offset].line or top.line
            yield Move("exception", line), self._with(self._raised(flow, offset, line))

    def _raised(self, flow: Flow, offset: int, line: int) -> Activation:
        at = {offset} if flow.instructions[offset].swallows else set()
        target = flow.handlers.get(offset)
        jumps: set[tuple[int, int]] = set()
        if target is not None and flow.begins_line(offset, target):
            jumps.add((offset, target))
        elif target is not None:
            at.add(target)
        top = self.stack[-1]
        return Activation(
            top.code,
            line,
            frozenset(at),
            jumps=frozenset(jumps),
            leaving=target is None,
            raised=top.raised | {line},
        )

    def _returns(self, flow: Flow, reached: frozenset[int]) -> Iterator[tuple[Move, Machine]]:
        top = self.stack[-1]
        lines = {top.line} if top.leaving else set()
        for offset in reached:
            instruction = flow.instructions[offset]
            if instruction.returns:
                lines.add(instruction.line or top.line)
            elif instruction.reraises and offset not in flow.handlers:
                # The interpreter puts the line back to where the exception came from.
                lines |= {instruction.line or top.line, *top.raised}
        for line in sorted(lines):
            yield Move("return", line), replace(self, stack=self.stack[:-1])

    def _with(self, top: Activation) -> Machine:
        return replace(self, stack=(*self.stack[:-1], top))
