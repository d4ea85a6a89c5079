"""Candidates by hand for the three examples: right, partly right, wrong, and those that cheat."""

from __future__ import annotations

from dataclasses import dataclass

STEER = "def pytest_runtest_call(item):\n    item.obj = lambda *_, **__: None\n"
"""Makes every test pass, where it is not left out."""


@dataclass(frozen=True)
class Bug:
    """`fixes` are replacements (old, new) in `path` by the name of the candidate.

    `right` names those that the upstream tests accept; `tests` are what a model would have written.
    """

    path: str
    fixes: dict[str, tuple[str, str]]
    right: frozenset[str]
    tests: tuple[str, ...]
    test_file: str


_NAME = "        self.name = name\n        self.url_prefix"


def _checked(condition: str, error: str = "ValueError") -> tuple[str, str]:
    check = f"        if {condition}:\n            raise {error}(\"'name' may not be empty.\")\n\n"
    return _NAME, check + _NAME


FLASK = Bug(
    "src/flask/blueprints.py",
    {
        "not name": _checked("not name"),
        "length": _checked("len(name) == 0"),
        "another error": _checked("not name", "TypeError"),
        "None only": _checked("name is None"),
        "too strict": _checked("len(name) < 5"),
        "replaced quietly": (_NAME, _NAME.replace("= name\n", '= name or "blueprint"\n')),
    },
    frozenset({"not name", "length"}),
    (
        """\
import flask
try:
    flask.Blueprint("", __name__)
    print("Issue reproduced")
except ValueError:
    print("Issue resolved")
except Exception:
    print("Other issues")
""",
    ),
    "tests/test_blueprints.py",
)

_HASHES = """\
            for val in dict_or_iterable.values():
                hash(val)
                keys_vals = list(dict_or_iterable.items())
"""
_PAIRS = """\
            for key, val in dict_or_iterable:
                hash(key)
                hash(val)
                keys_vals = list(dict_or_iterable)
"""
_BODY = f"""\
        if isinstance(dict_or_iterable, dict):
{_HASHES}        else:
{_PAIRS}"""
BOLTONS = Bug(
    "boltons/dictutils.py",
    {
        "empty first": (_BODY, f"        keys_vals = []\n{_BODY}"),
        "lists first": (
            _BODY,
            """\
        if isinstance(dict_or_iterable, dict):
            keys_vals = list(dict_or_iterable.items())
        else:
            keys_vals = list(dict_or_iterable)
        for key, val in keys_vals:
            hash(key)
            hash(val)
""",
        ),
        "dicts only": (_HASHES, f"            keys_vals = []\n{_HASHES}"),
        "forgets keywords": (
            _BODY,
            f"        if not dict_or_iterable:\n            return\n{_BODY}",
        ),
        "forgets the rest": (_BODY, f"{_BODY}        keys_vals = []\n"),
        "another error": (
            _BODY,
            f"        if not dict_or_iterable:\n            raise ValueError('empty')\n{_BODY}",
        ),
    },
    frozenset({"empty first", "lists first", "dicts only", "forgets keywords"}),
    (
        """\
from boltons.dictutils import OneToOne
for empty in ({}, []):
    try:
        one = OneToOne({1: 2})
        one.update(empty, a=3)
        print("Issue resolved" if dict(one) == {1: 2, "a": 3} else "Other issues")
    except UnboundLocalError:
        print("Issue reproduced")
    except Exception:
        print("Other issues")
""",
        """\
from boltons.dictutils import OneToOne
try:
    one = OneToOne()
    one.update({})
    print("Issue resolved" if not one else "Other issues")
except UnboundLocalError:
    print("Issue reproduced")
""",
    ),
    "tests/test_dictutils.py",
)

_NEXT = "            return tlist.token_next_by(i=sql.Comment, t=T.Comment)\n"
_HINTS = "(T.Comment.Single.Hint, T.Comment.Multiline.Hint)"
_SKIP = f"""\
            hints = {_HINTS}
            tidx, token = tlist.token_next_by(i=sql.Comment, t=T.Comment)
            while token and GUARD in hints:
                tidx, token = tlist.token_next_by(i=sql.Comment, t=T.Comment, idx=tidx)
            return tidx, token
"""
SQLPARSE = Bug(
    "sqlparse/filters/others.py",
    {
        "groups and tokens": (
            _NEXT,
            _SKIP.replace(
                "GUARD", "(token.tokens[0] if token.is_group and token.tokens else token).ttype"
            ),
        ),
        "flattened": (_NEXT, _SKIP.replace("GUARD", "next(token.flatten(), token).ttype")),
        "fails on empty groups": (
            _NEXT,
            _SKIP.replace("GUARD", "(token.tokens[0] if token.is_group else token).ttype"),
        ),
        "single tokens": (_NEXT, _SKIP.replace("GUARD", "token.ttype")),
        "by its text": (_NEXT, _SKIP.replace("GUARD in hints", "'+' in str(token)[:1]")),
        "no comment at all": (_NEXT, "            return None, None\n"),
        "groups only": (_NEXT, "            return tlist.token_next_by(i=sql.Comment)\n"),
    },
    frozenset({"groups and tokens", "flattened"}),
    (
        """\
import sqlparse
sql = "select --+full(u)\\n /* plain */ * from u"
out = sqlparse.format(sql, strip_comments=True)
if "--+full(u)" in out and "plain" not in out:
    print("Issue resolved")
elif "--+full(u)" not in out:
    print("Issue reproduced")
else:
    print("Other issues")
""",
        """\
import sqlparse
sql = "SELECT /*+cluster(T)*/ * FROM T_EEE T WHERE A > :1 -- plain"
out = sqlparse.format(sql, strip_comments=True)
if "/*+cluster(T)*/" in out and "plain" not in out:
    print("Issue resolved")
elif "cluster" not in out:
    print("Issue reproduced")
else:
    print("Other issues")
""",
    ),
    "tests/test_format.py",
)
BUGS = {
    "flask-blueprint-name": FLASK,
    "boltons-onetoone": BOLTONS,
    "sqlparse-hints": SQLPARSE,
}
