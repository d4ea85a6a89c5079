"""Families with a fixed shape around a test: quantifiers, replacing, splitting, runs."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

from cwm_agent.generated.templates.composed import numbers, sources, texts
from cwm_agent.generated.templates.composed.engine import (
    Source,
    Test,
    build,
    on,
    pick,
    singular,
    thin,
)
from cwm_agent.generated.templates.template import Template

Shape = tuple[str, tuple[str, ...], str, str, tuple[str, ...]]

_HOW = (
    ("any", "any of the # ?", "<T>", "True", "False", "any(<T>~)"),
    ("all", "all of the # !", "<N>", "False", "True", "all(<T>~)"),
    ("none", "none of the # ?", "<T>", "False", "True", "not any(<T>~)"),
)
_ASKED = {
    "any": ("any", "has", "contains"),
    "all": ("all", "only", "check"),
    "none": ("no", "lacks"),
}


def _quantified(source: Source, test: Test, how: tuple[str, ...]) -> Template | None:
    kind, says, condition, hit, miss, whole = how
    name = "/".join(word for word in ("ask", source.key, source.noun, kind, test.key) if word)
    if set(source.needs) & set(test.needs):
        return None
    said = pick(name + "say", test.says)
    asked = says.replace("#", pick(name, source.plural)).replace("?", singular(said))
    yes, no = on(test.code, source.item), on(test.inverse, source.item)
    if pick(name + "style", ("loop", "expr")) == "expr":
        whole = whole.replace("<T>", yes).replace("~", " " + " ".join(source.loop))
        body = f"return {whole}"
    else:
        deep = ["    " * depth + line + ":" for depth, line in enumerate(source.loop)]
        indent, asks = "    " * len(deep), condition.replace("<T>", yes).replace("<N>", no)
        deep += [f"{indent}if {asks}:", f"{indent}    return {hit}", f"return {miss}"]
        body = "\n".join(deep)
    verbs = _ASKED[kind]
    names = (f"{verbs[0]}_{test.key}", f"{verbs[1]}_{source.noun}", f"{verbs[0]}_{source.noun}")
    sentence = f"Return whether {asked.replace('!', said)}."
    return build(name, names, (*source.needs, *test.needs), sentence, body)


def ask_family() -> list[Template]:
    """Whether any, all or none of some items pass a test."""
    plain = (sources.ITEMS, *sources.PARTS[:4], *sources.TWO[:3], *sources.NEIGHBOURS[:4])
    counted = (*plain, *(s for s in (*sources.GRIDS, *sources.TABLES[:1]) if not s.whose))
    groups: list[tuple[Sequence[Source], Sequence[Test], int]] = [
        (counted, numbers.LIMITS, 60),
        ((*texts.WORDS[:2],), texts.WORD_TESTS, 22),
        (texts.CHARS[:1], texts.CHAR_TESTS, 15),
    ]
    made: list[Template] = []
    for places, tests, budget in groups:
        parts = itertools.product(places, tests, _HOW)
        found = [_quantified(source, test, how) for source, test, how in parts]
        made += thin((template for template in found if template), budget)
    return made


# In the shapes <T> stands for the test, <N> for its inverse, `!` for what it says of
# many and `?` for what it says of one item.
_SHAPES: tuple[Shape, ...] = (
    ("remove", ("remove", "drop"), "ITEMS without the values that !",
     "return [X for X in ITEMS if <N>]", ()),
    ("split", ("split", "divide"), "a tuple of two lists: values in ITEMS that !, and the others",
     "OUT = [X for X in ITEMS if <T>]\nOUT2 = [X for X in ITEMS if <N>]\nreturn OUT, OUT2", ()),
    ("front", ("move_front", "lead_with"),
     "the values in ITEMS that ! followed by the others, each in order",
     "OUT = [X for X in ITEMS if <T>]\nreturn OUT + [X for X in ITEMS if <N>]", ()),
    ("back", ("move_back", "end_with"), "ITEMS with the values that ! moved to the end, in order",
     "OUT = [X for X in ITEMS if <N>]\nfor X in ITEMS:\n    if <T>:\n        OUT.append(X)\n"
     "return OUT", ()),
    ("index", ("index_of", "find"),
     "the position of the first value in ITEMS that ?, or -1 if none",
     "for I, X in enumerate(ITEMS):\n    if <T>:\n        return I\nreturn -1", ()),
    ("last_index", ("last_index", "find_last"),
     "the position of the last value in ITEMS that ?, or -1 if none",
     "OUT = -1\nfor I, X in enumerate(ITEMS):\n    if <T>:\n        OUT = I\nreturn OUT", ()),
    ("from_one", ("place_of", "find"),
     "the position, from 1, of the first value in ITEMS that ?, or 0 if none",
     "for I, X in enumerate(ITEMS, 1):\n    if <T>:\n        return I\nreturn 0", ()),
    ("take", ("take_while", "leading"), "the leading values in ITEMS that !, up to the first other",
     "OUT = []\nfor X in ITEMS:\n    if <N>:\n        break\n    OUT.append(X)\nreturn OUT", ()),
    ("drop", ("drop_while", "after"), "ITEMS without the leading values that !",
     "for I, X in enumerate(ITEMS):\n    if <N>:\n        return ITEMS[I:]\nreturn []", ()),
    ("before", ("before", "until"), "the values in ITEMS before the first that ?, or all if none",
     "for I, X in enumerate(ITEMS):\n    if <T>:\n        return ITEMS[:I]\nreturn ITEMS", ()),
    ("through", ("through", "until"), "the values in ITEMS up to and including the first that ?",
     "OUT = []\nfor X in ITEMS:\n    OUT.append(X)\n    if <T>:\n        break\nreturn OUT", ()),
    ("run", ("longest_run", "streak"), "the length of the longest run of values in ITEMS that !",
     "BEST = RUN = 0\nfor X in ITEMS:\n    RUN = RUN + 1 if <T> else 0\n    BEST = max(BEST, "
     "RUN)\nreturn BEST", ()),
    ("last_run", ("last_run", "trailing"), "how many values at the end of ITEMS in a row !",
     "COUNT = 0\nfor X in ITEMS[::-1]:\n    if <N>:\n        break\n    COUNT += 1\nreturn COUNT",
     ()),
    ("balance", ("balance", "lead"), "how many values in ITEMS ! minus how many do not",
     "COUNT = 0\nfor X in ITEMS:\n    if <T>:\n        COUNT += 1\n    else:\n        COUNT -= "
     "1\nreturn COUNT", ()),
    ("half", ("mostly", "most"), "whether more than half of the values in ITEMS !",
     "COUNT = sum(1 for X in ITEMS if <T>)\nreturn COUNT * 2 > len(ITEMS)", ()),
    ("enough", ("enough", "has"), "whether at least N2 of the values in ITEMS !",
     "COUNT = sum(1 for X in ITEMS if <T>)\nreturn COUNT >= N2", ("N2",)),
    ("few", ("few", "rarely"), "whether fewer than N2 of the values in ITEMS !",
     "COUNT = len([X for X in ITEMS if <T>])\nreturn COUNT < N2", ("N2",)),
    ("exactly", ("exactly", "has"), "whether exactly N2 of the values in ITEMS !",
     "COUNT = 0\nfor X in ITEMS:\n    if <T>:\n        COUNT += 1\nreturn COUNT == N2", ("N2",)),
    ("percent", ("percent", "share"),
     "the percentage, rounded down, of values in ITEMS that !, or 0 if empty",
     "if not ITEMS:\n    return 0\nCOUNT = sum(1 for X in ITEMS if <T>)\nreturn COUNT * 100 // "
     "len(ITEMS)", ()),
    ("nth", ("nth", "pick"), "the N2-th value (from 1) in ITEMS that ?, or None if missing",
     "OUT = [X for X in ITEMS if <T>]\nreturn OUT[N2 - 1] if len(OUT) >= N2 else None", ("N2",)),
    ("flags", ("flags", "marks"), "a list of 1 for values in ITEMS that ! and 0 for others",
     "return [1 if <T> else 0 for X in ITEMS]", ()),
)  # fmt: skip

_NUMERIC: tuple[Shape, ...] = (
    ("excess", ("balance", "net"), "the sum of the values in ITEMS that ! minus the sum of others",
     "TOTAL = 0\nfor X in ITEMS:\n    if <T>:\n        TOTAL += X\n    else:\n        TOTAL -= "
     "X\nreturn TOTAL", ()),
    ("sum_before", ("sum_before", "sum_until"),
     "the sum of the values in ITEMS before the first that ?",
     "TOTAL = 0\nfor X in ITEMS:\n    if <T>:\n        break\n    TOTAL += X\nreturn TOTAL", ()),
    ("sum_through", ("sum_through", "sum_until"),
     "the sum of the values in ITEMS up to and including the first that ?",
     "TOTAL = 0\nfor X in ITEMS:\n    TOTAL += X\n    if <T>:\n        break\nreturn TOTAL", ()),
    ("double_sum", ("score", "weigh"), "the sum of ITEMS, where values that ! count twice",
     "TOTAL = 0\nfor X in ITEMS:\n    TOTAL += X * 2 if <T> else X\nreturn TOTAL", ()),
    ("best_run", ("best_run", "run_sum"),
     "the largest sum of a run of values in ITEMS that !, at least 0",
     "BEST = RUN = 0\nfor X in ITEMS:\n    RUN = RUN + X if <T> else 0\n    BEST = max(BEST, "
     "RUN)\nreturn BEST", ()),
)  # fmt: skip

_EDITS = (
    ("zero", "0", "replaced by 0"),
    ("none", "None", "replaced by None"),
    ("double", "X * 2", "doubled"),
    ("square", "X * X", "squared"),
    ("negate", "-X", "negated"),
    ("absolute", "abs(X)", "made absolute"),
    ("raise", "X + K2", "increased by K2"),
    ("reduce", "X - K2", "reduced by K2"),
    ("half", "X // 2", "halved rounding down"),
    ("next", "X + 1", "increased by 1"),
    ("limit", "VAL", "replaced by VAL"),
    ("add", "X + STEP", "increased by STEP"),
    ("modulo", "X % STEP", "reduced modulo STEP"),
)
_WORD_EDITS = (
    ("upper", "X.upper()", "upper-cased"),
    ("lower", "X.lower()", "lower-cased"),
    ("reverse", "X[::-1]", "reversed"),
    ("empty", "''", "replaced by ''"),
    ("twice", "X * 2", "written twice"),
    ("cut", "X[:FEW2]", "cut to their first FEW2 characters"),
    ("swap", "SEP", "replaced by SEP"),
)


def _edit(edit: tuple[str, str, str], pose: str) -> Shape:
    key, code, says = edit
    needs = tuple(word for word in ("VAL", "STEP", "SEP") if word in code)
    body = f"return [{code} if <T> else X for X in ITEMS]"
    if pose == "loop":
        body = (
            f"OUT = []\nfor X in ITEMS:\n    if <T>:\n        OUT.append({code})\n"
            "    else:\n        OUT.append(X)\nreturn OUT"
        )
    elif pose == "index":
        body = (
            "OUT = list(ITEMS)\nfor I, X in enumerate(ITEMS):\n    if <T>:\n"
            f"        OUT[I] = {code}\nreturn OUT"
        )
    says = f"a copy of ITEMS with the values that ! {says}"
    return (f"{key}_{pose}", ("replace", "edit"), says, body, needs)


def _shaped(family: str, shape: Shape, test: Test, words: bool) -> Template | None:
    key, verbs, says, body, needs = shape
    name = f"{family}/{key}/{test.key}"
    if set(needs) & set(test.needs):
        return None
    said = pick(name, test.says)
    sentence = f"Return {says.replace('!', said).replace('?', singular(said))}."
    body = body.replace("<T>", on(test.code, "X")).replace("<N>", on(test.inverse, "X"))
    noun = "words" if words else "values"
    if words:
        sentence = sentence.replace("values", "words").replace("value", "word")
        body, sentence = body.replace("ITEMS", "WORDS"), sentence.replace("ITEMS", "WORDS")
    names = (f"{verbs[0]}_{test.key}", f"{verbs[1]}_{noun}", f"{verbs[0]}_{noun}")
    parameters = ("WORDS" if words else "ITEMS", *test.needs, *needs)
    return build(name, names, parameters, sentence, body)


def shape_family() -> list[Template]:
    """Splitting, positions, runs and replacing by a test."""
    poses = ("comp", "loop", "index")
    edits = [_edit(edit, pose) for edit in _EDITS for pose in poses]
    word_edits = [_edit(edit, pose) for edit in _WORD_EDITS for pose in poses]
    groups: list[tuple[str, Sequence[Shape], Sequence[Test], bool, int]] = [
        ("shape", (*_SHAPES, *_NUMERIC), numbers.LIMITS, False, 95),
        ("edit", edits, numbers.LIMITS, False, 45),
        ("wordshape", _SHAPES, texts.WORD_TESTS, True, 45),
        ("wordedit", word_edits, texts.WORD_TESTS, True, 25),
    ]
    made: list[Template] = []
    for family, shapes, tests, words, budget in groups:
        pairs = itertools.product(shapes, tests)
        found = [_shaped(family, shape, test, words) for shape, test in pairs]
        made += thin((template for template in found if template), budget)
    return made


def families() -> list[list[Template]]:
    """The templates of all families of this module."""
    return [ask_family(), shape_family()]
