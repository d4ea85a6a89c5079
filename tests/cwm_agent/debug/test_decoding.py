"""The bundled model, kept inside the program: legal steps, fewer tokens, free ways back."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from cwm_agent.bench.trace import TraceFigures
from cwm_agent.debug.core.debugger import Debugger
from cwm_agent.debug.evaluate.evidence import predict_calls
from cwm_agent.debug.evaluate.figures import Item, measure
from cwm_agent.debug.legal.program import Program
from cwm_agent.debug.predict.engine import EnginePredictor, load_predictor
from cwm_agent.nano.programs import record_program


@pytest.fixture(scope="module")
def nano() -> Iterator[EnginePredictor]:
    predictor = load_predictor(frame_tokens=128)
    yield predictor
    predictor.close()


def items(count: int) -> list[Item]:
    drawn = [record_program(f"trace/1/{number}") for number in range(count)]
    return [
        Item(str(n), Program.read(one.source, comprehensions=False), one.frames)
        for n, one in enumerate(drawn)
    ]


def test_illegal_steps_are_impossible_and_certain_text_is_not_sampled(
    nano: EnginePredictor,
) -> None:
    found = measure(nano, items(1), lambda _: None, ways=("free", "moves", "branches"))
    assert sum(one.illegal for one in found.legal.alone) == 0
    free = sum(one.sampled for one in found.free.judged)
    assert sum(one.sampled for one in found.legal.judged) < 0.5 * free
    assert found.legal_steps == found.real_steps
    told = TraceFigures(found, 0, ()).to_json()
    levels = told["levels"]
    assert told["programs_whole_legal"] == levels["moves"]["programs_whole"]
    assert told["programs_whole_branches"] == levels["branches"]["programs_whole"]
    assert levels["branches"]["decided_tokens"] > 0, "what is computed is the model's"
    assert [levels[way]["illegal_steps"] for way in ("moves", "branches")] == [0, 0]


def test_going_back_and_branching_computes_no_prompt_token_again(nano: EnginePredictor) -> None:
    program = items(1)[0].program
    with Debugger(nano, program) as debugger:
        debugger.start()
        for _ in range(4):
            debugger.step()
        before = debugger.cost
        debugger.back()
        debugger.step()
        assert debugger.cost == before
        scope = debugger.here.scope
        assert scope is not None
        debugger.set_variable(next(iter(scope.locals), "x"), "1")
        debugger.step()
        debugger.resample()
        assert len(debugger.alternatives(2)) >= 1
        prompt = len(nano.voice.form.prompt(program.source))
        assert debugger.cost.recomputed == 0
        assert before.prefilled < 2 * prompt + 200


def test_calls_are_predicted_and_not_executed(nano: EnginePredictor) -> None:
    source = "def same(x):\n    return x\n\n\ndef main():\n    raise SystemExit\n\n\nmain()\n"
    first, second = predict_calls(nano, source, ["same(3)", "same(x=[4])"], most=20)
    assert (first.result, second.result) == ("3", "[4]")
    assert 0 < first.confidence <= 1
    (none,) = predict_calls(nano, "def f(:\n", ["f()"])
    assert none.result is None
