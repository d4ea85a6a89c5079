"""What the keys do. Most are commands of line mode, so both faces do the same."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import ClassVar

from rich.text import Text
from textual import work
from textual.binding import BindingType

from cwm_agent.debug.core.debugger import Debugger
from cwm_agent.debug.core.tree import Node
from cwm_agent.debug.core.verify import verify
from cwm_agent.debug.faces.line_mode import LineMode
from cwm_agent.debug.record.recording import Recorder
from cwm_agent.debug.screen import draw
from cwm_agent.debug.screen.keys import bindings
from cwm_agent.debug.screen.panes import Layout
from cwm_agent.debug.screen.windows import Told, help_text
from cwm_agent.errors import CwmAgentError
from cwm_agent.view.app import palette
from cwm_agent.view.app.glyphs import Glyphs
from cwm_agent.view.app.screens.windows import Choice
from cwm_agent.view.app.widgets.bar import Bar
from cwm_agent.view.app.widgets.prompt import Prompt
from cwm_agent.view.sanitize import clean
from envs.errors import SandboxError
from model.errors import ModelError

HINTS = "s step  n next  u back  c continue  b break  e what if  V verify  ? help  q quit"
ASKED = {
    "break": "condition of a breakpoint at the cursor, such as x > 3",
    "watch": "expression to watch",
    "set": "name = value",
    "p": "expression over the variables",
    "": "a command, such as until 12; help lists them",
}
"""What the prompt asks for, by the command that it is for."""


class Main(Layout):
    """Work on the model happens in a thread, one piece at a time; the screen stays awake."""

    BINDINGS: ClassVar[list[BindingType]] = bindings()

    def __init__(self, debugger: Debugger, recorder: Recorder, name: str, glyphs: Glyphs) -> None:
        super().__init__(glyphs)
        self.debugger = debugger
        self.cursor = debugger.program.entry_line
        self.note = ""
        self.busy = False
        self._recorder = recorder
        self._file = name
        self._said: list[str] = []
        self._mode = LineMode(debugger, recorder, self._said.append)
        self._truth: list[tuple[Node, bool]] = []
        self._first = 0

    def on_mount(self) -> None:
        """The entry is predicted at once."""
        self.set_interval(0.25, self._while_busy)
        self.action_do("restart")

    def on_resize(self) -> None:
        """Lines are cut for a width."""
        self.call_after_refresh(self.redraw)

    # -- drawing ---------------------------------------------------------------------------

    def redraw(self) -> None:
        """Everything."""
        debugger, width = self.debugger, self.size.width
        self.bar("head").show(draw.head(debugger, self._file, width, busy=self.busy))
        lines = draw.source(debugger, self.cursor, self.glyphs)
        self.pane("source").show(lines, self.cursor - 1)
        self.pane("variables").show(draw.variables(debugger))
        self.pane("stack").show(draw.stack(debugger))
        self.pane("branches").show(draw.branches(debugger))
        line, self._first = draw.timeline(debugger, self.glyphs, width, self._truth)
        self.bar("timeline").show(line)
        text = Text(f" {clean(self.note)}", palette.WARN) if self.note else Text(f" {HINTS}")
        text.truncate(width, overflow="crop")
        self.bar("hints").show(text)

    def _while_busy(self) -> None:
        if self.busy:
            self._follow()

    def _follow(self) -> None:
        """Put the cursor where the program is, and draw."""
        if self.debugger.here.line is not None:
            self.cursor = self.debugger.here.line
        self.redraw()

    # -- work in the background ------------------------------------------------------------

    def begin(self, do: Callable[[], object], then: Callable[[list[str]], None]) -> None:
        """Do something in the thread; `then` gets what line mode said meanwhile."""
        if self.busy:
            self.note = "still predicting; escape stops it"
            self.redraw()
            return
        self.busy, self.note = True, ""
        self._work(do, then)

    @work(thread=True)
    def _work(self, do: Callable[[], object], then: Callable[[list[str]], None]) -> None:
        self._said.clear()
        try:
            do()
        except (CwmAgentError, SandboxError, ModelError) as error:
            self._said.append(f"*** {error}")
        with suppress(RuntimeError):  # the application is ending
            self.app.call_from_thread(self._done, then, list(self._said))

    def _done(self, then: Callable[[list[str]], None], said: list[str]) -> None:
        self.busy = False
        if self.is_attached:
            then(said)

    def _moved(self, said: list[str]) -> None:
        """After a command that goes somewhere: notes only, the rest is on the screen."""
        self.note = "  ".join(line for line in said if line.startswith(("[", "***")))
        self._follow()

    def _told(self, said: list[str]) -> None:
        """After a command that tells something."""
        self.redraw()
        if len(said) > 1 or any(len(line) > self.size.width - 4 for line in said):
            self.app.push_screen(Told(Text("\n".join(said))))
        else:
            self.note = "".join(said)
            self.redraw()

    # -- keys ------------------------------------------------------------------------------

    def action_do(self, command: str) -> None:
        """A command of line mode that goes somewhere."""
        self.begin(lambda: self._mode.do(command), self._moved)

    def action_tell(self, command: str) -> None:
        """A command of line mode that tells something."""
        self.begin(lambda: self._mode.do(command), self._told)

    def action_until(self) -> None:
        """To the line of the cursor, or a later one."""
        self.action_do(f"until {self.cursor}")

    def action_which(self) -> None:
        """Proposals of calls that lead to the cursor."""
        self.action_tell(f"which {self.cursor}")

    def action_cancel(self) -> None:
        """Stop a run; it ends after the step that is being predicted."""
        self.debugger.cancelled = True

    def action_cursor(self, lines: int) -> None:
        """Move the cursor in the source."""
        self.cursor = max(1, min(self.cursor + lines, len(self.debugger.program.lines)))
        self.redraw()

    def action_toggle_break(self) -> None:
        """Set or remove a breakpoint."""
        stops = self.debugger.stops
        if not stops.remove(line=self.cursor):
            if self.cursor in self.debugger.program.code_lines:
                stops.add(self.cursor)
            else:
                self.note = f"no code of a function begins on line {self.cursor}"
        self.redraw()

    def action_end(self, last: bool) -> None:
        """The first or the last step that is known."""
        steps = draw.branch_of(self.debugger)
        if steps:
            self._go(steps[-1 if last else 0])

    def _go(self, node: Node) -> None:
        self.begin(lambda: self.debugger.go(node), self._moved)

    def action_branch(self) -> None:
        """The next branch of this step, or of the last step that has any."""
        for node in reversed(self.debugger.node.path()):
            others = node.branches
            if len(others) > 1:
                oldest = next(one for one in others if one is not node)
                self._go(oldest)
                return
        self.note = "no step has another branch yet; e, R or a make one"
        self.redraw()

    def action_branches(self) -> None:
        """Choose one of all branches."""
        found = draw.forks(self.debugger)
        options = [
            (str(n), Text(draw.branch_label(node), no_wrap=True)) for n, node in enumerate(found)
        ]

        def chosen(name: str | None) -> None:
            if name is not None:
                self._go(found[int(name)])

        if found:
            self.app.push_screen(Choice("Branches", options), chosen)
        else:
            self.action_branch()

    def action_alternatives(self) -> None:
        """Predict this step some more times, and choose."""

        def choose(said: list[str]) -> None:
            self.redraw()
            if not said or said[0].startswith("***"):
                self._told(said)
                return
            options = [(str(n), Text(line, no_wrap=True)) for n, line in enumerate(said, 1)]
            self.app.push_screen(Choice("Other predictions of this step", options), take)

        def take(name: str | None) -> None:
            if name is not None:
                self.action_do(f"take {name}")

        self.begin(lambda: self._mode.do("alt"), choose)

    def action_verify(self) -> None:
        """Run the program in a sandbox; the timeline shows what of the prediction is true."""
        path = self.debugger.node.path()

        def run() -> None:
            found = verify(self.debugger.program, path, self._recorder)
            wrong = found.divergence.step
            self._truth = [
                (node, step != wrong) for step, node in enumerate(path[: found.divergence.compared])
            ]
            self._said.extend(str(found).split("\n"))

        self.begin(run, self._told)

    def action_legal(self) -> None:
        """Turn the constraint off or on."""
        self.action_tell("free" if self.debugger.legal else "legal")

    def action_ask(self, command: str) -> None:
        """Ask for the rest of a command."""
        scope = self.debugger.here.scope
        changed = sorted(scope.changed) if scope is not None else []
        text = f"{changed[0]} = " if command == "set" and changed else ""
        self.prompt.ask(command, ASKED[command], text)

    def on_prompt_answered(self, event: Prompt.Answered) -> None:
        """Enter or Escape in the prompt."""
        self.set_focus(None)
        if not event.text:
            self.redraw()
            return
        if event.purpose == "break":
            self.action_tell(f"break {self.cursor}, {event.text}")
        elif event.purpose in ("set", ""):
            command = f"{event.purpose} {event.text}".strip()
            if command.split()[0] in ("q", "quit", "exit"):
                self.app.exit()
                return
            self.begin(lambda: self._mode.do(command), self._moved_or_told)
        else:
            self.action_tell(f"{event.purpose} {event.text}")

    def _moved_or_told(self, said: list[str]) -> None:
        self._follow()
        going = any(line.startswith(("> ", "[", "-> ")) for line in said)
        (self._moved if going else self._told)(said)

    def on_bar_clicked(self, event: Bar.Clicked) -> None:
        """A step on the timeline."""
        steps = draw.branch_of(self.debugger)
        place = self._first + event.x - 1
        if event.bar.id == "timeline" and 0 <= place < len(steps):
            self._go(steps[place])

    def action_help(self) -> None:
        """All keys."""
        self.app.push_screen(Told(help_text(self.glyphs, self.size.width)))
