"""The posterior over a whole run: reliabilities without labels, doubt, and what would end it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from cwm_agent.scaling.budget import Rule, Standing, gain, undecided
from cwm_agent.scaling.posterior.evidence import TESTS
from cwm_agent.scaling.posterior.parameters import initial
from cwm_agent.scaling.posterior.posterior import believe, estimate, what_would_decide
from cwm_agent.scaling.selection.registry import recipe_named
from cwm_agent.scaling.simulator import World, simulate
from cwm_agent.scaling.study.study import study

from .marks import table


def test_a_test_that_tells_right_from_wrong_moves_the_belief_its_way() -> None:
    made = table("g e", {"a": "-+", "b": "++"})
    belief = believe(made, initial())
    a, b = (belief.chance[candidate.behaviour] for candidate in made.candidates)
    assert b > 2 * a
    assert belief.best == made.candidates[1].behaviour


def test_what_a_sample_wrote_says_nothing_of_those_that_do_the_same() -> None:
    """It was written until it passed there: five of one behaviour are no five witnesses."""
    rows = {"a": "+ + -", "b": "+ + -", "c": "+ - +"}
    made = table("e b0 g", rows, same={"b": "a"})
    without = table("e g", {name: marks.replace(" ", "")[::2] for name, marks in rows.items()},
                    same={"b": "a"})  # fmt: skip
    right, other = believe(made, initial()), believe(without, initial())
    wrong = made.candidates[0].behaviour
    assert right.chance[wrong] - other.chance[wrong] < 0.2
    assert right.best == made.candidates[2].behaviour


def test_what_the_issue_quotes_weighs_more_than_what_a_model_wrote() -> None:
    quoted = table("e g", {"a": "+ -", "b": "+ +"})
    columns = tuple(replace(c, origin=0) if c.kind == "generated" else c for c in quoted.columns)
    written = replace(quoted, columns=columns)
    a, b = (candidate.behaviour for candidate in quoted.candidates)
    by_quote, by_model = believe(quoted, initial()), believe(written, initial())
    assert by_quote.chance[b] > by_model.chance[b] > by_model.chance[a] > by_quote.chance[a]


def test_what_no_candidate_passes_lowers_every_chance_and_chooses_none() -> None:
    made = table("g", {"a": "+", "b": "-"})
    harder = table("g g", {"a": "+-", "b": "--"})
    easy, hard = believe(made, initial()), believe(harder, initial())
    assert list(easy.ranks.values()) == pytest.approx(list(hard.ranks.values()))
    best = easy.best
    assert best is not None
    assert max(hard.chance.values()) < easy.chance[best]


def test_reliabilities_are_found_without_labels() -> None:
    """Where generated tests are good they get more trust than where they are noise."""
    trust = {}
    for quality in (0.2, 0.9):
        world = World(quality=quality, correlation=0.0, harvested=0, judge=0.0)
        tables = [made for made, _ in simulate(world, issues=60, samples=6, seed=3)]
        trust[quality] = estimate(tables).valid[TESTS.index(("generated", "reproduction"))]
    assert trust[0.9] > trust[0.2] + 0.2


def test_of_what_passes_everything_but_differs_on_an_input_the_larger_is_likelier() -> None:
    """Over a whole run "both are right, and inputs tell nothing" must not explain it as well."""
    rows = {"a": "++ x", "b": "++ x", "c": "++ x", "d": "++ y", "e": "+- z"}
    fails = {"a": "+- x", "b": "+- x", "c": "+- y"}
    tables = [
        table("e g d", rows, same={"b": "a", "c": "a"})
        if number % 2
        else table("e g d", fails, same={"b": "a"})
        for number in range(40)
    ]
    larger, smaller = (tables[1].candidates[place].behaviour for place in (0, 3))
    chance = believe(tables[1], estimate(tables)).chance
    assert chance[larger] > chance[smaller] + 0.15


def test_it_says_what_would_decide() -> None:
    def asked(columns: str, rows: dict[str, str]) -> str:
        made = table(columns, rows)
        return what_would_decide(made, believe(made, initial()))

    assert "changes anything" in asked("g", {"0": "+"})
    assert "an input on which" in asked("g g", {"a": "+-", "b": "-+"})
    assert "reproduces" in asked("e", {"a": "-"})
    assert "another sample" in asked("e g", {"a": "--"})
    assert asked("e e g g g g v", dict.fromkeys("abcdef", "++++++9")) == ""


def test_more_clusters_than_can_be_enumerated_are_still_ranked() -> None:
    names = "abcdefhijklmnop"
    rows = {name: f"{n:015b}".replace("1", "+").replace("0", "-") for n, name in enumerate(names)}
    rows["z"] = "+" * 15
    made = table(" ".join(["g"] * 15), rows)
    assert recipe_named("posterior").make([made])(made).chosen == "z"


def test_an_adaptive_budget_spends_on_what_is_open_and_hopeful() -> None:
    rule = Rule(enough=0.9, least_gain=0.05, fewest=2, most=8)
    standings = [
        Standing("decided", 3, 0.95, 0.9),
        Standing("hopeless", 6, 0.1, 0.01),
        Standing("open", 3, 0.4, 0.5),
        Standing("better", 3, 0.2, 0.5),
        Standing("new", 1, 0.99, 0.9),
        Standing("full", 8, 0.2, 0.5),
    ]
    assert undecided(standings, rule) == ["new", "better", "open"]
    assert gain(standings[3]) == pytest.approx(0.4)


def test_the_simulator_gives_the_shape_of_the_published_result() -> None:
    """53.9 for one sample, 80.4 with an oracle over 40, the protocol clearly above a vote."""
    found = study(
        simulate(World(), issues=250, samples=16, seed=1),
        [recipe_named(name) for name in ("majority", "cwm")],
    )
    chosen = {name: scored.gap.selected for name, scored in found.recipes.items()}
    assert found.single == pytest.approx(0.539, abs=0.05)
    assert chosen["majority"] == pytest.approx(0.584, abs=0.04)
    assert chosen["cwm"] == pytest.approx(0.66, abs=0.05)


def test_recipes_are_ranked_rightly_where_the_answer_is_known() -> None:
    perfect = World(quality=1.0, correlation=0.0, false_pass=0.0, slip=0.0, judge=0.0)
    found = study(simulate(perfect, issues=60, samples=6, seed=2))
    for name in ("cwm", "agentless", "kozuchi", "posterior", "most-tests"):
        assert found.recipes[name].gap.closed == pytest.approx(1.0)
    assert (found.recipes["majority-ast"].gap.closed or 0) < 0.9
    deaf = World(existing=0, generated=0, harvested=0, inputs=0, judge=0.9)
    heard = study(simulate(deaf, issues=60, samples=6, seed=2))
    assert (heard.recipes["hybrid"].gap.closed or 0) > (heard.recipes["cwm"].gap.closed or 0)
