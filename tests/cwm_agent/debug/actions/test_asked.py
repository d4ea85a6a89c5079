"""Actions asked of the bundled model, and the tables of what was right."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from cwm_agent.debug.evaluate.actions import (
    Asked,
    ask_all,
    by_horizon,
    by_part,
    lines,
    to_json,
    within,
)
from cwm_agent.debug.evaluate.figures import Item
from cwm_agent.debug.legal.program import Program
from cwm_agent.debug.predict.engine import EnginePredictor, load_predictor
from cwm_agent.debug.record.here import record_here
from cwm_agent.nano.programs import record_program
from cwm_agent.policies import bundled


@pytest.fixture(scope="module")
def predictor() -> Iterator[EnginePredictor]:
    predictor = load_predictor(frame_tokens=128)
    yield predictor
    predictor.close()


def items(count: int) -> list[Item]:
    drawn = [record_program(f"trace/1/{number}", held_out=True) for number in range(count)]
    return [
        Item(str(n), Program.read(one.source, comprehensions=False), one.frames, raised=one.raised)
        for n, one in enumerate(drawn)
    ]


def test_every_action_is_asked_and_legal_ones_stay_in_the_program(
    predictor: EnginePredictor,
) -> None:
    asked = ask_all(predictor, items(2), 5, record_here)
    assert {one.action for one in asked} >= {"step_into", "step_return", "continue"}
    assert {one.action for one in asked if not one.legal} >= {"inv_step_into", "inv_step_call"}
    assert all(0 <= one.horizon < 1 for one in asked)
    steps = [one for one in within(asked, legal=True) if one.action == "step_into"]
    assert all(one.right["event"] is not None for one in steps)
    calls = [one for one in asked if one.action == "inv_step_call"]
    assert all(one.true_call in (True, False) for one in calls)
    assert [one.true_call for one in asked if one.action == "step_over"] == [None] * 4


def test_a_model_that_knows_no_actions_is_asked_none() -> None:
    other = load_predictor(bundled.folder(), frame_tokens=16)
    try:
        assert ask_all(other, items(1), 5, record_here) == []
    finally:
        other.close()


def asked(action: str, horizon: float, *, state: bool, legal: bool = False) -> Asked:
    right = {"event": True, "source": True, "locals": state, "argument": None, "state": state}
    return Asked(action, legal, right, horizon, 10)  # type: ignore[arg-type]


def test_shares_are_by_part_and_by_what_an_action_leads_over() -> None:
    found = [
        asked("step_over", 0.0, state=True),
        asked("step_over", 0.3, state=False),
        asked("step_over", 0.3, state=True),
        asked("step_over", 0.0, state=True, legal=True),
    ]
    free = within(found, legal=False)
    row = by_part(free)["step_over"]
    assert (row["state"].count, row["state"].n) == (2, 3)
    assert (row["event"].count, row["source"].count) == (3, 3)
    assert "argument" not in row
    ranges = by_horizon(free)["step_over"]
    assert {end: (one.count, one.n) for end, one in ranges.items()} == {0.0: (1, 1), 0.5: (1, 2)}
    assert to_json(found)["legal"]["by_part"]["step_over"]["state"]["n"] == 1  # type: ignore[index]
    assert any(line.startswith("step_over to 50%") for line in lines(found))
