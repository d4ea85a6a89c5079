"""The application: reads in the background, keeps the screen current, carries out commands."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from functools import partial
from itertools import islice, takewhile
from pathlib import Path
from typing import Any

from textual import work
from textual.app import App, SystemCommand
from textual.screen import Screen
from textual.theme import Theme
from textual.worker import Worker, get_current_worker

from cwm_agent.view.app.commands import Commands, Deck
from cwm_agent.view.app.controls import Controls, NoControls
from cwm_agent.view.app.keys import KEYS, shown
from cwm_agent.view.app.screens.main import Main
from cwm_agent.view.app.screens.windows import Help
from cwm_agent.view.app.session import Key, Session
from cwm_agent.view.app.widgets.row_table import RowTable
from cwm_agent.view.search.index import SearchIndex
from cwm_agent.view.sources.row import Row
from cwm_agent.view.sources.source import Reader
from cwm_agent.view.trajectory.samples import SamplesEvidence
from cwm_agent.view.trajectory.trajectory import Trajectory
from results.errors import ResultsError

_LIVE = {key.action for key in KEYS if key.live}
BATCH = 250
"""Rows that are handed to the screen at once."""
PIECE = 2 << 20
"""Bytes of a journal that are read until its first steps are shown; twice as many each time."""
POLL = 0.4
"""Seconds between two looks at the opened attempt."""
RESCAN = 2.0
"""Seconds between two looks at all attempts of a live run; ten times that for others."""
THEME = Theme(
    name="cwm", primary="#5fb3e8", secondary="#a8b0bd", accent="#e5b454", warning="#e5b454",
    error="#e8697d", success="#4ec27a", foreground="#d7dce3", background="#12161c",
    surface="#171c24", panel="#1f2630", dark=True,
)  # fmt: skip


class ViewerApp(App[None]):
    """`cwm-agent view` on a terminal."""

    ENABLE_COMMAND_PALETTE = True
    COMMAND_PALETTE_BINDING = "ctrl+p"
    TITLE = "cwm-agent view"

    def __init__(
        self,
        session: Session,
        controls: Controls | None = None,
        keymap: Mapping[str, str] | None = None,
        out: Path | None = None,
        first: Callable[[Row], bool] | None = None,
        search: SearchIndex | None = None,
        follow: bool = False,
    ) -> None:
        """`keymap` has keys by the names of `keys.KEYS`; `out` is where exports go; `first`
        chooses the attempt that is opened at the start; `search` is filled in the background.
        """
        super().__init__()
        self.session = session
        self.set_class(session.glyphs.ascii, "-ascii")
        self.controls: Controls = controls or NoControls()
        self.remapped = dict(keymap or {})
        self.main = Main(session)
        self.main.following = follow
        self.search = search
        deck = Deck(
            self.main, session, self.controls, search, out or Path(), self.when_open, self.hand
        )
        self.commands = Commands(self, deck)
        self._then: tuple[Key, Callable[[], object]] | None = None
        self._unread: Reader | None = None
        self._first = first
        self._scans = 0

    def get_default_screen(self) -> Screen[None]:
        """The only one, but for windows over it."""
        return self.main

    def on_mount(self) -> None:
        """Begin to read."""
        self.register_theme(THEME)
        self.theme = "cwm"
        self.set_keymap(self.remapped)
        self._load()
        self.set_interval(POLL, self._poll)
        self.set_interval(RESCAN, self._rescan)
        self.set_interval(1.0, self._ask_status)

    @property
    def _stands(self) -> bool:
        """Whether the screen is there: at the end it goes before the timers and the threads do."""
        return self.main.is_attached and self.main.is_running

    # -- reading in the background ----------------------------------------------------------

    def hand(self, do: Callable[..., object], *values: object) -> None:
        """From a thread: do something in the application's own, unless that is ending."""

        def guarded() -> None:
            if self._stands:
                do(*values)

        with suppress(RuntimeError):  # the loop is gone
            self.call_from_thread(guarded)

    @work(thread=True, exclusive=True, group="rows")
    def _load(self) -> None:
        quick = self.session.source.quick()
        self.hand(self._take, quick)
        self._read_rows()
        self.hand(self._index)

    @work(thread=True, exclusive=True, group="index")
    def _index(self) -> None:
        """Keep the index of words current; what is done already can be searched."""
        worker = get_current_worker()
        if self.search is not None:
            rows = list(self.session.known.values())
            self.search.update(rows, stopped=lambda: worker.is_cancelled)

    def _read_rows(self) -> None:
        worker = get_current_worker()
        # Nobody waits for it once the program is to end.
        found = takewhile(lambda _: not worker.is_cancelled, self.session.source.rows())
        try:
            while batch := list(islice(found, BATCH)):
                self.hand(self._take, batch)
        except ResultsError as error:
            self.hand(self.main.say, str(error))

    def _take(self, rows: list[Row]) -> None:
        """New rows on the screen; the first ones open an attempt."""
        if self.session.has(rows):
            return
        self.session.take(rows)
        self.main.show_rows()
        if self._first is not None:
            wanted = next((row for row in self.session.shown if self._first(row)), None)
            if wanted is not None:
                self._first = None
                self.main.choose(wanted.key)
        if self.session.opened_key not in self.session.known:  # one known by its folder only, too
            self._open_soon()

    def on_row_table_moved(self, event: RowTable.Moved) -> None:
        """Open the row once the cursor rests: a held key passes many."""
        event.stop()
        self._open_soon()

    def _open_soon(self) -> None:
        if (row := self.main.table.row) is not None:
            self._open(row)

    @work(thread=True, exclusive=True, group="open")
    def _open(self, row: Row) -> None:
        worker = get_current_worker()
        piece = PIECE
        reader = self.session.source.open(row, piece)
        more = True
        while more and not worker.is_cancelled:  # the first steps are seen before the last are read
            opened = reader.trajectory()
            piece *= 2
            more = reader.poll(piece)
            self.hand(self._begun, worker, row.key, reader, opened, more)

    def _begun(
        self, worker: Worker[Any], key: Key, reader: Reader, opened: Trajectory, more: bool
    ) -> None:
        """An attempt as far as it is read; a worker that another one has followed is not heard."""
        if not worker.is_cancelled:
            self._unread = reader if more else None
            self._opened(key, reader, opened)

    def _opened(self, key: Key, reader: Reader, opened: Trajectory) -> None:
        row = self.main.table.row
        if row is not None and row.key != key:
            return  # the cursor went on
        same = key == self.session.opened_key
        self.session.show(key, reader, opened)
        self.main.opened(same=same)
        if not same:
            self._weigh(key)
            self.commands.read_reference()
        if self._unread is None and self._then is not None and self._then[0] == key:
            do, self._then = self._then[1], None
            self.call_after_refresh(do)

    @work(thread=True, exclusive=True, group="weigh")
    def _weigh(self, key: Key) -> None:
        if self.session.weigh is not None and (row := self.session.known.get(key)) is not None:
            self.hand(self._weighed, key, self.session.weigh(row))

    def _weighed(self, key: Key, evidence: SamplesEvidence | None) -> None:
        if key == self.session.opened_key and evidence != self.session.evidence:
            self.session.weighed(evidence)
            self.main.show_detail() if self.session.tab == "compare" else self.main.redraw()

    def when_open(self, key: Key, do: Callable[[], object]) -> None:
        """Do something once that attempt is shown."""
        if key == self.session.opened_key and self._unread is None:
            do()
        else:
            self._then = (key, do)

    def _poll(self) -> None:
        reader, key = self.session.reader, self.session.opened_key
        if reader is not None and reader is self._unread:  # by another thread
            return
        if reader is not None and key is not None and reader.live:
            self._read_on(key, reader)
        elif reader is not None and self.main.following and self._stands:
            self.main.following = False
            self.main.redraw()

    @work(thread=True, exclusive=True, group="poll")
    def _read_on(self, key: Key, reader: Reader) -> None:
        if reader.poll():
            self.hand(self._opened, key, reader, reader.trajectory())
        else:
            self.hand(self.main.redraw)

    def _rescan(self) -> None:
        self._scans += 1
        live = any(row.state == "live" for row in self.session.known.values())
        if self.main.live is not None or live or self._scans % 10 == 0:
            self._scan()

    @work(thread=True, exclusive=True, group="rows")
    def _scan(self) -> None:
        self._read_rows()

    def _ask_status(self) -> None:
        if self._stands:
            self._ask(row.run if (row := self.main.table.row) else self.session.source.name)

    @work(thread=True, exclusive=True, group="status")
    def _ask(self, run: str) -> None:
        self.hand(self._told, self.controls.status(run))

    def _told(self, status: Mapping[str, Any] | None) -> None:
        if status is not None or self.main.live is not None:
            self.main.live = None if status is None else dict(status)
            self.main.redraw()

    def get_system_commands(self, screen: Screen[Any]) -> Iterable[SystemCommand]:
        """The palette: every key by its name."""
        del screen
        for key in KEYS:
            if key.name not in ("commands", "back", "open"):
                yield SystemCommand(
                    key.says[:1].upper() + key.says[1:],
                    f"{key.group}: {shown(self.remapped.get(key.name, key.keys))}",
                    self._runner(key.action),
                )

    def _runner(self, action: str) -> Callable[[], Any]:
        return partial(self.run_action, action, self.main)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Keys of live runs are greyed out where nothing lives."""
        values = f"({', '.join(map(repr, parameters))})" if parameters else ""
        if f"app.{action}{values}" in _LIVE:
            return True if self.main.live is not None else None
        return super().check_action(action, parameters)

    def action_help(self) -> None:
        """All keys."""
        self.push_screen(Help(self.session.glyphs, self.remapped))

    def action_command(self, name: str) -> None:
        """One of `Commands` that needs nothing more."""
        getattr(self.commands, name)()

    def action_outside(self, variable: str, default: str) -> None:
        """The block under the cursor in the program that a variable names."""
        self.commands.page(variable, default)

    def action_pause(self) -> None:
        """Pause or resume."""
        paused = (self.main.live or {}).get("phase") == "paused"
        self.commands.control("resume" if paused else "pause")

    def action_requeue(self) -> None:
        """Requeue the attempt under the cursor."""
        self.commands.control("requeue", of_attempt=True)

    def action_workers(self, more: int) -> None:
        """More or fewer workers."""
        count = int((self.main.live or {}).get("workers") or 1) + more
        self.commands.control("workers", str(max(1, count)))
