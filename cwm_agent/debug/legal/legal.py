"""The legal next frames, also where lines with the same text leave open which of them it was."""

from __future__ import annotations

from dataclasses import dataclass, replace

from cwm_agent.debug.legal.machine import Activation, Machine, Move
from cwm_agent.debug.legal.program import Program
from model.text.traces import Event

MOST = 8
"""So many different readings of the frames so far are followed."""


@dataclass(frozen=True, slots=True)
class Legal:
    """All that the execution can be after its frames; the first reading is the likeliest.

    A value: each frame leads to a new one.
    """

    machines: tuple[Machine, ...]

    @classmethod
    def start(cls, program: Program) -> Legal:
        """Before the first frame."""
        return cls((Machine(program),))

    @property
    def first(self) -> Machine:
        """The likeliest reading."""
        return self.machines[0]

    @property
    def may_end(self) -> bool:
        """Whether the trace may be over."""
        return any(machine.ended for machine in self.machines)

    def moves(self, bound: frozenset[str] = frozenset()) -> dict[Move, Legal]:
        """Every frame that may come, with what is true after it.

        `bound` names variables of the running function that certainly have values.
        """
        found: dict[Move, dict[tuple[int, ...], Machine]] = {}
        for machine in self.machines:
            for move, after in machine.moves(bound):
                known = found.setdefault(move, {})
                other = known.get(after.codes)
                known[after.codes] = after if other is None else _joined(other, after)
        return {move: Legal(tuple(known.values())[:MOST]) for move, known in found.items()}

    def leaps(self) -> dict[Move, Legal]:
        """Every return of the running function that may come at last, with what is true then."""
        top = self.first.stack[-1]
        flow = self.first.program.flows[top.code]
        popped = Legal((replace(self.first, stack=self.first.stack[:-1]),))
        lines = {one.line or top.line for one in flow.instructions.values() if one.returns}
        return {Move("return", line): popped for line in sorted(lines)}

    def after(
        self,
        event: Event,
        text: str,
        bound: frozenset[str] = frozenset(),
        *,
        leap: bool = False,
    ) -> Step | None:
        """The frame with this line text; None where it is illegal.

        With `leap` it is the return of the running function, whose frames were
        left out. Of several lines with the same text the next one after the last is
        taken for likeliest; the others are followed, too.
        """
        program, last = self.first.program, self._line()
        fitting = {
            move: legal
            for move, legal in (self.leaps() if leap else self.moves(bound)).items()
            if move.event == event and same_line(program.text(move.line), text)
        }
        if not fitting:
            return None
        order = sorted(fitting, key=lambda move: (move.line < last, move.line))
        machines = [machine for move in order for machine in fitting[move].machines]
        return Step(order[0], Legal(tuple(machines[:MOST])))

    def lost(self, event: Event, text: str) -> Step | None:
        """The likeliest place after an illegal frame; None for a line that is nowhere."""
        return self._somewhere(event, text, deeper=False)

    def landed(self, event: Event, text: str) -> Step | None:
        """The likeliest place after a jump, which may lead into a function not yet called."""
        lines = self._lines_of(text)
        for machine in self.machines:
            for line in lines if machine.stack and event != "call" else ():
                number = machine.stack[-1].code
                at = machine.program.flows[number].at(line)
                if at:
                    return _placed(machine, Move(event, line), number, at, deeper=True)
        return self._somewhere(event, text, deeper=True)

    def _lines_of(self, text: str) -> list[int]:
        """All with this text, the next one after the last first."""
        program, last = self.first.program, self._line()
        lines = [n for n, line in enumerate(program.lines, 1) if same_line(line, text)]
        return sorted(lines, key=lambda line: (line < last, line))

    def _somewhere(self, event: Event, text: str, *, deeper: bool) -> Step | None:
        program = self.first.program
        for line in self._lines_of(text):
            flows = [*self.first.codes[::-1], *range(len(program.flows))]
            if event == "call":  # not the code that defines the function
                flows.sort(key=lambda number: program.flows[number].first_line != line)
            for number in flows:
                at = program.flows[number].at(line)
                if at:
                    machine = Machine(program, self.first.stack, started=True)
                    return _placed(machine, Move(event, line), number, at, deeper=deeper)
        return None

    def _line(self) -> int:
        return self.first.stack[-1].line if self.first.stack else 0


@dataclass(frozen=True, slots=True)
class Step:
    """A frame found in the program, and what is true after it."""

    move: Move
    legal: Legal


def same_line(source: str, shown: str) -> bool:
    """Whether a frame's text is that of a source line, but for blanks at the ends of lines."""
    return source.rstrip() == shown.rstrip()


def _joined(one: Machine, two: Machine) -> Machine:
    pairs = zip(one.stack, two.stack, strict=True)
    return replace(one, stack=tuple(a.joined(b) for a, b in pairs))


def _placed(machine: Machine, move: Move, code: int, at: frozenset[int], *, deeper: bool) -> Step:
    known = machine.stack
    if move.event == "call":
        stack = (*known, Activation(code, move.line, at))
    elif move.event == "return":
        places = [i for i, one in enumerate(known) if one.code == code]
        stack = known[: places[-1]] if places else known
    else:
        places = [i for i, one in enumerate(known) if one.code == code]
        kept = known[: places[-1]] if places else known if deeper else known[:-1]
        stack = (*kept, Activation(code, move.line, at, leaving=move.event == "exception"))
    return Step(move, Legal((replace(machine, stack=stack),)))
