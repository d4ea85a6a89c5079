"""What the application knows: rows, filter, order, the opened attempt. Nothing here draws."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from cwm_agent.view.app.glyphs import Glyphs
from cwm_agent.view.app.outline import Block, Outline
from cwm_agent.view.app.tabs.compare import compare_blocks
from cwm_agent.view.app.tabs.info import info_blocks, log_blocks
from cwm_agent.view.app.tabs.patch import Reference, patch_blocks
from cwm_agent.view.app.tabs.samples import samples_blocks
from cwm_agent.view.app.tabs.steps import steps_blocks
from cwm_agent.view.app.tabs.tests import tests_blocks
from cwm_agent.view.app.tabs.tokens import Decode, tokens_blocks
from cwm_agent.view.app.widgets.row_table import COLUMNS, STATE
from cwm_agent.view.search.filters import Filter, FindText, parse_filter
from cwm_agent.view.sources.row import Row, with_siblings
from cwm_agent.view.sources.source import Reader, Source
from cwm_agent.view.trajectory.samples import SamplesEvidence
from cwm_agent.view.trajectory.trajectory import Trajectory

TABS = {
    "steps": "Steps", "patch": "Patch", "tests": "Tests", "tokens": "Raw tokens", "log": "Log",
    "compare": "Compare", "info": "Info",
}  # fmt: skip
EMPTY = {
    "steps": "nothing has happened yet",
    "patch": "no patch",
    "tests": "no verdict yet: no tests were run on its patch",
    "tokens": "no tokens were recorded",
    "log": "no log",
    "compare": "c compares the samples, or what space marked in the list",
    "info": "nothing is known",
}
ORDERS = {column.title: column for column in (STATE, *COLUMNS)}

Key = tuple[str, str, int]


@dataclass(slots=True)
class Session:
    """The state behind the screen."""

    source: Source
    glyphs: Glyphs
    find_text: FindText | None = None
    decode: Decode | None = None
    weigh: Callable[[Row], SamplesEvidence | None] | None = None
    evidence: SamplesEvidence | None = None
    reference_of: Callable[[Row], str] | None = None
    references: dict[tuple[str, str], Reference] = field(default_factory=dict)
    known: dict[Key, Row] = field(default_factory=dict)
    shown: list[Row] = field(default_factory=list)
    filter: Filter = field(default_factory=lambda: Filter("", ()))
    sort: str = "instance"
    reverse: bool = False
    tab: str = "steps"
    gold: bool = False
    reader: Reader | None = None
    opened: Trajectory | None = None
    opened_key: Key | None = None
    compared: tuple[Trajectory, ...] = ()
    _outlines: dict[str, Outline] = field(default_factory=dict)

    def has(self, rows: Sequence[Row]) -> bool:
        """Whether nothing is new in these rows."""
        return bool(self.known) and all(
            (known := self.known.get(row.key)) is not None
            and replace(known, resolved_of="", flip=False) == row
            for row in rows
        )

    def take(self, rows: Sequence[Row]) -> None:
        """New or changed rows."""
        for row in rows:
            self.known[row.key] = row
        # A row that was only guessed from the name of a folder goes when the real one comes.
        real = {row.path for row in self.known.values() if row.state != "new"}
        for key in [k for k, row in self.known.items() if row.state == "new" and row.path in real]:
            del self.known[key]
        for row in with_siblings(self.known.values()):
            self.known[row.key] = row
        self.arrange()

    def arrange(self) -> None:
        """Filter and sort."""
        rows = [row for row in self.known.values() if self.filter.holds(row)]
        rows.sort(key=ORDERS["instance"].order)
        if self.sort != "instance":
            rows.sort(key=ORDERS[self.sort].order, reverse=self.reverse)
        elif self.reverse:
            rows.reverse()
        self.shown = rows

    def set_filter(self, said: str) -> None:
        """Raises UsageError for one that cannot be read."""
        self.filter = parse_filter(said, self.find_text)
        self.arrange()

    def next_order(self) -> None:
        """Sort by the next column."""
        names = list(ORDERS)
        self.sort = names[(names.index(self.sort) + 1) % len(names)]
        self.arrange()

    def show(self, key: Key, reader: Reader, opened: Trajectory) -> None:
        """Another attempt, or more of the same."""
        same = key == self.opened_key
        self.reader, self.opened, self.opened_key = reader, opened, key
        if self.evidence is not None and self.evidence.instance != opened.instance:
            self.weighed(None)
        before = self._outlines if same else {}
        self._outlines = {"compare": before["compare"]} if "compare" in before else {}
        if same and (old := before.get("steps")) is not None:
            _keep_folds(old.blocks, self.outline("steps", old.width).blocks)
            self._outlines["steps"].lay_out()

    def refit(self, width: int) -> None:
        """Draw the lines of steps for another width; what is open stays open."""
        for tab in ("steps", "compare"):
            old = self._outlines.pop(tab, None)
            if old is not None:
                _keep_folds(old.blocks, self.outline(tab, width).blocks)
                self._outlines[tab].lay_out()

    def compare(self, several: Sequence[Trajectory]) -> None:
        """What the Compare tab shows."""
        self.compared = tuple(several)
        self._outlines.pop("compare", None)

    @property
    def reference(self) -> Reference | None:
        """The reference patch of the opened attempt's instance, None as long as it is unread."""
        return self.references.get(self.opened_key[:2]) if self.opened_key else None

    def weighed(self, evidence: SamplesEvidence | None) -> None:
        """What is known of the samples of the opened attempt's instance."""
        if evidence != self.evidence:
            self.evidence = evidence
            self._outlines.pop("compare", None)

    def outline(self, tab: str, width: int) -> Outline:
        """What a tab shows, kept with its folds until the attempt changes."""
        if tab not in self._outlines:
            blocks = self._blocks(tab, width) if self.opened is not None else []
            empty = EMPTY[tab] if self.opened is not None else "no attempt is open"
            self._outlines[tab] = Outline(blocks, width, empty)
        return self._outlines[tab]

    def renew(self, *tabs: str) -> None:
        """Build these tabs anew when they are next shown."""
        for tab in tabs:
            self._outlines.pop(tab, None)

    def _blocks(self, tab: str, width: int) -> list[Block]:
        opened = self.opened
        assert opened is not None
        builders: dict[str, Callable[[], list[Block]]] = {
            "steps": lambda: steps_blocks(opened, self.glyphs, width - 2),
            "patch": lambda: patch_blocks(opened, self.reference, gold=self.gold),
            "tests": lambda: tests_blocks(opened, self.glyphs),
            "tokens": lambda: tokens_blocks(opened, self.decode),
            "log": lambda: log_blocks(opened),
            "compare": lambda: self._compare_blocks(opened, width - 2),
            "info": lambda: info_blocks(opened),
        }
        return builders[tab]()

    def _compare_blocks(self, opened: Trajectory, width: int) -> list[Block]:
        """The evidence about the samples of the opened instance, then the compared attempts."""
        run = self.opened_key[0] if self.opened_key else ""
        states = {
            row.sample: row.state
            for row in self.known.values()
            if (row.run, row.instance) == (run, opened.instance)
        }
        return [
            *samples_blocks(self.evidence, states, self.glyphs, width),
            *compare_blocks(self.compared, self.glyphs, width, self.decode),
        ]


def _keep_folds(old: Sequence[Block], new: Sequence[Block]) -> None:
    """A followed attempt grows at its end: what was open stays open."""
    for before, after in zip(old, new, strict=False):
        if (before.step, before.name) == (after.step, after.name):
            after.open, after.unlimited = before.open, before.unlimited
