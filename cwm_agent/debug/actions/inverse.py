"""Which call gave a result? Asked by a trace that goes back from a return to its call.

The source is given without the functions that call the entry, as in training. The event and
the source line of the call are given, too; the model says the arguments.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from cwm_agent.debug.actions.parse import StateParser
from cwm_agent.debug.frames.confidence import Confidence, of_variables
from cwm_agent.debug.legal.flow import YIELDS
from cwm_agent.debug.legal.program import Program
from cwm_agent.debug.predict.decode import Writer, say_json
from cwm_agent.debug.predict.engine import sampling_for
from cwm_agent.debug.predict.predictor import Prediction, PredictionRequest
from cwm_agent.debug.predict.voice import Voice
from model.text.actions import Action, ActionFormat, State

if TYPE_CHECKING:
    from model.engine.session import Session

TO_THE_CALL = Action("step_call")


class ResultAsker:
    """Proposes calls that give a result, of all return lines of the entry in turn."""

    def __init__(
        self, voice: Voice, form: ActionFormat, session: Session, program: Program, value: str
    ) -> None:
        """`session` is empty, `form` that of inverse traces; `value` is a written result."""
        self._voice = voice
        self._form = form
        self._parser = StateParser(voice.tokenizer, form)
        self._program = program
        self._value = value
        self._lines = return_lines(program, value)
        self._session = session

    @property
    def ways(self) -> int:
        """How many return lines there are."""
        return len(self._lines)

    def ask(self, request: PredictionRequest, way: int) -> Prediction:
        """The call that led to one of the return lines; raises ContextOverflowError."""
        form, text = self._form, self._program.text(self._lines[way])
        if not self._session.ids:
            self._session.append(form.prompt(without_callers(self._program)))
        session = self._session.fork()[0]
        try:
            state = form.state(State("return", text, value=self._value))
            session.append([*state, *form.action(TO_THE_CALL), form.frame_sep_id])
            return self._say(session, request)
        finally:
            session.close()

    def close(self) -> None:
        """Free keys and values."""
        self._session.close()

    def _say(self, session: Session, request: PredictionRequest) -> Prediction:
        voice = replace(self._voice, sampling=sampling_for(self._voice.sampling, request))
        writer = Writer(voice, session)
        line = voice.tokenizer.encode_text(self._program.text(self._program.entry_line))
        begun = [self._form.event_ids["call"], self._form.src_sep_id, *line]
        writer.force([*begun, self._form.arg_sep_id])
        pieces = say_json(writer)
        if pieces is None:
            return Prediction(None, problem="the arguments had no end")
        read = self._parser.read(writer.ids)
        if not isinstance(read.step, State):
            return Prediction(None, problem="; ".join(read.problems))
        return Prediction(
            read.step.frame({}),
            warnings=read.problems,
            confidence=Confidence(variables=of_variables(pieces)),
            sampled=writer.sampled,
            forced=writer.forced,
            logprob=writer.logprob,
            decided=writer.decided,
        )


def return_lines(program: Program, value: str) -> list[int]:
    """Lines on which the entry returns; those without a written `return` only for None."""
    instructions = program.flows[program.entry].instructions.values()
    found = {one.line for one in instructions if one.returns and one.name not in YIELDS}
    lines = sorted(line for line in found if line is not None)
    said = [line for line in lines if _returns(program, line)]
    return lines if value == "None" or not said else said


def _returns(program: Program, line: int) -> bool:
    return any(
        node.lineno <= line <= (node.end_lineno or node.lineno)
        for node in ast.walk(program.tree)
        if isinstance(node, ast.Return)
    )


def without_callers(program: Program) -> str:
    """The source without what names the entry at the top level and is not needed by it.

    What stands there would give the arguments away.
    """
    body = program.tree.body
    own = next((one for one in body if _covers(one, program.entry_line)), None)
    if own is None:
        return program.source
    name = program.entry_name.rpartition(".")[2]
    needed = {id(one) for one in _needed(body, own)}
    dropped = [one for one in body if id(one) not in needed and name in _names(one)]
    gone = {line for one in dropped for line in range(_first(one), (one.end_lineno or 0) + 1)}
    kept = [text for number, text in enumerate(program.lines, 1) if number not in gone]
    return "\n".join(kept).rstrip() + "\n"


def _needed(body: list[ast.stmt], own: ast.stmt) -> Iterator[ast.stmt]:
    """What the entry's own statement uses, directly or not, itself first."""
    defined = {getattr(one, "name", ""): one for one in body}
    found, waiting = {id(own)}, [own]
    while waiting:
        here = waiting.pop()
        yield here
        for name in _names(here) & defined.keys():
            if id(defined[name]) not in found:
                found.add(id(defined[name]))
                waiting.append(defined[name])


def _names(node: ast.AST) -> set[str]:
    names = {one.id for one in ast.walk(node) if isinstance(one, ast.Name)}
    return names | {one.attr for one in ast.walk(node) if isinstance(one, ast.Attribute)}


def _covers(node: ast.stmt, line: int) -> bool:
    return _first(node) <= line <= (node.end_lineno or node.lineno)


def _first(node: ast.stmt) -> int:
    """The first line, decorators included."""
    decorators: list[ast.expr] = getattr(node, "decorator_list", [])
    return min([node.lineno, *(one.lineno for one in decorators)])
