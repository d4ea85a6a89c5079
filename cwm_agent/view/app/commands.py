"""What keys do beyond the screen: search all, compare, export, other programs, live control."""

from __future__ import annotations

import os
import shlex
import subprocess
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.text import Text
from textual.app import App

from cwm_agent.view.app import palette
from cwm_agent.view.app.controls import Controls
from cwm_agent.view.app.screens.main import Main
from cwm_agent.view.app.screens.windows import Choice, Question
from cwm_agent.view.app.session import Session
from cwm_agent.view.app.tabs.patch import Reference
from cwm_agent.view.sanitize import clean, clean_line
from cwm_agent.view.search.index import SearchIndex
from cwm_agent.view.sources.row import Row
from cwm_agent.view.trajectory.trajectory import Trajectory

MOST_COMPARED = 8


@dataclass(frozen=True, slots=True)
class Deck:
    """What the commands work on. `out` is the folder of exports; `when_open` does something once
    an attempt is shown; `hand` calls from a thread into the application's.
    """

    main: Main
    session: Session
    controls: Controls
    search: SearchIndex | None
    out: Path
    when_open: Callable[[tuple[str, str, int], Callable[[], object]], None]
    hand: Callable[..., None]


class Commands:
    """Each is called in the application's thread; what takes time goes to a thread of its own."""

    def __init__(self, app: App[None], deck: Deck) -> None:
        self.app = app
        self.deck = deck

    def in_background(self, do: Callable[[], Any], then: Callable[[Any], object]) -> None:
        """Do something in a thread; `then` gets what came out, an error is said."""
        hand = self.deck.hand

        def work() -> None:
            try:
                found = do()
            except Exception as error:  # noqa: BLE001 - said on the screen, which must not fall
                hand(self.deck.main.say, str(error) or type(error).__name__)
            else:
                hand(then, found)

        self.app.run_worker(work, thread=True, group="commands")

    # -- attempts beside each other -----------------------------------------------------------

    def compare(self) -> None:
        """The marked attempts; without marks all samples of the instance."""
        session, table = self.deck.session, self.deck.main.table
        if table.row is None:
            return
        rows = [row for row in session.known.values() if row.key in table.marked]
        if len(rows) < 2:
            rows = [row for row in session.known.values() if row.instance == table.row.instance]
        rows.sort(key=lambda row: (row.key != session.opened_key, row.key))
        if len(rows) < 2:
            self.deck.main.say("only one attempt here: mark others with space in the list")
            return

        def read() -> list[Trajectory]:
            return [session.source.open(row).trajectory() for row in rows[:MOST_COMPARED]]

        def show(several: list[Trajectory]) -> None:
            session.compare(several)
            self.deck.main.enter(detail=True)
            self.deck.main.action_tab("compare")

        self.in_background(read, show)

    # -- the reference patch --------------------------------------------------------------------

    def gold(self) -> None:
        """Show the reference patch, or hide it; it is read when it is first asked for."""
        session, main = self.deck.session, self.deck.main
        session.gold = not session.gold
        session.renew("patch")
        main.action_tab("patch")
        self.read_reference()

    def read_reference(self) -> None:
        """Read that of the opened attempt, if it is to be seen."""
        session, key = self.deck.session, self.deck.session.opened_key
        row = session.known.get(key) if key else None
        if not session.gold or session.reference is not None or row is None:
            return

        def read() -> Reference:
            try:
                return Reference(session.reference_of(row) if session.reference_of else "")
            except Exception as error:  # noqa: BLE001 - said where the patch would be
                return Reference("", str(error) or type(error).__name__)

        def show(found: Reference) -> None:
            session.references[row.key[:2]] = found
            session.renew("patch")
            if session.tab == "patch":
                self.deck.main.show_detail()

        self.in_background(read, show)

    # -- words in all attempts ----------------------------------------------------------------

    def find_all(self) -> None:
        """Ask for words, find them in all attempts, show the hits."""
        from cwm_agent.view.app.screens.search import SearchAll

        if self.deck.search is None:
            self.deck.main.say("there is no index of these files; / searches in the open one")
            return
        rows = {row.key: row for row in self.deck.session.known.values()}
        self.app.push_screen(
            SearchAll(self.deck.search, rows, self.deck.session.glyphs.ascii), self._found
        )

    def _found(self, chosen: Any) -> None:
        if chosen is None:
            return
        key, words, step = chosen
        if not self.deck.main.choose(key):
            self.deck.main.set_filter("")
            self.deck.main.choose(key)
        self.deck.when_open(key, lambda: self.deck.main.show_hit(words, step))

    # -- other programs -----------------------------------------------------------------------

    def page(self, variable: str, default: str) -> None:
        """Show the block under the cursor as it was recorded, in another program.

        What a terminal would obey is made harmless for the pager, and kept for the editor.
        """
        text = self._block_text()
        if text is None:
            return
        command = shlex.split(os.environ.get(variable) or default)
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "block.txt"
            path.write_text(
                clean(text) if variable == "PAGER" else text,
                encoding="utf-8",
                errors="surrogatepass",
            )
            self._outside([*command, str(path)])

    def attach(self) -> None:
        """A shell in the sandbox of the attempt under the cursor."""
        row = self.deck.main.table.row
        if row is not None:
            self.in_background(lambda: self.deck.controls.shell(row), self._outside)

    def _outside(self, command: list[str]) -> None:
        try:
            with self.app.suspend():
                subprocess.run(command, check=False)
        except OSError as error:
            self.deck.main.say(f"cannot run {command[0]}: {error.strerror}")
        except Exception as error:  # noqa: BLE001 - a terminal that cannot be handed over
            self.deck.main.say(str(error) or "this terminal cannot be handed over")
        self.app.refresh()

    def copy(self) -> None:
        """The block under the cursor, as it was recorded."""
        if (text := self._block_text()) is not None:
            self.app.copy_to_clipboard(text)
            self.deck.main.say(f"copied {len(text):,} characters")

    def copy_command(self) -> None:
        """What made the run."""
        opened = self.deck.session.opened
        command = opened.facts.get("command", "") if opened else ""
        if command:
            self.app.copy_to_clipboard(command)
        self.deck.main.say(f"copied: {command}" if command else "no command line was recorded")

    def _block_text(self) -> str | None:
        detail = self.deck.main.detail
        if (place := detail.block) is None:
            return None
        blocks = detail.outline.blocks
        found = [blocks[place]]
        for block in blocks[place + 1 :]:
            if block.depth <= blocks[place].depth or found[0].raw():
                break
            found.append(block)
        parts = [block.raw() or (block.heading.plain if block.heading else "") for block in found]
        return "\n".join(parts)

    # -- export -------------------------------------------------------------------------------

    def export(self) -> None:
        """Choose a format, write a file."""
        from cwm_agent.view.exports.formats import FORMATS

        options = [
            (name, Text(f"{name:<10}", palette.KEY).append(about, palette.DIM))
            for name, about in [
                *((format.name, format.about) for format in FORMATS.values()),
                ("svg", "a picture of this screen"),
            ]
        ]
        self.app.push_screen(Choice("Export this attempt as", options), self._export)

    def _export(self, name: str | None) -> None:
        opened = self.deck.session.opened
        if name is None or opened is None:
            return
        from cwm_agent.view.exports.formats import file_name, write_export

        if name == "svg":
            path = self.deck.out / file_name(opened, ".svg")
            path.write_text(self.app.export_screenshot(), encoding="utf-8")
            self.deck.main.say(f"wrote {path}")
            return
        self.in_background(
            lambda: write_export(name, opened, self.deck.out),
            lambda path: self.deck.main.say(f"wrote {path}"),
        )

    # -- live ---------------------------------------------------------------------------------

    def control(self, action: str, value: str | None = None, *, of_attempt: bool = False) -> None:
        """Ask the process that works on the run."""
        row = self.deck.main.table.row
        if row is None:
            return
        said = attempt_name(row) if of_attempt else value
        self.in_background(
            lambda: self.deck.controls.ask(row.run, action, said), self.deck.main.say
        )

    def cancel(self) -> None:
        """After a question."""
        row = self.deck.main.table.row
        if row is None:
            return
        question = f"Cancel {clean_line(attempt_name(row))}?"
        self.app.push_screen(
            Question(question),
            lambda yes: self.control("cancel", of_attempt=True) if yes else None,
        )


def attempt_name(row: Row) -> str:
    """As `cwm-agent ctl` names it."""
    return f"{row.instance}/{row.sample}"
