"""Putting an issue's form together from clauses, in any order.

A dozen fixed forms teach where the call stands; the model then reads whatever
stands there. From clauses that come in any order, with words among them that
mean nothing, it has to learn what a call looks like. No clause uses the words
by which the held-out forms are told (`HELD_OUT_WORDS`).
"""

from __future__ import annotations

import random

from cwm_agent.nano.noise import random_word

HELD_OUT_WORDS = (
    "numbers", "traced", "hands", "ought", "observed", "reproduce", "evaluate", "why", "answer",
    "description", "value of", "today", "customer", "promised", "regression", "normal", "notebook",
    "predicted", "sense of", "feeding", "leads", "rather",
)  # fmt: skip
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
