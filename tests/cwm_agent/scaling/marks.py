"""Small tables, written as marks that a reader can follow by hand."""

from __future__ import annotations

from collections.abc import Mapping

from cwm_agent.scaling.clusters import clustered
from cwm_agent.scaling.table import Candidate, Cell, Column, Table

OUTCOMES = {
    "+": Cell("pass", passes=1),
    "-": Cell("fail"),
    "?": Cell("other"),
    "~": Cell("fail", repeats=2, passes=1),
}


def table(
    columns: str,
    rows: Mapping[str, str],
    *,
    same: Mapping[str, str] | None = None,
    size: Mapping[str, int] | None = None,
    tokens: Mapping[str, int] | None = None,
    instance: str = "issue",
) -> Table:
    """A candidate a row, in the order of their samples; a name without letters changes nothing.

    `columns`, a word each: e existing, g generated, b0 and r0 a reproduction and a regression
    test that sample 0 wrote, d an input, v a grade. A row has a mark for each: + pass,
    - fail, ? neither, ~ flaky, . missing; a letter is an output, a digit a tenth of a grade.
    `same` gives candidates the code of another one.
    """
    made = [_column(number, word) for number, word in enumerate(columns.split())]
    candidates = []
    cells = {}
    for number, (name, marks) in enumerate(rows.items()):
        code = (same or {}).get(name, name) if name.isalpha() else ""
        patch = f"patch {name}" if code else ""
        candidates.append(
            Candidate(
                name,
                number,
                patch,
                normalised=code,
                text=patch,
                ast=code,
                size=(size or {}).get(name, 10),
                tokens=(tokens or {}).get(name, 10),
            )
        )
        pairs = zip(made, marks.replace(" ", ""), strict=True)
        cells[name] = {column.id: _cell(mark) for column, mark in pairs if mark != "."}
    return clustered(Table(instance, tuple(candidates), tuple(made), cells))


def _column(number: int, word: str) -> Column:
    name, letter = f"{number}{word}", word[0]
    origin = int(word[1:]) if word[1:] else None
    match letter:
        case "e":
            return Column(name, "existing", None, "pass")
        case "g":
            return Column(name, "generated", None, "fail")
        case "b" | "r":
            return Column(name, "harvested", origin, "fail" if letter == "b" else "pass")
        case "d":
            return Column(name, "distinguishing")
    return Column(name, "grade")


def _cell(mark: str) -> Cell:
    if mark.isdigit():
        return Cell("pass", score=int(mark) / 10)
    if mark.isalpha():
        return Cell("pass", output=mark, passes=1)
    return OUTCOMES[mark]
