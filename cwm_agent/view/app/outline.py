"""A long text in blocks that fold: headings, bodies made when they are first seen.

Bodies hold text of models and repositories: `body_lines` makes it harmless and cuts what is too
long for a screen. Nothing is wrapped that is not open.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import accumulate

from rich.cells import cell_len
from rich.text import Text

from cwm_agent.view.sanitize import clean
from cwm_agent.wording import counted

LIMIT = 400
"""Lines of a body that are shown before the rest is folded."""
LONGEST = 20_000
"""Characters of one line; the rest is counted only."""
TAB = 4
PIECE = 1 << 20
"""Characters that are searched at once."""


@dataclass(frozen=True, slots=True)
class Line:
    """One line on the screen; `source` is the line of the raw text that it is (part) of."""

    text: Text
    source: int


Styler = Callable[[str], str]
"""The style of a line by its text."""


@dataclass(slots=True)
class Block:
    """A heading with a body below it, and blocks of a greater `depth` below that.

    `raw` is the text that is searched and copied, `styler` colours its lines. A block without a
    heading is always open. `step` is the step that it belongs to (0: none); `failed` marks what
    the next-failure key stops at.
    """

    heading: Text | None
    raw: Callable[[], str] = str
    styler: Styler | None = None
    depth: int = 0
    step: int = 0
    failed: bool = False
    open: bool = False
    unlimited: bool = False
    lines: Callable[[], Sequence[Text]] | None = None
    name: str = ""

    def body(self, width: int) -> list[Line]:
        """The lines below the heading, wrapped."""
        indent = "  " * self.depth + ("  " if self.heading is not None else "")
        if self.lines is not None:
            room = max(8, width - len(indent))
            return [
                Line(Text(indent) + part, n)
                for n, text in enumerate(self.lines())
                for part in _parts(text, room)
            ]
        raw = self.raw()
        if not raw:
            return []
        limit = None if self.unlimited else LIMIT
        return body_lines(raw, width, indent, self.styler, limit)


def body_lines(
    raw: str, width: int, indent: str, styler: Styler | None, limit: int | None
) -> list[Line]:
    """A raw text as harmless lines of at most `width` cells."""
    room = max(8, width - len(indent))
    found: list[Line] = []
    lines = raw.split("\n")
    while lines and not lines[-1].strip():
        lines.pop()
    for number, line in enumerate(lines):
        if limit is not None and number >= limit:
            rest = len(lines) - limit
            note = Text(f"{indent}… {counted(rest, 'more line')} (o shows all)", "italic #e5b454")
            found.append(Line(note, number))
            break
        cut = len(line) - LONGEST
        shown = clean(line[:LONGEST]).expandtabs(TAB)
        style = styler(line) if styler else ""
        parts = wrap(shown, room)
        found += [Line(Text(indent + part, style), number) for part in parts]
        if cut > 0:
            note = Text(f"{indent}… {cut:,} more characters (v shows all)", "italic #e5b454")
            found.append(Line(note, number))
    return found


def wrap(line: str, width: int) -> list[str]:
    """A line cut into parts of at most `width` cells; at least one part."""
    if line.isascii():
        return [line[at : at + width] for at in range(0, len(line), width)] or [""]
    parts, start, cells = [], 0, 0
    for place, character in enumerate(line):
        size = cell_len(character)
        if cells + size > width:
            parts.append(line[start:place])
            start, cells = place, 0
        cells += size
    return [*parts, line[start:]]


def _parts(text: Text, width: int) -> list[Text]:
    """The same of a text with styles."""
    if text.cell_len <= width:
        return [text]
    ends = list(accumulate(len(part) for part in wrap(text.plain, width)))
    return list(text.divide(ends[:-1]))


@dataclass(frozen=True, slots=True)
class Hit:
    """A place where a search found something: a block, and a line of its raw text."""

    block: int
    line: int


@dataclass(slots=True)
class Outline:
    """Blocks laid out for a width."""

    blocks: list[Block]
    width: int = 80
    empty: str = "nothing here"
    _starts: list[int] = field(default_factory=list)
    _shown: list[int] = field(default_factory=list)
    _count: int = 0
    _bodies: dict[int, list[Line]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Lay out."""
        self.lay_out()

    def __len__(self) -> int:
        """Lines on the screen."""
        return self._count

    def fit(self, width: int) -> None:
        """Lay out for another width."""
        if width != self.width:
            self.width = width
            self._bodies.clear()
            self.lay_out()

    def lay_out(self) -> None:
        """After blocks were opened, closed or changed."""
        self._starts, self._shown, self._count = [], [], 0
        hidden: int | None = None
        for place, block in enumerate(self.blocks):
            if hidden is not None and block.depth > hidden:
                continue
            hidden = None
            self._starts.append(self._count)
            self._shown.append(place)
            self._count += block.heading is not None
            if block.open or block.heading is None:
                self._count += len(self._body(place))
            else:
                hidden = block.depth

    def line(self, y: int) -> Text:
        """The line at that place."""
        place, offset = self.at(y)
        block = self.blocks[place]
        if block.heading is not None:
            if offset == 0:
                return block.heading
            offset -= 1
        return self._body(place)[offset].text

    def at(self, y: int) -> tuple[int, int]:
        """The block of a line, and how many lines it is below the block's first."""
        row = bisect_right(self._starts, y) - 1
        return self._shown[row], y - self._starts[row]

    def foldable(self, place: int) -> bool:
        """Whether there is anything to open."""
        block = self.blocks[place]
        following = self.blocks[place + 1] if place + 1 < len(self.blocks) else None
        below = following is not None and following.depth > block.depth
        return block.heading is not None and (below or bool(block.lines or block.raw()))

    def toggle(self, place: int) -> None:
        """Open or close a block."""
        self.blocks[place].open = not self.blocks[place].open
        self.lay_out()

    def set_all(self, *, opened: bool) -> None:
        """Open or close every block of the outermost depth."""
        for block in self.blocks:
            if block.depth == 0:
                block.open = opened
        self.lay_out()

    def unlimit(self, place: int) -> None:
        """Show all lines of a block, or the first ones again."""
        block = self.blocks[place]
        block.unlimited = not block.unlimited
        self._bodies.pop(place, None)
        self.lay_out()

    def forget(self) -> None:
        """Make all bodies anew."""
        self._bodies.clear()
        self.lay_out()

    def reveal(self, place: int, line: int = -1) -> int:
        """Open what hides a block, or a raw line of it; returns the place on the screen."""
        block = self.blocks[place]
        depth = block.depth
        for above in range(place - 1, -1, -1):
            if self.blocks[above].depth < depth:
                self.blocks[above].open, depth = True, self.blocks[above].depth
        if line >= 0:
            block.open = True
            if line >= LIMIT and not block.unlimited:
                block.unlimited = True
                self._bodies.pop(place, None)
        self.lay_out()
        start = self._starts[self._shown.index(place)]
        if line < 0:
            return start
        body = self._body(place)
        offset = next((n for n, shown in enumerate(body) if shown.source >= line), 0)
        return start + (block.heading is not None) + offset

    def find(self, words: str, stopped: Callable[[], bool] = lambda: False) -> list[Hit]:
        """Where the words stand in the raw text of any block, whatever is folded; case counts
        only where they hold a capital letter.

        For a thread: a large text takes its time, and `stopped` is asked again and again.
        """
        hits: list[Hit] = []
        if not words:
            return hits
        for place, block in enumerate(self.blocks):
            if (
                block.heading is not None
                and next(lines_with(words, block.heading.plain), None) == 0
            ):
                hits.append(Hit(place, -1))
            for line in lines_with(words, _raw(block)):
                if stopped():
                    return []
                if line is not None:
                    hits.append(Hit(place, line))
        return hits

    def _body(self, place: int) -> list[Line]:
        if place not in self._bodies:
            self._bodies[place] = self.blocks[place].body(self.width)
        return self._bodies[place]


def lines_with(words: str, raw: str) -> Iterator[int | None]:
    """The lines of a text that hold the words, in order, and None after each piece of it.

    It goes by pieces, since a search in a text keeps all other threads waiting.
    """
    any_case = words == words.lower()
    last, line = -1, 0
    for start in range(0, len(raw), PIECE):
        piece = raw[start : start + PIECE + len(words) - 1]
        piece = piece.lower() if any_case else piece
        at = counted = 0
        found = line
        while (at := piece.find(words, at)) >= 0:
            found += piece.count("\n", counted, at)
            counted = at
            if found != last:
                yield found
            last, at = found, at + len(words)
        line += raw.count("\n", start, start + PIECE)
        yield None


def _raw(block: Block) -> str:
    if block.lines is not None:
        return "\n".join(text.plain for text in block.lines())
    return block.raw()
