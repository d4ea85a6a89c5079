"""The words of an issue: many ways to say that a call gives a wrong result."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from cwm_agent.generated.bug import Bug


from cwm_agent.generated.noise import random_word

CALLS = (
    "{call}", "I ran {call}", "take {call}", "example: {call}", "see {call}", "try {call}",
    "my input: {call}", "somebody typed {call}", "the call {call}", "we use {call}", "just {call}",
    "code:\n{call}", "{call} is the case", "there is {call}", "if I do {call}",
    "{call} surprised me",
)  # fmt: skip
WRONG = (
    "I get {wrong}", "we saw {wrong}", "it says {wrong}", "gives {wrong}", "the output is {wrong}",
    "output: {wrong}", "result {wrong}", "{wrong} came out", "now: {wrong}", "it returns {wrong}",
    "{wrong} is what I get", "{wrong} makes no sense", "not {wrong}", "actual {wrong}",
    "{wrong} is false", "that is {wrong}", "{wrong}",
)  # fmt: skip
RIGHT = (
    "I want {right}", "it should be {right}", "{right} is expected", "{right} was expected",
    "should be {right}", "expected {right}", "wanted: {right}", "correct: {right}",
    "the right result is {right}", "{right} is needed", "we hoped for {right}",
    "the docs say {right}", "{right} is fine", "must be {right}", "good: {right}",
    "{right} and nothing else",
)  # fmt: skip
NAMES = (
    "{name} is wrong", "problem with {name}", "{name}", "please look at {name}", "{name} fails",
    "check {name}", "the function {name}", "a bug in {name}", "{name}: wrong result",
)  # fmt: skip
_JOINTS = (
    ". ", ". ", ". ", ".\n", "\n", "\n\n", ".\n\n", ", ", "; ", ": ", " - ", " and ", " but ",
    " when ",
)  # fmt: skip
TELLING = frozenset(
    word for clause in (*WRONG, *RIGHT) for word in clause.lower().replace(":", "").split()
) | {"returns", "instead", "promises", "broken", "not", "before", "got", "expected", "actual"}
"""Words that say which of two values is the wrong one; no noise takes their place."""
_NAMED = 0.4
_CAPITAL = 0.8
_REPLACED = (0.0, 0.1, 0.3, 0.7)
_INSERTED = (0.0, 0.0, 0.1, 0.3)


def compose(rng: random.Random) -> str:
    """A form with `{call}`, `{wrong}`, `{right}`, perhaps `{name}`, and where the module is."""
    clauses = [rng.choice(CALLS), rng.choice(WRONG), rng.choice(RIGHT)]
    if rng.random() < _NAMED:
        clauses.append(rng.choice(NAMES))
    rng.shuffle(clauses)
    place = rng.randrange(-1, len(clauses))
    form = "{where_first}" if place < 0 else ""
    for number, clause in enumerate(clauses):
        joint = "." if number == len(clauses) - 1 else rng.choice(_JOINTS)
        if rng.random() < _CAPITAL:
            clause = clause[0].upper() + clause[1:]
        form += clause + (".{where}" if number == place else "")
        form += joint if number != place or joint != "." else ""
    return form


def with_noise(form: str, rng: random.Random) -> str:
    """The form with words replaced and put in; what stands in braces stays."""
    replaced, inserted = rng.choice(_REPLACED), rng.choice(_INSERTED)
    words = []
    for word in form.split(" "):
        plain = word.isalpha() and word.lower() not in TELLING
        words.append(random_word(rng) if plain and rng.random() < replaced else word)
        if rng.random() < inserted:
            words.append(random_word(rng))
    return " ".join(words)


Mention = Literal["path", "dotted", "none", "stale"]
"""How an issue names the module: by path, as an import, not at all, by a path that is not there."""

TRAINED = (
    "{call} gives {wrong}, but {right} is right.{where}",
    "Wrong result of {name}\n\n{call}\n\nexpected: {right}\nactual: {wrong}{where}",
    "I expected {right} from {call} and got {wrong}.{where}",
    "{name} is broken.{where} For example, {call} should be {right}, not {wrong}.",
    "Bug in {name}: {call} returns {wrong} instead of {right}.{where}",
    "{call}\nreturns: {wrong}\nshould return: {right}{where}",
    "The docstring of {name} promises {right} for {call}. What comes out is {wrong}.{where}",
    "{where_first}Calling {call} we see {wrong}. We need {right}.",
    "Since the last release {call} is {wrong}. It was {right} before.{where}",
    ">>> {call}\n{wrong}\n\nThis has to be {right}.{where}",
    "Please fix {name}: with {call} one gets {wrong} where {right} is correct.{where}",
    "{name} does not do what it says.{where}\n\n"
    "* call: {call}\n* result: {wrong}\n* wanted: {right}",
)
HELD_OUT = (
    "Our numbers are off. We traced it to {call}, which hands back {wrong}. "
    "It ought to be {right}.{where}",
    "Expected {right}, observed {wrong}.\n\nTo reproduce, evaluate {call}.{where}",
    "Why does {call} answer {wrong}?{where} By its description the answer is {right}.",
    "{where_first}{right} would be the correct value of {call}; today it is {wrong}.",
    "A customer complained about {name}.{where} {call} shows {wrong} on her screen, "
    "though {right} had been promised.",
    "Regression?{where} {wrong} instead of the normal {right} whenever {call} runs.",
    "{where_first}My notebook cell {call} prints {wrong}; I had predicted {right}.",
    "I cannot make sense of {name}. Feeding it as in {call} leads to {wrong} rather than "
    "{right}.{where}",
)
"""Never trained on."""

_WHERE = {
    "path": (" See {path}.", " It is in {path}.", "\n\nFile: {path}", " The code is in {path}."),
    "dotted": (" It is in the module {dotted}.", " (from {dotted})", " I import it from {dotted}."),
    "none": ("",),
}
_WHERE_FIRST = {
    "path": ("In {path}: ", "About {path}. "),
    "dotted": ("After `import {dotted}`: ", "Module {dotted}. "),
    "none": ("",),
}
COMPOSED = 0.6
"""Share of the trained issues whose form is put together from clauses."""
_PLACES: tuple[Mention, ...] = ("path",) * 11 + ("dotted",) * 4 + ("none",) * 4 + ("stale",)


@dataclass(frozen=True, slots=True)
class Issue:
    """The text, and how it names the module. `path` is what the text says, "" for nothing."""

    text: str
    place: Mention
    path: str


def write(bugs: Sequence[Bug], rng: random.Random, *, held_out: bool, noisy: bool = False) -> Issue:
    """An issue about the bugs, all of one module, in a random phrasing.

    With `noisy`, words of the form are replaced and added at random.
    """
    place = rng.choice(_PLACES)
    path = bugs[0].module
    if place == "stale":
        path = _moved(path, rng)
    texts = []
    for number, bug in enumerate(bugs):
        shown = place if number == 0 else "none"
        form = rng.choice(HELD_OUT) if held_out else _trained_form(rng)
        if noisy:
            form = with_noise(form, rng)
        texts.append(_one(form, bug, shown, path, rng))
    return Issue("\n\n".join(texts), place, "" if place == "none" else path)


def _trained_form(rng: random.Random) -> str:
    return compose(rng) if rng.random() < COMPOSED else rng.choice(TRAINED)


def _one(form: str, bug: Bug, place: Mention, path: str, rng: random.Random) -> str:
    kind = "path" if place == "stale" else place
    names = {"path": path, "dotted": path.removesuffix(".py").replace("/", ".")}
    quote = rng.choice(("`", "", "`"))
    name = bug.function.name
    wrong = bug.shown.wrong
    return form.format(
        name=f"{quote}{name}{quote}",
        call=f"{quote}{name}({bug.shown.arguments}){quote}",
        right=bug.shown.right.text,
        wrong=f"an error ({wrong.text})" if wrong.raised else wrong.text,
        where=rng.choice(_WHERE[kind]).format(**names),
        where_first=rng.choice(_WHERE_FIRST[kind]).format(**names),
    ).strip()


def _moved(path: str, rng: random.Random) -> str:
    """A path where the module is not: as if it had been moved since."""
    folder, _, name = path.rpartition("/")
    return rng.choice((f"src/{path}", f"{folder}/old_{name}", f"lib_{folder}/{name}"))
