"""Jumps in the real engine, with random weights that favour one token; and garbled answers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
import torch
from jumping import tokenizer
from recited import Recited, ids_of, voice

from cwm_agent.debug.actions import cursor
from cwm_agent.debug.actions.cursor import (
    ActionCursor,
    ActionPredictor,
    frame_of,
    load_jumping,
)
from cwm_agent.debug.actions.parse import StateParser
from cwm_agent.debug.core.debugger import Debugger
from cwm_agent.debug.core.inverse import result_goal, which_call
from cwm_agent.debug.core.tree import Node
from cwm_agent.debug.legal.program import Program
from cwm_agent.debug.predict.engine import load_predictor
from cwm_agent.debug.record.here import record_here
from cwm_agent.errors import UsageError
from cwm_agent.nano.recipe import SHAPE
from cwm_agent.nano.training.export import TokenIds, export_network
from cwm_agent.nano.training.network import Network
from cwm_agent.policies import bundled
from model.engine.session import Session
from model.text.actions import Action, ActionFormat, State

SOURCE = """\
def total(items):
    result = 0
    for item in items:
        result += item
    return result


def main(n):
    a = total([n, 2])
    b = total([3])
    return a + b
"""


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ActionPredictor]:
    """The bundled shape; wherever it may, it says `{}`, and of events that a line follows."""
    folder = tmp_path_factory.mktemp("checkpoint")
    known = tokenizer()
    network = Network(replace(SHAPE, vocabulary=known.size))
    network.initialise(seed=1)
    with torch.no_grad():
        network.embedding.mul_(0.1)
        network.embedding[:, 0] = 1.0
        network.embedding[known.encode_text("{}"), 0] = 8.0
        network.embedding[known.special("<|line_sep|>"), 0] = 4.0
        network.head.norm.weight.fill_(1.0)
    ids = TokenIds(known.special("<|begin_of_text|>"), (known.special("<|end_of_text|>"),), 0)
    export_network(network, folder, bundled.debugger_folder() / "tokenizer.json", ids)
    predictor = ActionPredictor(load_predictor(folder, frame_tokens=32))
    yield predictor
    predictor.close()


def session_of(node: Node) -> Session:
    assert isinstance(node.cursor, ActionCursor)
    return node.cursor._session


def read_back(node: Node, source: str) -> tuple[list[State], list[Action]]:
    """States and actions of a session, by its tokens alone."""
    form = ActionFormat(tokenizer())
    parser = StateParser(tokenizer(), form)
    ids, prompt = list(session_of(node).ids), form.prompt(source)
    assert ids[: len(prompt)] == prompt
    assert ids[-1] == form.action_sep_id
    states: list[State] = []
    actions: list[Action] = []
    for part in split(ids[len(prompt) : -1], (form.frame_sep_id, form.action_sep_id)):
        if part[0] == form.action_sep_id:
            action = parser.read_action(part)
            assert action is not None
            actions.append(action)
        else:
            step = parser.read(part).step
            assert isinstance(step, State)
            states.append(step)
    return states, actions


def split(ids: list[int], at: tuple[int, ...]) -> list[list[int]]:
    """Parts that each begin with one of these ids."""
    parts: list[list[int]] = []
    for token in ids:
        if token in at:
            parts.append([])
        parts[-1].append(token)
    return parts


def check(debugger: Debugger) -> None:
    """The session's tokens are the trajectory that is shown."""
    path = debugger.node.path()
    states, actions = read_back(debugger.node, debugger.program.source)
    assert actions == [node.action for node in path[1:]]
    assert len(states) == len(path)
    for state, node in zip(states, path, strict=True):
        assert node.parent is not None
        assert frame_of(state, node.parent.moment) == node.moment.frame


@pytest.mark.parametrize("legal", [True, False], ids=["legal", "free"])
def test_back_set_and_branches_compute_no_prompt_token_again(
    model: ActionPredictor, legal: bool
) -> None:
    program = Program.read(SOURCE, entry="main")
    prompt = len(ActionFormat(tokenizer()).prompt(program.source))
    with Debugger(model, program, arguments={"n": "1"}) as debugger:
        debugger.start()
        debugger.step(), debugger.next(), debugger.step()
        assert [node.action.verb for node in debugger.node.path()[1:]] == [
            "step_into",
            "step_over",
            "step_into",
        ]
        check(debugger)
        before, far = debugger.cost, debugger.node
        debugger.back(), debugger.back()
        debugger.next(), debugger.step()
        assert debugger.node is far
        assert debugger.cost == before
        assert before.prefilled < prompt + 150
        debugger.legal = legal
        debugger.back()
        debugger.set_variable("a", "7")
        assert debugger.node.action.verb == "step_over"
        check(debugger)
        debugger.back()
        debugger.step()  # another child of the same place
        debugger.back()
        debugger.next()
        debugger.resample()
        assert debugger.alternatives(2)
        debugger.run()
        debugger.legal = True
        debugger.run()
        assert debugger.here.ended
        after = debugger.cost
        assert after.recomputed == 0
        assert after.prefilled < prompt + 600


def test_what_is_set_after_each_action_reads_back(model: ActionPredictor) -> None:
    program = Program.read(SOURCE, entry="main")
    with Debugger(model, program, arguments={"n": "1"}) as debugger:
        debugger.start()
        debugger.set_variable("n", "2")
        check(debugger)
        debugger.step()
        debugger.stops.add(10)
        assert debugger.run().reason == "breakpoint"
        debugger.set_variable("b", "[1]")
        check(debugger)
        assert debugger.node.action == Action("breakpoint", program.text(10))
        assert debugger.here.line == 10
        taken = debugger.alternatives(1)[0]
        debugger.take(taken)
        check(debugger)
        assert debugger.node.action.verb == "breakpoint"


def test_an_endless_answer_is_a_message_and_the_session_goes_on(model: ActionPredictor) -> None:
    program = Program.read(SOURCE, entry="main")
    with Debugger(model, program, legal=False, arguments={"n": "1"}) as debugger:
        debugger.start()
        place = debugger.node
        for move in (debugger.step, debugger.next, debugger.finish, debugger.out, debugger.run):
            stop = move()
            assert stop.reason == "problem"
            assert "had no end after 32 tokens" in stop.said
            assert debugger.node is place
        check(debugger)
        debugger.legal = True
        assert debugger.step().reason == "step"
        check(debugger)


def test_a_result_is_asked_backwards_without_a_problem(model: ActionPredictor) -> None:
    program = Program.read(SOURCE, entry="total")
    asker = model.asker(program, "5")
    try:
        assert asker.ways == 1
    finally:
        asker.close()
    # it says {} each time, which is no call: the parameter is missing
    assert list(which_call(model, program, result_goal("5"), record_here, count=2)) == []


GARBLED = {
    "nothing": ("<|action_sep|>", "no state begins with ''"),
    "text": ("hello<|action_sep|>", "no state begins with 'hello'"),
    "frame of the other grammar": (
        "<|line_sep|>{}<|action_sep|>",
        "the line state has no source line",
    ),
    "cut": ("<|line_sep|><|arg_sep|>{", "had no end after"),
    "end without an exit": (
        '<|return_sep|><|src_sep|>    return a + b<|arg_sep|>"1"<|end_of_text|>',
        "without an end of the trace",
    ),
}


@pytest.mark.parametrize(("said", "problem"), GARBLED.values(), ids=GARBLED.keys())
def test_garbled_free_answers_are_messages_and_leave_the_session_whole(
    said: str, problem: str
) -> None:
    session = Recited(ids_of(said))
    program = Program.read(SOURCE, entry="main")
    with Debugger(Reciting(session), program, legal=False, arguments={"n": "1"}) as debugger:
        debugger.start()
        before = list(session_of(debugger.node).ids)
        stop = debugger.next()
        assert stop.reason == "problem"
        assert problem in stop.said
        assert list(session_of(debugger.node).ids) == before
        session.rest += ids_of("<|exit_normal|><|trace_end|><|end_of_text|>")
        assert debugger.run().said == "the program has ended"


def test_an_unusual_value_within_the_program_is_a_warning() -> None:
    line = tokenizer().encode_text("    return n")[:1]  # where the lines of the function part
    session = Recited([*ids_of("<|return_sep|>"), *line, *ids_of("{}")])
    program = Program.read("def main(n):\n    return n\n", entry="main")
    with Debugger(Reciting(session), program, arguments={"n": "1"}) as debugger:
        debugger.start()
        stop = debugger.finish()
        assert (stop.reason, stop.said) == ("step", "the value is no JSON string: '{}'")


class Reciting:
    """A predictor over one recited session."""

    name, comprehensions, greedy, jumps = "recited", True, True, True

    def __init__(self, session: Recited) -> None:
        self._session = session

    def open(self, program: Program) -> ActionCursor:
        form = ActionFormat(tokenizer())
        self._session.append(form.prompt(program.source))
        return ActionCursor(voice(), form, self._session.session)

    def close(self) -> None:
        pass


def test_a_model_without_actions_is_told_before_its_weights_are_loaded(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(cursor, "load_predictor", lambda *_, **__: pytest.fail("it is loaded"))
    with pytest.raises(UsageError, match=r"cannot jump.*turn jumps off, or name a checkpoint"):
        load_jumping(bundled.folder())
