"""Forms of issues, put together from clauses."""

from __future__ import annotations

import random
import string

from hypothesis import given
from hypothesis import strategies as st

from cwm_agent.generated import issue_text
from cwm_agent.generated import issue_text as wordings

HELD_OUT_WORDS = (
    "numbers", "traced", "hands", "ought", "observed", "reproduce", "evaluate", "why", "answer",
    "description", "value of", "today", "customer", "promised", "regression", "normal", "notebook",
    "predicted", "sense of", "feeding", "leads", "rather",
)  # fmt: skip
FACTS = {
    "call": "f(1)",
    "wrong": "2",
    "right": "3",
    "name": "f",
    "where": " W",
    "where_first": "W ",
}


def names_in(form: str) -> list[str]:
    return [name for _, name, _, _ in string.Formatter().parse(form) if name]


@given(seed=st.integers())
def test_a_form_tells_each_fact_once_and_the_module_at_most_once(seed: int) -> None:
    names = names_in(wordings.compose(random.Random(seed)))
    for fact in ("call", "wrong", "right"):
        assert names.count(fact) == 1
    assert names.count("where") + names.count("where_first") == 1
    assert names.count("name") <= 1


@given(seed=st.integers())
def test_noise_leaves_the_facts_alone(seed: int) -> None:
    rng = random.Random(seed)
    form = wordings.compose(rng)
    noisy = wordings.with_noise(form, rng)
    assert names_in(noisy) == names_in(form)
    assert "f(1)" in noisy.format(**FACTS)


@given(seed=st.integers())
def test_noise_leaves_what_tells_right_from_wrong(seed: int) -> None:
    rng = random.Random(seed)
    form = "{call} gives {wrong} but {right} is needed"
    words = iter(wordings.with_noise(form, rng).split())
    assert all(word in words for word in ("gives", "{wrong}", "{right}", "is", "needed"))


def test_no_clause_has_the_words_of_the_held_out_forms() -> None:
    clauses = (*wordings.CALLS, *wordings.WRONG, *wordings.RIGHT, *wordings.NAMES)
    for words in HELD_OUT_WORDS:
        assert any(words in form.lower() for form in issue_text.HELD_OUT)
        assert not any(words in clause.lower() for clause in clauses)


def test_the_facts_come_in_every_order() -> None:
    rng = random.Random(0)
    orders = set()
    for _ in range(500):
        names = names_in(wordings.compose(rng))
        orders.add(tuple(name for name in names if name in ("call", "wrong", "right")))
    assert len(orders) == 6
