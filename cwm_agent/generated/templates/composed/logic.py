"""Families of scalars: two tests combined, and values chosen by tests."""

from __future__ import annotations

import itertools
import re

from cwm_agent.generated.templates.composed import numbers
from cwm_agent.generated.templates.composed.engine import Test, build, on, pick, singular, thin
from cwm_agent.generated.templates.template import Template

_SIMPLE = tuple(
    test
    for test in numbers.TESTS
    if not re.search(" and | or ", test.code) and test.key not in ("near", "remainder", "zero")
)

# key, phrase (! and ? for the two tests), expression, early returns (condition, value), last
_JOINS = (
    ("both", "A ! and B ?", "<S> and <T>", ("<NS>", "False"), "<T>"),
    ("either", "A ! or B ?", "<S> or <T>", ("<S>", "True"), "<T>"),
    ("first_only", "A ! and it is false that B ?", "<S> and not <P>", ("<NS>", "False"), "not <P>"),
    ("neither", "neither A ! nor B ?", "not (<S> or <T>)", ("<S>", "False"), "not <P>"),
    ("not_both", "it is false that A ! and B ?", "not (<S> and <T>)", ("<NS>", "True"), "not <P>"),
    ("one", "exactly one holds: A !, B ?", "<P> != <Q>", ("<S>", "not <P>"), "<T>"),
    ("same", "A ! exactly when B ?", "<P> == <Q>", ("<S>", "<T>"), "not <P>"),
)


def _bracketed(code: str) -> str:
    return f"({code})"


def _joined(
    first: Test, second: Test, how: tuple[str, str, str, tuple[str, str], str]
) -> Template | None:
    kind, says, whole, (condition, value), last = how
    name = f"logic/{kind}/{first.key}/{second.key}"
    one, other = singular(pick(name, first.says)), singular(pick(name + "b", second.says))
    code = {
        "<S>": on(first.code, "A"), "<NS>": on(first.inverse, "A"), "<T>": on(second.code, "B"),
        "<P>": _bracketed(on(second.code, "B")), "<Q>": _bracketed(on(first.code, "A")),
    }  # fmt: skip

    def fill(text: str) -> str:
        return re.sub(r"<[A-Z]+>", lambda match: code[match.group()], text)

    body = f"return {fill(whole)}"
    if pick(name + "style", (True, False)):
        body = f"if {fill(condition)}:\n    return {fill(value)}\nreturn {fill(last)}"
    sentence = f"Return whether {says.replace('!', one).replace('?', other)}."
    names = (f"{kind}_{first.key}", f"check_{kind}", f"is_{second.key}")
    return build(name, names, ("A", "B", *first.needs, *second.needs), sentence, body)


def logic_family() -> list[Template]:
    """Two tests on two numbers, combined."""
    parts = itertools.product(_SIMPLE, _SIMPLE, _JOINS)
    found = [_joined(*part) for part in parts if set(part[0].needs) != {"N"} or part[1] != part[0]]
    return thin((template for template in found if template), 80)


_VALUES = (
    ("sum", "A + B", "the sum of A and B"),
    ("rest", "A - B", "A minus B"),
    ("back", "B - A", "B minus A"),
    ("product", "A * B", "A times B"),
    ("first", "A", "A"),
    ("second", "B", "B"),
    ("larger", "max(A, B)", "the larger of A and B"),
    ("smaller", "min(A, B)", "the smaller of A and B"),
    ("distance", "abs(A - B)", "the distance of A and B"),
    ("double", "A * 2", "A doubled"),
    ("square", "A * A", "A squared"),
    ("half", "A // 2", "A halved rounding down"),
    ("plus", "A + K2", "A plus K2"),
    ("minus", "A - K2", "A minus K2"),
    ("times", "B * K2", "B times K2"),
    ("zero", "0", "0"),
    ("none", "None", "None"),
    ("negative", "-A", "A negated"),
    ("both", "A + 2 * B", "A plus twice B"),
)


def _chosen(test: Test, hit: tuple[str, str, str], miss: tuple[str, str, str]) -> Template | None:
    name = f"branch/{test.key}/{hit[0]}/{miss[0]}"
    tested = pick(name + "on", ("A", "B", "A + B", "A - B"))
    yes, no = on(test.code, tested), on(test.inverse, tested)
    subject = {"A + B": "their sum", "A - B": "A minus B"}.get(tested, tested)
    bodies = (
        f"if {yes}:\n    return {hit[1]}\nreturn {miss[1]}",
        f"if {no}:\n    return {miss[1]}\nreturn {hit[1]}",
        f"return {hit[1]} if {yes} else {miss[1]}",
        f"OUT = {miss[1]}\nif {yes}:\n    OUT = {hit[1]}\nreturn OUT",
        f"if {yes}:\n    OUT = {hit[1]}\nelse:\n    OUT = {miss[1]}\nreturn OUT",
    )
    if hit == miss or (subject == "their sum" and "A and B" not in hit[2]):
        return None
    says = singular(pick(name, test.says))
    sentence = pick(name + "say", (
        f"Return {hit[2]} if {subject} {says}, otherwise {miss[2]}.",
        f"Return {hit[2]} when {subject} {says}, else {miss[2]}.",
    ))  # fmt: skip
    names = (f"{hit[0]}_or_{miss[0]}", f"{hit[0]}_if_{test.key}", f"choose_{hit[0]}")
    needs = ("A", "B", *test.needs)
    used = tuple(need for need in needs if need not in "AB" or need in sentence.split("Return")[1])
    return build(name, names, used, sentence, pick(name + "body", bodies))


def branch_family() -> list[Template]:
    """One of two values, by a test."""
    tests = [test for test in _SIMPLE if test.key not in ("zero", "equal", "remainder")]
    found = [_chosen(*part) for part in itertools.product(tests, _VALUES, _VALUES)]
    return thin((template for template in found if template), 65)


_TIERS = (("0", "1", "2"), ("1", "2", "3"), ("3", "2", "1"), ("2", "4", "8"), ("0", "5", "10"))
_LABELS = (("'low'", "'mid'", "'high'"), ("'cold'", "'warm'", "'hot'"), ("'s'", "'m'", "'l'"))


def _tier(strict: bool, down: bool, values: tuple[str, str, str]) -> Template | None:
    sign = (">" if down else "<") + ("" if strict else "=")
    word = {"<": "below", "<=": "at most", ">": "above", ">=": "at least"}[sign]
    one, two = ("HIGH", "LOW") if down else ("LOW", "HIGH")
    key = "_".join(value.strip("'") for value in values)
    name = f"tier/{word.replace(' ', '_')}/{key}"
    chain = pick(name, ("if", "elif"))
    body = f"if X {sign} {one}:\n    return {values[0]}\n{chain} X {sign} {two}:\n"
    body += f"    return {values[1]}\nreturn {values[2]}"
    sentence = (
        f"Return {values[0]} if X is {word} {one}, else {values[1]} if X is {word} {two}, "
        f"otherwise {values[2]}."
    )
    return build(name, ("tier", "level_of", "grade"), ("X", "LOW", "HIGH"), sentence, body)


def tier_family() -> list[Template]:
    """One of three values by two limits."""
    parts = itertools.product((True, False), (True, False), _TIERS + _LABELS)
    return [made for strict, down, values in parts if (made := _tier(strict, down, values))]


def families() -> list[list[Template]]:
    """The templates of all families of this module."""
    return [logic_family(), branch_family(), tier_family()]
