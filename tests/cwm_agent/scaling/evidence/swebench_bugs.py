"""Candidates by hand for five instances of SWE-bench Verified: right, partly right and wrong ones.

`right` names those that the official grader accepts. What it accepts is not always right: requests'
tests say nothing of a POST, for one.
"""

from __future__ import annotations

from real_bugs import FLASK, Bug


def _instead(text: str, old: str, new: str, before: str = "") -> tuple[str, str]:
    """A replacement of `text`, in which `old` becomes `new`."""
    assert old in text
    return text, before + text.replace(old, new)


_ALWAYS = "        self.headers['Content-Length'] = '0'\n        if hasattr(body, 'seek')"
_LENGTH = "            self.headers['Content-Length'] = str(len(body))\n\n    def prepare_auth"
_ZERO = "self.headers['Content-Length'] = '0'"


def _zero(condition: str) -> tuple[str, str]:
    """Sends a length of 0 where the condition holds."""
    return _ALWAYS, _ALWAYS.replace(_ZERO, f"if {condition}:\n            {_ZERO}")


REQUESTS = Bug(
    "requests/models.py",
    {
        "neither GET nor HEAD": _zero("self.method not in ('GET', 'HEAD')"),
        "only with a body": (_ALWAYS, _ALWAYS.partition("\n")[2]),
        "GET only": _zero("self.method != 'GET'"),
        "HEAD only": _zero("self.method != 'HEAD'"),
        "small letters": _zero("self.method not in ('get', 'head')"),
        "None as its value": (_ALWAYS, _ALWAYS.replace("'0'", "None")),
        "never any": (_LENGTH, "            pass\n        del self.headers['Content-Length']\n\n"
                      "    def prepare_auth"),
    },
    frozenset({"neither GET nor HEAD", "only with a body", "never any"}),
    (
        """\
import requests
sent = requests.Request("GET", "http://localhost/get").prepare().headers
posted = requests.Request("POST", "http://localhost/post", data={"a": "b"}).prepare().headers
if "Content-Length" in sent:
    print("Issue reproduced")
elif posted.get("Content-Length") == "3":
    print("Issue resolved")
else:
    print("Other issues")
""",
        """\
import requests
kept = [m for m in ("GET", "HEAD") if "Content-Length" in
        requests.Request(m, "http://localhost/").prepare().headers]
print("Issue reproduced" if kept else "Issue resolved")
""",
    ),
    "test_requests.py",
)  # fmt: skip

_ELIF = """\
    elif (
        item._store.get(skipped_by_mark_key, True)
"""
_IF = _ELIF.replace("elif", "if")
_RUNXFAIL = """\
    elif item.config.option.runxfail:
        pass  # don't interfere
"""
_SKIP_TEST = """\
import os, subprocess, sys, tempfile
folder = tempfile.mkdtemp()
open(os.path.join(folder, "test_it.py"), "w").write(
    "import pytest\\n@pytest.mark.skip\\ndef test_skip_location():\\n    assert 0\\n"
)
said = subprocess.run(
    [sys.executable, "-m", "pytest", "-rs", *OPTIONS, "-p", "no:cacheprovider", "test_it.py"],
    cwd=folder, stdout=subprocess.PIPE, universal_newlines=True,
).stdout
if "test_it.py:2: unconditional skip" in said or "test_it.py:3: unconditional skip" in said:
    print("Issue resolved")
elif "skipping.py" in said:
    print("Issue reproduced")
else:
    print("Other issues")
"""
SKIPPING = Bug(
    "src/_pytest/skipping.py",
    {
        "asked apart": (_ELIF, "\n" + _IF),
        "not what is skipped": _instead(_RUNXFAIL, "runxfail:", "runxfail and not rep.skipped:"),
        "xfail marks alone": _instead(_RUNXFAIL, "runxfail:", "runxfail and xfailed:"),
        "no runxfail at all": (_RUNXFAIL, ""),
        "leaves at once": _instead(_RUNXFAIL, "pass  # don't interfere", "return"),
        "every skip": (
            _ELIF,
            "\n" + _IF.replace("item._store.get(skipped_by_mark_key, True)", "True"),
        ),
        "only without the mark": (
            _ELIF,
            "\n" + _IF.replace("item._store", "not item._store"),
        ),
    },
    frozenset({"asked apart", "not what is skipped", "xfail marks alone"}),
    (
        _SKIP_TEST.replace("*OPTIONS", '"--runxfail"'),
        _SKIP_TEST.replace("*OPTIONS, ", '"--runxfail", "-q", '),
    ),
    "testing/test_skipping.py",
)  # fmt: skip

_RESET = """\
    def reset(self) -> None:
        self.records = []
        self.stream = StringIO()
"""
_CLEAR = "        self.handler.reset()\n\n    def set_level"
_CAPLOG_TEST = """\
import os, subprocess, sys, tempfile
folder = tempfile.mkdtemp()
open(os.path.join(folder, "test_it.py"), "w").write(BODY)
done = subprocess.run(
    [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_it.py"],
    cwd=folder, stdout=subprocess.PIPE, universal_newlines=True,
)
if done.returncode == 0:
    print("Issue resolved")
elif "verify" in done.stdout:
    print("Issue reproduced")
else:
    print("Other issues")
"""
_QUOTED = """import logging
def test(caplog):
    def verify():
        assert caplog.get_records('call') == caplog.records
    verify()
    logging.warning('test')
    verify()
    caplog.clear()
    verify()
    logging.warning('again')
    verify()
"""
LOGGING = Bug(
    "src/_pytest/logging.py",
    {
        "a clear of its own": (
            _CLEAR,
            "        self.handler.records.clear()\n        self.handler.stream = StringIO()\n\n"
            "    def set_level",
        ),
        "slices": (
            _CLEAR,
            "        del self.handler.records[:]\n        self.handler.stream = StringIO()\n\n"
            "    def set_level",
        ),
        "the call's list anew": (
            _CLEAR,
            "        self.handler.reset()\n"
            "        self._item.stash[caplog_records_key]['call'] = self.handler.records\n\n"
            "    def set_level",
        ),
        "resets in place": (_RESET, _RESET.replace("self.records = []", "self.records.clear()")),
        "keeps the text": (_CLEAR, "        self.handler.records.clear()\n\n    def set_level"),
        "one list for all": (
            "        return self._item.stash[caplog_records_key].get(when, [])\n",
            "        return self.handler.records\n",
        ),
        "empties the stash": (
            _CLEAR,
            "        self.handler.reset()\n        self._item.stash[caplog_records_key].clear()\n\n"
            "    def set_level",
        ),
    },
    frozenset({"a clear of its own", "slices", "the call's list anew"}),
    (
        _CAPLOG_TEST.replace("BODY", f'"""{_QUOTED}"""'),
        _CAPLOG_TEST.replace(
            "BODY", f'"""{_QUOTED}""".replace("    logging.warning(\'again\')\\n", "")'
        ),
    ),
    "testing/logging/test_fixture.py",
)

_DIFFER = "                if dim != addend_dim:\n"


def _unless(condition: str) -> tuple[str, str]:
    """Raises where the condition holds."""
    return _DIFFER, f"                if {condition}:\n"


_SYSTEM = "self.get_dimension_system()"
_UNITS_TEST = """\
from sympy.physics import units
from sympy.physics.units.systems.si import SI
def quantity(name, dimension, scale):
    made = units.Quantity(name)
    SI.set_quantity_dimension(made, dimension)
    SI.set_quantity_scale_factor(made, scale)
    return made
v1 = quantity("v1", units.velocity, 2 * units.meter / units.second)
a1 = quantity("a1", units.acceleration, -9.8 * units.meter / units.second**2)
t1 = quantity("t1", units.time, 5 * units.second)
try:
    SI._collect_factor_and_dimension(a1 * t1 + v1)
except ValueError:
    print("Issue reproduced")
else:
    print("Issue resolved")
"""
UNITS = Bug(
    "sympy/physics/units/unitsystem.py",
    {
        "equivalent": _unless(f"not {_SYSTEM}.equivalent_dims(dim, addend_dim)"),
        "dependencies": (
            _DIFFER,
            f"                system = {_SYSTEM}\n"
            "                if system.get_dimensional_dependencies(dim) != \\\n"
            "                        system.get_dimensional_dependencies(addend_dim):\n",
        ),
        "their ratio": _unless(f"not {_SYSTEM}.is_dimensionless(dim / addend_dim)"),
        "no question": _unless("False"),
        "products pass": _unless("dim != addend_dim and not any(arg.is_Mul for arg in expr.args)"),
        "symbols pass": _unless("dim != addend_dim and not dim.name.is_Symbol"),
        "by their names": _unless("dim.name != addend_dim.name"),
    },
    frozenset({"equivalent", "dependencies", "their ratio"}),
    (
        _UNITS_TEST,
        _UNITS_TEST.replace(
            "a1 * t1 + v1)\n", "v1 + a1 * t1)\n    SI._collect_factor_and_dimension(a1 * t1 + v1)\n"
        ),
    ),
    "sympy/physics/units/tests/test_quantities.py",
)  # fmt: skip

SWEBENCH = {
    "psf__requests-1142": (REQUESTS, "test_requests.py"),
    "pallets__flask-5014": (FLASK, "tests"),
    "pytest-dev__pytest-10051": (LOGGING, "testing/logging/test_fixture.py"),
    "pytest-dev__pytest-7432": (SKIPPING, "testing/test_skipping.py"),
    "sympy__sympy-24213": (UNITS, "sympy/physics/units/tests"),
}
"""The candidates, and the visible tests that are run: those that a developer would run."""
BLIND = {"psf__requests-1142": {"agentless"}}
"""Recipes that may pick a wrong one: Agentless uses one written test, and only the other tells GET
from HEAD."""
