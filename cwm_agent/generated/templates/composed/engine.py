"""How a template is put together from a source, a test, a change and a result.

In the code of parts `@` stands for the item, in the phrases `#` for what is
named so far; in `Result.whole` `~` stands for `for X in ITEMS if TEST`.
"""

from __future__ import annotations

import hashlib
import heapq
import itertools
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from cwm_agent.generated.templates.composed.inputs import Maker, arguments
from cwm_agent.generated.templates.pools import POOLS
from cwm_agent.generated.templates.template import Template

T = TypeVar("T")

_NAME = re.compile(r"\b([A-Z]+)(\d?)\b")
_LONGEST = {name: max(map(len, words)) for name, words in POOLS.items()}
_ATOM = re.compile(r"[A-Za-z0-9]+(\[[^\[\]]*\]|\([^()]*\))*(\.[a-z]+\([^()]*\))?")


@dataclass(frozen=True, slots=True)
class Test:
    """A condition on an item; `says` are predicates in the plural ("are even")."""

    key: str
    code: str
    inverse: str
    says: tuple[str, ...]
    needs: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Change:
    """What is made of an item; `#` in `says` is the plural of the items."""

    key: str
    code: str
    says: tuple[str, ...]
    needs: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Source:
    """Where items come from; `tested` is what tests look at if not the item, called `whose`."""

    key: str
    loop: tuple[str, ...]
    item: str
    plural: tuple[str, ...]
    needs: tuple[str, ...]
    noun: str
    tested: str = ""
    whose: str = ""


@dataclass(frozen=True, slots=True)
class Result:
    """What is returned of the items: as loop (start, step, end) and as one expression."""

    key: str
    verbs: tuple[str, ...]
    says: tuple[str, ...]
    whole: tuple[str, ...] = ()
    loop: tuple[str, str, str] | None = None
    named: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()
    plain: bool = False


SAME = Change("same", "@", ("#",))


def digest(seed: str) -> int:
    """A stable number for a text."""
    return int.from_bytes(hashlib.blake2b(seed.encode(), digest_size=6).digest(), "big")


def pick(seed: str, options: Sequence[T]) -> T:
    """One of the options, always the same one for a seed."""
    return options[digest(seed) % len(options)]


def rank(name: str) -> int:
    """Of all templates of a family, those of the lowest ranks are kept."""
    return digest("keep" + name)


def thin(templates: Iterable[Template], budget: int) -> list[Template]:
    """At most `budget` of the templates, stably chosen, in their order."""
    listed = list({template.name: template for template in templates}.values())
    kept = {t.name for t in sorted(listed, key=lambda t: rank(t.name))[:budget]}
    return [template for template in listed if template.name in kept]


def singular(predicate: str) -> str:
    """The predicate for one item: "are even" becomes "is even"."""
    verb, _, rest = predicate.partition(" ")
    rest = rest.replace("no multiples", "not a multiple").replace("multiples", "a multiple")
    irregular = {"are": "is", "have": "has", "do": "does", "lie": "lies"}
    return f"{irregular.get(verb, verb + 's')} {rest}"


def on(code: str, item: str) -> str:
    """The code with its item filled in, in parentheses where needed."""
    bare = code == "@" or re.fullmatch(r"@ (<|>|==|!=|<=|>=) \w+|\w+\(@\)", code)
    if bare or _ATOM.fullmatch(item):
        return code.replace("@", item)
    return code.replace("@", f"({item})")


def _widest(line: str) -> int:
    """The length of a line when every placeholder has its longest word."""

    names = _NAME.findall(line)
    grown = (_LONGEST.get(letters, len(letters)) - len(letters + digit) for letters, digit in names)
    return len(line) + sum(grown)


def build(
    name: str,
    functions: Iterable[str],
    parameters: Iterable[str],
    docstring: str,
    body: str,
    **special: Maker,
) -> Template | None:
    """The template, or None if its docstring or body breaks the limits."""
    names = tuple(dict.fromkeys(parameters))
    lines = body.strip("\n").split("\n")
    if not 5 <= len(docstring.split()) <= 22 or not 1 <= len(lines) <= 9:
        return None
    if max(map(_widest, lines)) > 79:
        return None
    made = arguments(names, **special)
    called = tuple(dict.fromkeys(word.replace("_fixed", "") for word in functions))
    short = tuple(word for word in called if word.count("_") < 3)
    called = short if len(short) > 1 else called
    return Template(name, called, ", ".join(names), docstring, body, made)


def filled(code: str, element: str) -> str:
    """The code of a result with its element, in parentheses before `[` and after `*`."""
    return on(code, element) if re.search(r"\* @|@\[", code) else code.replace("@", element)


def _clash(*groups: tuple[str, ...]) -> bool:
    flat = [name for group in groups for name in group]
    return len(set(flat)) < len(flat)


def described(seed: str, source: Source, test: Test | None, change: Change) -> str:
    """The elements in words: "the squares of the values in ITEMS that are even"."""
    phrase = f"the {pick(seed + 'noun', source.plural)}"
    if test:
        says = pick(seed + "test", test.says)
        phrase += f" {source.whose} {singular(says)}" if source.whose else f" that {says}"
    return pick(seed + "change", change.says).replace("#", phrase)


def _looped(
    source: Source, test: Test | None, element: str, parts: tuple[str, str, str], skip: bool
) -> str:
    start, step, end = parts
    lines = start.split("\n") if start else []
    depth = 0
    for header in source.loop:
        lines.append("    " * depth + header + ":")
        depth += 1
    tested = source.tested or source.item
    if test and skip:
        lines.append("    " * depth + f"if {on(test.inverse, tested)}:")
        lines.append("    " * (depth + 1) + "continue")
    elif test:
        lines.append("    " * depth + f"if {on(test.code, tested)}:")
        depth += 1
    lines += ["    " * depth + line for line in filled(step, element).split("\n")]
    return "\n".join([*lines, *end.split("\n")])


def _styles(result: Result, test: Test | None) -> list[str]:
    styles = ["expr"] * bool(result.whole) + ["named"] * bool(result.named)
    if result.loop:
        styles += ["loop", "skip"] if test else ["loop"]
    return styles


def element_body(
    seed: str, source: Source, test: Test | None, element: str, result: Result, style: str
) -> str:
    """The body of a function in one of the styles loop, skip, expr and named."""
    if style in ("loop", "skip") and result.loop:
        return _looped(source, test, element, result.loop, style == "skip")
    tail = " " + " ".join(source.loop)
    if test:
        tail += f" if {on(test.code, source.tested or source.item)}"
    if style == "named":
        whole = pick(seed, result.named)
        return f"OUT = [{element}{tail}]\nreturn {whole}"
    whole = pick(seed, result.whole)
    return "return " + filled(whole, element).replace("~", tail)


@dataclass(frozen=True, slots=True)
class _Mix:
    """A source, a test, a change and a result, of which one template can be made."""

    family: str
    source: Source
    test: Test | None
    change: Change
    result: Result

    @property
    def needs(self) -> tuple[tuple[str, ...], ...]:
        """The parameters that each part adds."""
        test = self.test.needs if self.test else ()
        return self.source.needs, test, self.change.needs, self.result.needs

    def name(self, style: str) -> str:
        test = self.test.key if self.test else "all"
        words = [self.family, self.source.key, self.result.key, test, self.change.key, style]
        return "/".join(word for word in words if word and word != "same")

    def template(self) -> Template | None:
        """In the first of its styles that breaks no limit."""
        test = self.test.key if self.test else ""
        seed = f"{self.family}:{self.source.key}:{self.result.key}:{test}"
        ranks = {style: digest(seed + style) for style in _styles(self.result, self.test)}
        tried = (self._styled(style) for style in sorted(ranks, key=ranks.__getitem__))
        return next((template for template in tried if template), None)

    def _styled(self, style: str) -> Template | None:
        source, test, change, result = self.source, self.test, self.change, self.result
        name = seed = self.name(style)
        body = element_body(seed, source, test, on(change.code, source.item), result, style)
        elements = described(seed, source, test, change)
        said = pick(seed + "result", result.says).replace("#", elements)
        verb = pick(seed + "verb", result.verbs)
        tail = test.key if test else change.key
        functions = (f"{verb}_{source.noun}", f"{verb}_{tail}", f"{result.verbs[0]}_{source.noun}")
        return build(name, functions, itertools.chain(*self.needs), f"Return {said}.", body)


def _mixed(
    family: str, source: Source, test: Test | None, changes: Sequence[Change], result: Result
) -> _Mix:
    """With one of the changes, always the same one."""
    seed = f"{family}:{source.key}:{result.key}:{test.key if test else ''}"
    options = [SAME] if result.plain else [*[SAME] * (len(changes) // 2 + 1), *changes]
    change = pick(seed + "how", options)
    if test is None and change is SAME and not result.plain and changes:
        change = pick(seed + "must", changes)
    return _Mix(family, source, test, change, result)


def compose(
    family: str,
    sources: Sequence[Source],
    tests: Sequence[Test | None],
    changes: Sequence[Change],
    results: Sequence[Result],
    budget: int,
) -> list[Template]:
    """A stable choice of templates of all sources, results and tests, at most `budget`.

    The same as `thin` of all of them. A template takes long to make, and most would be
    left out: so they are made in the order of the least rank that one may get by its name.
    """
    waiting: list[tuple[int, int, _Mix, Template | None]] = []
    for source, result, test in itertools.product(sources, results, tests):
        mix = _mixed(family, source, test, changes, result)
        styles = _styles(result, test)
        if styles and not _clash(*mix.needs):
            waiting.append((min(rank(mix.name(s)) for s in styles), len(waiting), mix, None))
    heapq.heapify(waiting)
    kept: dict[str, tuple[int, Template]] = {}
    while waiting and len(kept) < budget:
        _, place, mix, made = heapq.heappop(waiting)
        if made:
            kept.setdefault(made.name, (place, made))
        elif template := mix.template():
            heapq.heappush(waiting, (rank(template.name), place, mix, template))
    return [template for _, template in sorted(kept.values(), key=lambda pair: pair[0])]
