"""The debugger for notebooks: each stop shows itself as a table.

from cwm_agent.debug.faces.notebook import open_debugger
debugger = open_debugger(source, entry="f", arguments={"x": "3"})
debugger.step()
"""

from __future__ import annotations

import html
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from cwm_agent.debug.certain.contents import Level
from cwm_agent.debug.core.debugger import Debugger
from cwm_agent.debug.core.inverse import (
    Goal,
    line_goal,
    result_goal,
    way_of_asking,
    which_call,
)
from cwm_agent.debug.core.stops import Stop
from cwm_agent.debug.core.verify import verify
from cwm_agent.debug.faces.opening import predictor_for, read_for
from cwm_agent.debug.faces.show import DOUBT, brief, node_line, proposal_line, stop_lines
from cwm_agent.debug.legal.program import Program
from cwm_agent.debug.predict.predictor import Prediction, Predictor
from cwm_agent.debug.record.recording import Recorder
from cwm_agent.debug.record.sandboxed import SandboxRecorder
from cwm_agent.errors import UsageError


@dataclass(frozen=True, slots=True)
class Shown:
    """One stop; as HTML the source with the current line, and the variables."""

    debugger: Debugger
    stop: Stop

    def __repr__(self) -> str:
        """In the manner of pdb."""
        return "\n".join(stop_lines(self.debugger, self.stop))

    def _repr_html_(self) -> str:
        here, said = self.stop.moment, self.debugger.node.prediction
        sure = said.confidence if said else None
        rows = []
        for number, line in enumerate(self.debugger.program.lines, 1):
            current = number == here.line
            colour = "#fdd" if sure is not None and sure.line < DOUBT else "#ffd"
            style = f' style="background:{colour}"' if current else ""
            rows.append(f"<span{style}>{number:4} {html.escape(line)}</span>")
        scope = here.scope
        cells = []
        for name, value in (scope.locals if scope else {}).items():
            bold = "font-weight:bold" if scope and name in scope.changed else ""
            p = (sure.variables if sure else {}).get(name)
            shown = "" if p is None else f"{p:.2f}"
            cells.append(
                f'<tr style="{bold}"><td>{html.escape(name)}</td>'
                f"<td><code>{html.escape(value)}</code></td><td>{shown}</td></tr>"
            )
        text = html.escape(repr(self))
        return (
            f"<pre>{chr(10).join(rows)}</pre><table><tr><th>name</th><th>value</th><th>p</th></tr>"
            f"{''.join(cells)}</table><pre>{text}</pre>"
        )


@dataclass(frozen=True, slots=True)
class Listing:
    """Lines that show themselves, over the things that they describe."""

    lines: tuple[str, ...]
    things: tuple[object, ...] = ()

    def __getitem__(self, place: int) -> object:
        """The thing of a line, from 0."""
        return self.things[place]

    def __len__(self) -> int:
        """How many things."""
        return len(self.things)

    def __repr__(self) -> str:
        """The lines."""
        return "\n".join(self.lines)

    def _repr_html_(self) -> str:
        return f"<pre>{html.escape(repr(self))}</pre>"


class NotebookDebugger:
    """`Debugger`, with stops that show themselves; see its methods for what each does."""

    def __init__(
        self, predictor: Predictor, program: Program, recorder: Recorder, **options: object
    ) -> None:
        self._predictor = predictor
        self._recorder = recorder
        self.core = Debugger(predictor, program, **options)  # type: ignore[arg-type]
        self.core.start()

    def _shown(self, stop: Stop) -> Shown:
        return Shown(self.core, stop)

    def step(self) -> Shown:
        """One frame on."""
        return self._shown(self.core.step())

    def next(self) -> Shown:
        """To the next stop in this function."""
        return self._shown(self.core.next())

    def out(self) -> Shown:
        """Behind the return of this function."""
        return self._shown(self.core.out())

    def run(self) -> Shown:
        """To the next breakpoint or the end."""
        return self._shown(self.core.run())

    def back(self) -> Shown:
        """One frame back."""
        return self._shown(self.core.back())

    def stop_at(self, line: int, condition: str = "") -> None:
        """A breakpoint."""
        self.core.stops.add(line, condition)

    def set(self, **values: object) -> Shown:
        """What if these variables had other values?"""
        shown = self._shown(Stop("step", self.core.here))
        for name, value in values.items():
            shown = self._shown(self.core.set_variable(name, repr(value)))
        return shown

    def alternatives(self, count: int = 5) -> Listing:
        """Other predictions of this step, the likeliest first; `take` goes on with one."""
        found = self.core.alternatives(count)
        lines = [f"{n}: log p {one.logprob:6.2f}  {brief(one)}" for n, one in enumerate(found)]
        return Listing(tuple(lines), tuple(found))

    def take(self, prediction: object) -> Shown:
        """Go on with one of the alternatives; raises UsageError for anything else."""
        if not isinstance(prediction, Prediction):
            raise UsageError("say take(alternatives[n])")
        return self._shown(self.core.take(prediction))

    def path(self) -> Listing:
        """All steps up to here."""
        nodes = self.core.node.path()
        return Listing(tuple(node_line(node) for node in nodes), tuple(nodes))

    def verify(self) -> Listing:
        """Run the real program and compare."""
        found = verify(self.core.program, self.core.node.path(), self._recorder)
        return Listing((str(found),), (found,))

    def which(self, line: int, condition: str = "", count: int = 8) -> Listing:
        """Calls that the model proposes to lead to a line, each run and marked true or false."""
        return self._calls(line_goal(line, condition), count)

    def which_return(self, value: object, count: int = 8) -> Listing:
        """Calls that the model proposes to give a result, each run and marked true or false."""
        return self._calls(result_goal(repr(value)), count)

    def _calls(self, goal: Goal, count: int) -> Listing:
        program, recorder = self.core.program, self._recorder
        found = tuple(which_call(self._predictor, program, goal, recorder, count=count))
        lines = [proposal_line(one) for one in found] or ["the model proposes no call"]
        way = way_of_asking(self._predictor, program, goal)
        return Listing(tuple([way, *lines] if way else lines), found)

    def close(self) -> None:
        """Stop the engine and remove the sandbox."""
        self.core.close()
        self._predictor.close()
        if isinstance(self._recorder, SandboxRecorder):
            self._recorder.close()

    def __enter__(self) -> Self:
        """Itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop the engine and remove the sandbox."""
        self.close()


def open_debugger(
    source: str,
    *,
    entry: str | None = None,
    arguments: Mapping[str, str] | None = None,
    model: Path | None = None,
    legal: bool = True,
    certain: Level = "moves",
    jumps: bool = False,
) -> NotebookDebugger:
    """A debugger of a source over a checkpoint (None: the bundled model).

    With `jumps` next, out and run are one prediction each; raises UsageError where the model
    knows none.
    """
    predictor = predictor_for(model, jumps=jumps)
    program = read_for(predictor, source, entry)
    return NotebookDebugger(
        predictor, program, SandboxRecorder(), legal=legal, certain=certain, arguments=arguments
    )
