"""A whole conversation, as a client sends it with each request, as token ids.

Answers that were given here become the ids that were sampled, whatever the
client left out of them (most leave out the reasoning).
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from cwm_agent.server.chat.headers import normalised
from cwm_agent.server.chat.memory import Memory, Place, Remembered
from cwm_agent.server.chat.toolset import ToolSet
from cwm_agent.server.chat.turns import Turn, canonical
from model.text.chat import THINK_CLOSE, THINK_OPEN, ChatMessage
from model.text.chat_template import Chat
from tools.texts import Texts


@dataclass(frozen=True, slots=True)
class Rendered:
    """A prompt. `thinking`: the answer begins inside a thought; `earlier`: text of it that the
    client gave. `place` is where the answer stands, to remember it."""

    prompt: array[int]
    thinking: bool
    earlier: str
    place: Place


class Transcript:
    """Renders with one chat format for answers that think, and one for those that do not."""

    def __init__(
        self,
        thinking: Chat,
        plain: Chat,
        texts: Texts,
        memory: Memory,
        rules: Sequence[str],
    ) -> None:
        self._chats = {True: thinking, False: plain}
        self._texts = texts
        self._memory = memory
        self._rules = rules

    def render(
        self, turns: Sequence[Turn], tools: ToolSet, *, thinking: bool, keep_thoughts: bool = True
    ) -> Rendered:
        """The prompt for the next answer, or for the rest of one that the client began."""
        turns = self._opened(turns, tools, thinking)
        chat, place, prompt = self._chats[thinking], Place(), array("i")
        for spoken, answer in _exchanges(turns):
            self._extend(prompt, place, self._spoken(chat, place, prompt, spoken, tools))
            if answer is None:
                return Rendered(prompt, thinking, "", place)
            if answer is turns[-1]:
                text = self._answer_text(answer, tools, thinking)
                self._extend(prompt, place, array("i", chat.answer(text, finished=False)))
                return Rendered(prompt, thinking, text, place)
            ids = self._answer(chat, place, answer, tools, thinking, keep_thoughts)
            self._extend(prompt, place, ids)
        raise AssertionError("the last exchange has no answer, or one that is to be gone on with")

    def remember(self, rendered: Rendered, ids: Sequence[int], turn: Turn) -> None:
        """Keep the ids of an answer for when the client sends it back."""
        key = rendered.place.key(_fingerprint(turn))
        self._memory.remember(key, Remembered(array("i", ids), turn.reasoning))

    @staticmethod
    def _extend(prompt: array[int], place: Place, ids: array[int]) -> None:
        prompt.extend(ids)
        place.extend(ids)

    def _opened(self, turns: Sequence[Turn], tools: ToolSet, thinking: bool) -> list[Turn]:
        """The turns behind one system prompt that says all the model must know."""
        count = next((i for i, t in enumerate(turns) if t.role != "system"), len(turns))
        said = [normalised(turn.text, self._rules).strip() for turn in turns[:count]]
        text = "\n\n".join(filter(None, said)) or self._texts.render("system.description")
        written = count > 0 and all(turn.written for turn in turns[:count])
        if thinking and THINK_OPEN not in text and not written:
            text = self._texts.render("system.thinking", description=text)
        if tools:
            about = tools.described(self._texts)
            text = f"{text}\n\n{self._texts.render('system.environment', environment=about)}"
        return [Turn("system", text), *turns[count:]]

    def _spoken(
        self, chat: Chat, place: Place, prompt: array[int], turns: Sequence[Turn], tools: ToolSet
    ) -> array[int]:
        """Messages that are no answers, and the header of the answer to come."""
        messages = [self._message(turn, tools) for turn in turns]
        parts = [part for message in messages for part in (message.role, message.body)]
        key = place.key(("spoken", str(chat.thinking), *parts))
        known = self._memory.recall(key)
        if known is None:
            last = prompt[-1] if prompt else None
            known = Remembered(array("i", chat.continuation(messages, last_id=last)))
            self._memory.remember(key, known)
        return known.ids

    def _message(self, turn: Turn, tools: ToolSet) -> ChatMessage:
        if turn.role != "tool":
            return ChatMessage(turn.role, turn.text)
        body = turn.text
        if not turn.written:
            body = self._texts.render("result.output", feedback=body)
        return ChatMessage(f"tool: {tools.own_name(turn.tool or 'tool')}", body)

    def _answer(
        self,
        chat: Chat,
        place: Place,
        turn: Turn,
        tools: ToolSet,
        thinking: bool,
        keep_thoughts: bool,
    ) -> array[int]:
        """An answer of the past: as it was sampled, or else encoded."""
        known = self._memory.recall(place.key(_fingerprint(turn))) if keep_thoughts else None
        said = turn.reasoning
        if known is not None and (said is None or said.strip() == (known.reasoning or "").strip()):
            return known.ids
        if not keep_thoughts:
            turn = replace(turn, reasoning=None)
        text = self._answer_text(turn, tools, thinking)
        return array("i", chat.answer(text, finished=True))

    @staticmethod
    def _answer_text(turn: Turn, tools: ToolSet, thinking: bool) -> str:
        """What stands behind the header, and behind the opening of a thought if there is one."""
        if turn.written:
            return turn.text
        parts = [turn.text] if turn.text else []
        parts += [tools.call_text(call) for call in turn.calls]
        text = "\n".join(parts)
        thought = (turn.reasoning or "").strip()
        if thinking:
            return f"{thought}\n{THINK_CLOSE}\n{text}" if thought else f"{THINK_CLOSE}\n{text}"
        return f"{THINK_OPEN}\n{thought}\n{THINK_CLOSE}\n{text}" if thought else text


def _exchanges(turns: Sequence[Turn]) -> Iterator[tuple[list[Turn], Turn | None]]:
    """Messages up to each answer with that answer; None where the answer is yet to come."""
    spoken: list[Turn] = []
    for turn in turns:
        if turn.role == "assistant":
            yield spoken, turn
            spoken = []
        else:
            spoken.append(turn)
    if turns[-1].role != "assistant":
        yield spoken, None


def _fingerprint(turn: Turn) -> Iterator[str]:
    """What every client sends back of an answer."""
    yield "answer"
    yield turn.text.strip()
    for call in turn.calls:
        yield call.name
        yield canonical(call.arguments)
