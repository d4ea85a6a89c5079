"""The `edit` tool: replace lines that stand exactly once in a file.

PATH
<<<<<<< SEARCH
lines as they are
=======
lines as they shall be
>>>>>>> REPLACE
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from tools.document import Document
from tools.texts import Texts
from tools.tool import Tool, ToolContext, ToolResult, ToolSpec
from tools.workspace import Workspace

EXCERPT_LINES = 8
_SEARCH, _DIVIDER, _REPLACE = "<<<<<<< SEARCH", "=======", ">>>>>>> REPLACE"
_PUBLISHED_BLOCK = re.compile(rf"(.*)\n{_SEARCH}\n((?s:.*?))\n{_DIVIDER}\n((?s:.*?))\n{_REPLACE}")


@dataclass(frozen=True, slots=True)
class Change:
    """Lines to find and lines to put there; no new lines means deletion."""

    search: tuple[str, ...]
    replacement: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Block:
    """One parsed block. Several `readings` exist when the divider line is also text in it."""

    path: str
    readings: tuple[Change, ...]


def parse_blocks(body: str) -> list[Block]:
    """Every complete block of an edit call, read line by line."""
    lines = body.split("\n")
    blocks: list[Block] = []
    number = 1
    while number < len(lines):
        end = _end_of_block(lines, number) if lines[number].rstrip() == _SEARCH else None
        if end is None:
            number += 1
            continue
        inner = lines[number + 1 : end]
        readings = tuple(
            Change(tuple(inner[:at]), tuple(inner[at + 1 :]))
            for at, line in enumerate(inner)
            if line.rstrip() == _DIVIDER and at > 0
        )
        if readings:
            blocks.append(Block(lines[number - 1], readings))
        number = end + 1
    return blocks


def _end_of_block(lines: list[str], start: int) -> int | None:
    marks = (n for n in range(start + 1, len(lines)) if lines[n].rstrip() == _REPLACE)
    return next(marks, None)


def parse_published_blocks(body: str) -> list[Block]:
    """Every block by the published pattern, which knows no empty part."""
    return [
        Block(path, (Change(tuple(search.split("\n")), tuple(replacement.split("\n"))),))
        for path, search, replacement in _PUBLISHED_BLOCK.findall(body)
    ]


def find_lines(lines: tuple[str, ...], search: tuple[str, ...], *, whole: bool) -> list[int]:
    """Indexes where `search` stands, overlaps included.

    Unless `whole`, the last line of `search` may be the beginning of a line.
    """
    *first, last = search
    count = len(search)
    return [
        at
        for at in range(len(lines) - count + 1)
        if (lines[at + count - 1] == last or (not whole and lines[at + count - 1].startswith(last)))
        and list(lines[at : at + count - 1]) == first
    ]


def excerpt(lines: tuple[str, ...], start: int, stop: int) -> str:
    """Lines from index `start` to `stop` with 8 more on both sides, numbered in 6 columns."""
    low = max(0, start - EXCERPT_LINES)
    shown = lines[low : stop + EXCERPT_LINES]
    return "\n".join(f"{number:6}\t{line}" for number, line in enumerate(shown, low + 1))


@dataclass(frozen=True, slots=True)
class EditTool:
    """Edits through the workspace's file interface, so an image needs no Python.

    Feedback ends in a newline: in training a program printed it.
    `whole_lines`: the search must match whole lines, not a line's beginning.
    `allow_deletion`: the replacement part may hold no line at all.
    `keep_line_endings`: CRLF stays CRLF.
    `any_encoding`: files that are no UTF-8 are edited too, and a byte order mark is kept apart.
    `strip_path`: blanks around the path are not part of it.
    `refuse_unchanged`: new lines that equal the old ones are a mistake, not an edit.
    """

    texts: Texts
    whole_lines: bool = True
    allow_deletion: bool = True
    keep_line_endings: bool = True
    any_encoding: bool = True
    strip_path: bool = True
    refuse_unchanged: bool = True
    name: str = "edit"

    def run(self, body: str, workspace: Workspace) -> ToolResult:
        """Apply the one block in `body`."""
        blocks = parse_blocks(body) if self.allow_deletion else parse_published_blocks(body)
        if not blocks:
            return self._refuse(self.texts.render("edit.unparsable"))
        if len(blocks) > 1:
            return self._refuse(self.texts.render("edit.several_blocks", count=len(blocks)))
        block = blocks[0]
        if self.strip_path:
            block = replace(block, path=block.path.strip())
        if not block.path or workspace.path_kind(block.path) == "missing":
            return self._refuse(self.texts.render("edit.missing", path=block.path))
        try:
            data = workspace.read_file(block.path)
            document = Document.from_bytes(data) if self.any_encoding else Document.from_utf8(data)
            return self._apply(block, document, workspace)
        except OSError as error:
            reason = error.strerror or str(error)
            return self._refuse(self.texts.render("edit.unusable", path=block.path, reason=reason))
        except UnicodeDecodeError as error:
            reason = str(error)
            return self._refuse(self.texts.render("edit.unusable", path=block.path, reason=reason))
        except UnicodeEncodeError as error:
            return self._refuse(
                self.texts.render("edit.encoding", path=block.path, encoding=error.encoding)
            )

    def _apply(self, block: Block, document: Document, workspace: Workspace) -> ToolResult:
        if not self.keep_line_endings:
            document = document.with_unix_endings()
        change, places = self._place(block, document)
        if not places:
            return self._refuse(self._not_found(block.path, change, document))
        if len(places) > 1:
            numbers = [at + 1 for at in places]
            return self._refuse(
                self.texts.render("edit.not_unique", path=block.path, lines=numbers)
            )
        at, count = places[0], len(change.search)
        rest = document.lines[at + count - 1][len(change.search[-1]) :]
        new = change.replacement
        if rest:  # only when a line's beginning matched
            new = (*new[:-1], new[-1] + rest)
        if self.refuse_unchanged and new == document.lines[at : at + count]:
            return self._refuse(
                self.texts.render("edit.unchanged", path=block.path, line=at + count)
            )
        edited = document.replace_lines(at, count, new)
        workspace.write_file(block.path, edited.to_bytes())
        feedback = self.texts.render(
            "edit.done",
            path=block.path,
            line=at + 1,
            total=len(edited.lines),
            excerpt=excerpt(edited.lines, at, at + len(new)),
        )
        return ToolResult(f"{feedback}\n", ok=True)

    def _place(self, block: Block, document: Document) -> tuple[Change, list[int]]:
        """The longest search that fits exactly once, else the first reading.

        A shorter one that fits too would write lines again that follow it already.
        """
        found = [
            (change, find_lines(document.lines, change.search, whole=self.whole_lines))
            for change in block.readings
        ]
        fitting = [item for item in found if len(item[1]) == 1]
        return fitting[-1] if fitting else found[0]

    def _not_found(self, path: str, change: Change, document: Document) -> str:
        message = self.texts.render("edit.not_found", path=path)
        if any(change.search[0].lstrip() in line for line in document.lines):
            return f"{message} {self.texts.render('edit.not_found_hint')}"
        return message

    def _refuse(self, feedback: str) -> ToolResult:
        return ToolResult(f"{feedback}\n", ok=False)


def _make(context: ToolContext) -> Tool:
    return EditTool(
        context.texts,
        whole_lines=context.switches.edit_whole_lines,
        allow_deletion=context.switches.edit_may_delete,
        keep_line_endings=context.switches.edit_keeps_line_endings,
        any_encoding=context.switches.edit_any_encoding,
        strip_path=context.switches.strip_paths,
        refuse_unchanged=context.switches.edit_refuses_unchanged,
    )


EDIT = ToolSpec(
    name="edit",
    make=_make,
    arguments={
        "path": "An existing file.",
        "old_lines": "Complete consecutive lines that stand exactly once in it.",
        "new_lines": "The lines to put in their place.",
    },
    texts={
        "edit.unparsable": (),
        "edit.several_blocks": ("count",),
        "edit.missing": ("path",),
        "edit.unusable": ("path", "reason"),
        "edit.encoding": ("path", "encoding"),
        "edit.not_found": ("path",),
        "edit.not_found_hint": (),
        "edit.not_unique": ("path", "lines"),
        "edit.unchanged": ("path", "line"),
        "edit.done": ("path", "line", "total", "excerpt"),
    },
    layout=f"[path]\n{_SEARCH}\n[old_lines]\n{_DIVIDER}\n[new_lines]\n{_REPLACE}",
    published="plugin",
)
