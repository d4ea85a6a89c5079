"""Where tests come from: the issue's calls, what samples wrote, calls of touched functions."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from cwm_agent.scaling.evidence.functions import (
    Function,
    draw_calls,
    literal_calls,
    public_functions,
    touched_functions,
)
from cwm_agent.scaling.evidence.harvest import harvest, merged
from cwm_agent.scaling.evidence.inside import RUN_CALLS
from cwm_agent.scaling.evidence.quoted import issue_scripts, quoted_calls, values
from cwm_agent.scaling.evidence.scripts import Script
from results.records import Event, Replied, Reply


@pytest.mark.parametrize(
    ("issue", "calls"),
    [
        ("`f(3)` gives 7, not 10.", ["f(3)"]),
        (
            "f([1, (2, 'a')], key=None) and f([1, (2, 'a')], key=None)",
            ["f([1, (2, 'a')], key=None)"],
        ),
        ("f('a)b') hangs (see g(x))", ["f('a)b')"]),
        ("shop.f(1) is a method", []),
        ("call f(x) or (1, 2)", []),
        ("f(", []),
    ],
)
def test_calls_with_literals_are_found(issue: str, calls: list[str]) -> None:
    assert quoted_calls(issue) == calls


def test_values_are_what_the_issue_names_beside_the_call() -> None:
    found = values("`f(3)` gives 7, should be 10. [1, 'b'] or ValueError: no, never -2.5", "f(3)")
    assert {"7", "10", "[1, 'b']", "ValueError: no, never -2.5"} <= set(found)
    assert "3" not in found


def test_a_call_becomes_a_script_where_its_function_is_known() -> None:
    (script,) = issue_scripts("f(3) gives 7, not 10; g(1) hangs", {"f": "shop.sums"})
    assert "from shop.sums import f" in script.files["issue_call.py"]
    assert script.rule == "announced"


def said(*replies: str) -> list[Event]:
    return [Replied(number, Reply(text)) for number, text in enumerate(replies, 1)]


def bash(command: str, thought: str = "try") -> str:
    return f"{thought}\n</think>\n<tool: bash>\n{command}\n</tool>"


def found(*replies: str) -> list[Script]:
    return harvest(said(*replies), 5, root="/testbed", run_tests="pytest -q")


@pytest.mark.parametrize(
    "command",
    [
        "cat a.py",
        "git diff > /tmp/p.patch",
        "sed -i s/a/b/ x.py && python -c 'import x'",
        "python setup.py build",
        "python -c 'print(1)' > out.txt",
        "pip install x; python -c 'import x'",
    ],
)
def test_what_changes_something_or_runs_the_repository_is_no_test(command: str) -> None:
    assert found(bash(command)) == []


def test_an_inline_check_counts_by_its_exit_code() -> None:
    (script,) = found(bash("python -c 'from x import f; assert f(1) == 2'"))
    assert (script.rule, script.origin, script.kind) == ("exit", 5, "harvested")


def test_a_printed_value_counts_by_what_the_thought_announced() -> None:
    (script,) = found(bash('python -c "print(f(1))" 2>&1 | tail -n 1', "check\n[1, 2]"))
    assert script.rule == "announced"
    assert "[1, 2]" in script.announced


def test_a_file_that_was_created_is_taken_along() -> None:
    create = "t\n</think>\n<tool: create>\nrepro.py\nfrom x import f\nassert f(1)\n</tool>"
    heredoc = bash("cat > /tmp/r2.py <<'EOF'\nimport x\nassert x.f(1) > 0\nEOF\npython /tmp/r2.py")
    one, two = found(create, bash("python repro.py"), heredoc)
    assert one.files == {"repro.py": "from x import f\nassert f(1)"}
    assert list(two.files) == ["/tmp/r2.py"]
    assert two.command == "python /tmp/r2.py"


def test_a_file_of_tests_is_run_as_tests_are() -> None:
    create = "t\n</think>\n<tool: create>\ntests/test_fix.py\ndef test_f():\n    assert 1\n</tool>"
    (script,) = found(create, bash("python -m pytest tests/test_fix.py"))
    assert script.command == "pytest -q tests/test_fix.py"


def test_equal_tests_of_several_samples_are_one_with_all_announcements() -> None:
    one = Script("harvested", "a", "python -c 'print(1)'", "announced", announced=("1",), origin=0)
    two = Script("harvested", "b", "python -c 'print(1)'", "announced", announced=("2",), origin=1)
    (both,) = merged([one, two])
    assert (both.announced, both.origin) == (("1", "2"), 0)


SOURCE = "import a\n\n\ndef f(x, y=1):\n    z = x\n    return z\n\n\ndef g(*x):\n    return x\n"
PATCH = """\
diff --git a/src/shop/sums.py b/src/shop/sums.py
--- a/src/shop/sums.py
+++ b/src/shop/sums.py
@@ -4,3 +4,3 @@ import a
 def f(x, y=1):
     z = x
-    return z
+    return z + y
"""


def test_the_functions_of_a_hunk_are_found() -> None:
    files = {"src/shop/sums.py": SOURCE}
    assert touched_functions([PATCH], files) == [Function("shop.sums", "f", 1, 2)]
    assert public_functions(files) == {"f": "shop.sums", "g": "shop.sums"}


OWNERS = """\
class Cart:
    def __init__(self, items=()):
        self.items = list(items)

    def add(self, item, count=1):
        self.items += [item] * count
        return self.items

    def _hidden(self):
        return 1

    @property
    def size(self):
        return len(self.items)

    @staticmethod
    def price(item):
        return len(item)


class Shop:
    def __init__(self, name):
        self.name = name

    def shout(self):
        return self.name.upper()
"""


def test_methods_are_called_where_their_object_can_be_made() -> None:
    lines = OWNERS.splitlines()
    whole = "".join(f"-{line}\n" for line in lines)
    patch = f"diff --git a/m.py b/m.py\n--- a/m.py\n+++ b/m.py\n@@ -1,{len(lines)} +0,0 @@\n{whole}"
    found = touched_functions([patch], {"m.py": OWNERS})
    assert [(f.name, f.called, f.wanted, f.most) for f in found] == [
        ("Cart", "Cart", 0, 1),
        ("Cart.add", "add", 1, 2),
        ("Cart.price", "price", 1, 1),
        ("Shop", "Shop", 1, 1),
    ]
    assert public_functions({"m.py": OWNERS}) == {"Cart": "m", "Shop": "m"}


def test_calls_are_run_on_functions_classes_and_fresh_objects(tmp_path: Path) -> None:
    (tmp_path / "m.py").write_text(OWNERS)
    calls = [("Cart.add", "3"), ("Cart.add", "4, 2"), ("Cart.price", "'ab'"), ("Shop.shout", "")]
    given = {"calls": [("m", *call) for call in calls], "seconds": 5.0, "longest": 200}
    (tmp_path / "calls.json").write_text(json.dumps(given))
    (tmp_path / "run.py").write_text(RUN_CALLS)
    command = [sys.executable, "run.py", "calls.json", "out"]
    subprocess.run(command, cwd=tmp_path, check=True)
    seen = [json.loads(line) for line in (tmp_path / "out").read_text().splitlines()]
    assert seen == ["[3]", "[4, 4]", "2", "raises TypeError"]


def test_calls_grow_from_those_that_somebody_made_and_are_always_the_same() -> None:
    seeds = literal_calls(
        ["f(3, [1, 'a'])", "m.f(4)", "f(x)", "g(1)", "f(1, k=2)", "not python ("], "f"
    )
    assert seeds == [(3, [1, "a"]), (4,)]
    function = Function("shop.sums", "f", 1, 2)
    calls = draw_calls(function, seeds, 20)
    assert calls[:2] == ["3, [1, 'a']", "4"]
    assert len(set(calls)) == len(calls) == 20
    assert draw_calls(function, seeds, 20) == calls
    assert draw_calls(function, [], 5)
    assert draw_calls(Function("m", "f", 0, 0), [()], 5) == [""]
    assert draw_calls(Function("m", "f", 0, 0), [], 5) == [""]
