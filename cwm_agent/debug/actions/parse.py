"""States and ends of traces read back from token ids, however malformed they are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from cwm_agent.debug.frames.parse import Codec, read_locals, read_text, read_value
from model.text.actions import Action, ActionFormat, State, Step
from model.text.traces import UNCHANGED


@dataclass(frozen=True, slots=True)
class ReadStep:
    """`step` is None where no state could be read; `problems` says what is not as it should be."""

    step: Step | None
    problems: tuple[str, ...] = ()


class StateParser:
    """Reads what `ActionFormat` writes: read(state(s)) gives s, and so do actions."""

    def __init__(self, codec: Codec, form: ActionFormat) -> None:
        self._codec = codec
        self._form = form
        self._kinds = {token: kind for kind, token in form.event_ids.items()}
        self._exits = {token: way for way, token in form.exit_ids.items()}
        self._verbs = {token: verb for verb, token in form.verb_ids.items()}
        self._controls = frozenset(codec.specials.values())

    def read(self, ids: Sequence[int]) -> ReadStep:
        """One state or end, with or without its separator, and without an action."""
        body = list(ids)
        if body and body[0] == self._form.frame_sep_id:
            body = body[1:]
        if body and body[0] in self._exits:
            ended = tuple(body[1:]) == self._form.end_ids
            problems = () if ended else ("the end of the trace is not as it should be",)
            return ReadStep(self._exits[body[0]], problems)
        if not body or body[0] not in self._kinds:
            said = self._codec.decode(body[:12], specials=True)
            return ReadStep(None, (f"no state begins with {said!r}",))
        return self._state(State(self._kinds[body[0]], ""), body[1:])

    def read_action(self, ids: Sequence[int]) -> Action | None:
        """One action, with or without its separator; None for what is none."""
        body = list(ids)
        if body and body[0] == self._form.action_sep_id:
            body = body[1:]
        if not body or body[0] not in self._verbs:
            return None
        return Action(self._verbs[body[0]], self._codec.decode(body[1:]))

    def _state(self, state: State, body: list[int]) -> ReadStep:
        problems: list[str] = []
        if self._form.src_sep_id not in body:
            return ReadStep(None, (f"the {state.kind} state has no source line",))
        parts = {self._form.src_sep_id: "", self._form.arg_sep_id: ""}
        places = [place for place, token in enumerate(body) if token in parts]
        for start, end in zip(places, [*places[1:], len(body)], strict=True):
            piece = body[start + 1 : end]
            parts[body[start]] = read_text(self._codec, self._controls, piece, problems)
        line, shown = parts[self._form.src_sep_id].rstrip("\n"), parts[self._form.arg_sep_id]
        if not state.has_locals:
            value, wrong = read_value(shown)
            return ReadStep(replace(state, line=line, value=value), (*problems, *wrong))
        pairs, wrong = read_locals(shown)
        named = tuple(pair for pair in pairs if pair[0] != UNCHANGED)
        found = replace(state, line=line, locals=named, omitted=len(named) < len(pairs))
        return ReadStep(found, (*problems, *wrong))
