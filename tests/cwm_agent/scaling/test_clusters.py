"""When two patches are the same: their lines, their code, what they do."""

from __future__ import annotations

import pytest

from cwm_agent.scaling.clusters import clustered, with_patch
from cwm_agent.scaling.normalise import ast_key, normalise
from cwm_agent.scaling.selection.registry import RECIPES
from cwm_agent.scaling.table import Candidate, Cell, Column, Table

from .marks import table


def patch(path: str, *lines: str, start: int = 1, new: bool = False) -> str:
    """A patch of one file with these lines of a hunk."""
    mode = "new file mode 100644\n" if new else ""
    old = "/dev/null" if new else f"a/{path}"
    head = f"diff --git a/{path} b/{path}\n{mode}--- {old}\n+++ b/{path}\n@@ -{start} +{start} @@\n"
    return head + "".join(f"{line}\n" for line in lines)


FIX = patch("mod.py", " def f():", "-    return 1", "+    return 2")
CONFTEST = patch("conftest.py", "+import pytest", "+pytest.skip()", new=True)
TEST = patch("tests/test_mod.py", "-    assert f() == 2", "+    assert True")


@pytest.mark.parametrize(
    "other",
    [
        patch("mod.py", "-    return 1", "+    return 2  ", start=9),
        patch("mod.py", "-    return 1", "+    # why", "+", "+    return 2"),
        FIX + TEST + CONFTEST,
        TEST + FIX,
        FIX + patch("setup.cfg", "+[tool:pytest]", "+addopts = -p no:all", new=True),
    ],
)
def test_place_layout_comments_and_tests_make_no_other_patch(other: str) -> None:
    assert normalise(other) == normalise(FIX) == "mod.py\n-    return 1\n+    return 2"


def test_the_same_lines_in_another_place_are_another_patch() -> None:
    """`x = []` before a loop and after it."""
    first, second = (patch("mod.py", " for y in z:", "+    x = []", start=n) for n in (3, 8))
    assert normalise(first) == normalise(second)
    same = patch("mod.py", " a", " for y in z:", "+    x = []", start=2)
    one, other, third = (with_patch(Candidate("a", 0, p)).ast for p in (first, second, same))
    assert one != other
    assert one == third


def test_another_value_or_file_is_another_patch() -> None:
    assert normalise(FIX) != normalise(FIX.replace("return 2", "return 3"))
    assert normalise(FIX) != normalise(FIX.replace("mod.py", "other.py"))
    renamed = "diff --git a/x.py b/y.py\nsimilarity index 100%\nrename from x.py\nrename to y.py\n"
    assert normalise(renamed) == "y.py"


@pytest.mark.parametrize("nothing", ["", "\n", TEST, CONFTEST, TEST + CONFTEST])
def test_a_patch_of_nothing_but_tests_is_none(nothing: str) -> None:
    assert normalise(nothing) == ""
    assert with_patch(Candidate("a", 0, nothing)).ast == ""


def test_code_is_compared_by_its_tree_where_the_files_are_known() -> None:
    key = ast_key({"m.py": "def f(a):\n    return (a + 1)\n"})
    assert key == ast_key({"m.py": 'def f(a):\n    """Say."""\n    return a+1  # one\n'})
    assert key != ast_key({"m.py": "def f(a):\n    return a + 2\n"})
    assert key != ast_key({"m.py": None})
    assert ast_key({"m.py": "def f(:\n"}) == ast_key({"m.py": "def f(:  \n\n"})
    assert ast_key({}) == ""


def test_behaviour_joins_what_agrees_and_parts_what_differs() -> None:
    made = table("e g d", {"a": "++x", "b": "++x", "c": "++y", "d": "..."})
    a, b, c, d = (candidate.behaviour for candidate in made.candidates)
    assert a == b
    assert len({a, c, d}) == 3
    assert table("e v", {"a": "+1", "b": "+9"}).candidates[0].behaviour


def test_editing_tests_or_their_settings_gains_nothing_by_any_recipe() -> None:
    """Even where it would pass every test: it is never chosen, and joins or parts nobody."""
    plain = [Candidate("bad", 0, patch("mod.py", "-    return 1", "+    return 9"))]
    plain.append(Candidate("good", 1, FIX, tokens=5))
    steering = [Candidate(f"steer{n}", 2 + n, text) for n, text in enumerate((TEST, CONFTEST))]
    columns = (Column("e", "existing", before="pass"), Column("g", "generated", before="fail"))
    cells = {
        "bad": {"e": Cell("pass", passes=1), "g": Cell("fail")},
        "good": {"e": Cell("pass", passes=1), "g": Cell("pass", passes=1)},
        **{s.id: {"e": Cell("pass", passes=1), "g": Cell("pass", passes=1)} for s in steering},
    }
    candidates = tuple(map(with_patch, [*plain, *steering]))
    made = clustered(Table("issue", candidates, columns, cells))
    without = clustered(
        Table("issue", candidates[:2], columns, {k: cells[k] for k in ("bad", "good")})
    )
    for recipe in RECIPES:
        chosen = recipe.make([made])(made).chosen
        assert chosen in ("bad", "good")
        assert chosen == recipe.make([without])(without).chosen
    doctored = with_patch(Candidate("x", 9, FIX + CONFTEST + TEST))
    assert (doctored.normalised, doctored.ast) == (candidates[1].normalised, candidates[1].ast)
