"""A bar for each image that is being pulled; plain lines where nobody looks."""

from __future__ import annotations

from typing import TYPE_CHECKING, TextIO

from rich.progress import BarColumn, DownloadColumn, Progress, TaskID, TextColumn
from rich.text import Text

from cwm_agent.view.console import console
from cwm_agent.view.sanitize import clean_line
from envs.images.access import LINE_SECONDS
from envs.images.pull import PullStatus, slowly

if TYPE_CHECKING:
    from types import TracebackType


class PullBar:
    """On a terminal a bar in compressed bytes, else a line every few seconds."""

    def __init__(self, stream: TextIO) -> None:
        self._console = console(stream)
        columns = TextColumn("{task.description}", markup=False), BarColumn(), DownloadColumn()
        self._bars = Progress(*columns, console=self._console, transient=True)
        self._tasks: dict[str, TaskID] = {}
        self._lines = slowly(lambda status: self.say(status.line()), every=LINE_SECONDS)

    def __enter__(self) -> PullBar:
        if self._console.is_terminal:
            self._bars.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._bars.stop()

    def say(self, line: str) -> None:
        """A line above the bars."""
        self._console.print(Text(clean_line(line)))

    def watch(self, status: PullStatus) -> None:
        """Show how far a pull is."""
        if not self._console.is_terminal:
            self._lines(status)
            return
        if status.name not in self._tasks:
            self._tasks[status.name] = self._bars.add_task(clean_line(status.name), total=None)
        self._bars.update(
            self._tasks[status.name], completed=status.bytes_done, total=status.bytes or None
        )
