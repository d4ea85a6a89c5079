"""States of a program and the debugger actions between them, and how they are written as tokens.

Prompt:  <|begin_of_text|><|trace_context_start|>SOURCE
States:  <|frame_sep|> EVENT <|src_sep|> LINE <|arg_sep|> LOCALS_OR_VALUE
Actions: <|action_sep|> ACTION LINE?
End:     <|frame_sep|> EXIT <|trace_end|><|end_of_text|>

A forward `line` state has its locals before its source line. LOCALS is a JSON object of
the variables that the state changes, after `"..": ".."` where it leaves others out; VALUE
(return and exception) is a JSON string. Only a breakpoint has a LINE. Source: sections 4.1
and 4.2, figures B.3, B.4 and C.1 of arXiv 2603.09951. The grammar itself is a picture there,
so the tokens in `UNSEEN`, which no example shows, are named after those that are.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from model.text.special_tokens import BEGIN_OF_TEXT, END_OF_TEXT
from model.text.traces import FRAME_SEP, UNCHANGED, Encoder, Event, Frame

Kind = Literal[Event, "line_call"]
"""`line_call` (inverse only): a line whose calls come before it, seen from behind them."""
Exit = Literal["normal", "error", "never", "entry"]
"""`entry`: an inverse trace came before the first call."""
Verb = Literal["step_into", "step_over", "step_return", "breakpoint", "continue", "step_call"]
"""`step_call` (inverse only) goes to the call of the running function."""

_INVERSE = "inv_"
FORWARD_VERBS: tuple[Verb, ...] = (
    "step_into",
    "step_over",
    "step_return",
    "breakpoint",
    "continue",
)
INVERSE_VERBS: tuple[Verb, ...] = ("step_into", "step_over", "step_call")
_FORWARD_KINDS: tuple[Kind, ...] = ("call", "line", "return", "exception")
_INVERSE_KINDS: tuple[Kind, ...] = (*_FORWARD_KINDS, "line_call")
_FORWARD_EXITS: tuple[Exit, ...] = ("normal", "error", "never")
SRC_SEP, ARG_SEP, ACTION_SEP, TRACE_END = (
    "<|src_sep|>",
    "<|arg_sep|>",
    "<|action_sep|>",
    "<|trace_end|>",
)


def event_token(kind: Kind, *, inverse: bool) -> str:
    """The name of the control token that begins a state."""
    return f"<|{_INVERSE if inverse else ''}{kind}_sep|>"


def verb_token(verb: Verb, *, inverse: bool) -> str:
    """The name of an action's control token."""
    return f"<|{_INVERSE if inverse else ''}{verb}|>"


def exit_token(way: Exit) -> str:
    """The name of the control token of a last state."""
    return "<|inv_exit_entry|>" if way == "entry" else f"<|exit_{way}|>"


TOKENS = (
    SRC_SEP,
    TRACE_END,
    *(verb_token(verb, inverse=False) for verb in FORWARD_VERBS),
    *(exit_token(way) for way in _FORWARD_EXITS),
    *(event_token(kind, inverse=True) for kind in _INVERSE_KINDS),
    *(verb_token(verb, inverse=True) for verb in INVERSE_VERBS),
    exit_token("entry"),
)
"""The control tokens of this grammar that CWM's traces do not have."""
UNSEEN = (
    "<|step_over|>",
    "<|continue|>",
    "<|exit_error|>",
    "<|exit_never|>",
    "<|inv_exception_sep|>",
    "<|inv_line_call_sep|>",
    "<|inv_step_over|>",
)
"""Those whose meaning the paper states, but whose spelling it shows nowhere as text."""


@dataclass(frozen=True, slots=True)
class Action:
    """What the debugger is told to do; `line` is the text of a breakpoint's source line."""

    verb: Verb
    line: str = ""


STEP_INTO = Action("step_into")


@dataclass(frozen=True, slots=True)
class State:
    """Where a program stands. `locals` (call, line, line_call) are written values of the
    variables that are shown, `omitted` tells that there are others, unchanged; `value`
    (return, exception) is the written result."""

    kind: Kind
    line: str
    locals: tuple[tuple[str, str], ...] = ()
    value: str = ""
    omitted: bool = False

    @property
    def has_locals(self) -> bool:
        """Whether it shows variables, not a result."""
        return self.kind in ("call", "line", "line_call")

    def frame(self, known: Mapping[str, str]) -> Frame:
        """The same as a frame of CWM's traces; `known` are the values before it, in their order."""
        event: Event = "line" if self.kind == "line_call" else self.kind
        if not self.has_locals:
            return Frame(event, self.line, value=self.value)
        shown = dict(self.locals)
        kept = dict.fromkeys(known, UNCHANGED) if self.omitted else {}
        return Frame(event, self.line, tuple((kept | shown).items()))


Step = State | Exit
"""What an action leads to."""


class ActionFormat:
    """Writes prompts, states and actions as ids of one tokenizer; raises TokenizerError where
    it lacks the control tokens. `inverse` writes traces that go back in time."""

    def __init__(self, tokenizer: Encoder, *, inverse: bool = False) -> None:
        special = tokenizer.special
        self._tokenizer = tokenizer
        self.inverse = inverse
        self.frame_sep_id = special(FRAME_SEP)
        self.src_sep_id = special(SRC_SEP)
        self.arg_sep_id = special(ARG_SEP)
        self.action_sep_id = special(ACTION_SEP)
        self.end_ids = (special(TRACE_END), special(END_OF_TEXT))
        kinds = _INVERSE_KINDS if inverse else _FORWARD_KINDS
        self.event_ids = {kind: special(event_token(kind, inverse=inverse)) for kind in kinds}
        verbs = INVERSE_VERBS if inverse else FORWARD_VERBS
        self.verb_ids = {verb: special(verb_token(verb, inverse=inverse)) for verb in verbs}
        exits: tuple[Exit, ...] = ("entry",) if inverse else _FORWARD_EXITS
        self.exit_ids = {way: special(exit_token(way)) for way in exits}

    def prompt(self, source: str) -> list[int]:
        """Everything before the first state."""
        special = self._tokenizer.special
        start = [special(BEGIN_OF_TEXT), special("<|trace_context_start|>")]
        return [*start, *self._tokenizer.encode_text(source)]

    def state(self, step: Step) -> list[int]:
        """A state after its separator, or the end of the trace."""
        if isinstance(step, str):
            return [self.frame_sep_id, self.exit_ids[step], *self.end_ids]
        encode = self._tokenizer.encode_text
        text = written(step) if step.has_locals else json.dumps(step.value)
        shown = [self.arg_sep_id, *encode(text)]
        line = [self.src_sep_id, *encode(step.line)]
        first = step.kind == "line" and not self.inverse
        body = [*shown, *line] if first else [*line, *shown]
        return [self.frame_sep_id, self.event_ids[step.kind], *body]

    def action(self, action: Action) -> list[int]:
        """An action after its separator."""
        line = self._tokenizer.encode_text(action.line) if action.line else []
        return [self.action_sep_id, self.verb_ids[action.verb], *line]


def written(state: State) -> str:
    """The locals of a state as JSON."""
    pairs = dict(state.locals)
    return json.dumps({UNCHANGED: UNCHANGED} | pairs if state.omitted else pairs)
