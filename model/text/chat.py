"""Messages to token ids, in the format that CWM was trained on.

One message is

    <|start_header_id|>ROLE<|end_header_id|> "\\n\\n" BODY <|eot_id|>

and every part is encoded on its own, so that ids never depend on what happens
to stand beside them. A conversation is only ever appended to.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from model.errors import TokenizerError
from model.text import special_tokens as names
from model.text.tokenizer import Tokenizer

THINK_OPEN = "<think>"
THINK_CLOSE = "</think>"
THINK_PREFIX = f"{THINK_OPEN}\n"
_THOUGHTS = re.compile(
    rf"^.*?(?:{re.escape(THINK_CLOSE)}|{re.escape(names.THINKING_END)})\s*", re.DOTALL
)


@dataclass(frozen=True, slots=True)
class ChatMessage:
    """One message; `role` is system, user, assistant or "tool: NAME".

    `ends_turn` False closes it with the end-of-message token instead of
    end-of-turn.
    """

    role: str
    body: str
    ends_turn: bool = True


@dataclass(frozen=True, slots=True)
class _Marks:
    """Ids that frame a message."""

    begin: tuple[int, ...]
    open_header: tuple[int, ...]
    close_header: tuple[int, ...]
    end_of_message: int
    end_of_turn: int


class ChatFormat:
    """Renders with one tokenizer.

    `thinking` starts every answer with `<think>` and a newline. A checkpoint
    whose vocabulary lacks the header tokens gets the headers as plain text and
    its first `eos_ids` entry as the end of a message.
    """

    def __init__(
        self,
        tokenizer: Tokenizer,
        *,
        thinking: bool = True,
        bos_id: int | None = None,
        eos_ids: Sequence[int] = (),
    ) -> None:
        self.thinking = thinking
        self._tokenizer = tokenizer
        self._marks = _marks(tokenizer, bos_id, eos_ids)
        self.stop_ids = frozenset(eos_ids) | {
            token
            for name in (names.END_OF_TEXT, names.END_OF_MESSAGE, names.END_OF_TURN)
            if (token := tokenizer.find_special(name)) is not None
        }

    def prompt(
        self, messages: Sequence[ChatMessage], *, preserve_previous_think: bool = True
    ) -> list[int]:
        """A whole new conversation up to the point where the model answers.

        `preserve_previous_think` False leaves out the thinking of the answers in
        `messages`.
        """
        if not preserve_previous_think:
            messages = [_without_thoughts(message) for message in messages]
        return self.continuation(messages, last_id=None)

    def continuation(self, messages: Sequence[ChatMessage], *, last_id: int | None) -> list[int]:
        """Ids to append to a context for new messages and the header of the next answer.

        `last_id` is the context's last token, None for an empty context. An
        answer that did not close its turn (cut by length, other stop) is closed
        first.
        """
        ids = self._joint(last_id)
        for message in messages:
            ids += self.message(message)
        return ids + self._header("assistant") + self._tokenizer.encode_text(self.answer_prefix)

    def message(self, message: ChatMessage) -> list[int]:
        """One finished message, header and end token included."""
        end = self._marks.end_of_turn if message.ends_turn else self._marks.end_of_message
        return [*self._header(message.role), *self._body(message), end]

    def answer(self, text: str, *, finished: bool) -> list[int]:
        """Ids of an answer known only as text, to follow the header of `continuation`."""
        if not finished:
            return self._with_thinking_tokens(text)
        return [*self._with_thinking_tokens(text.rstrip()), self._marks.end_of_turn]

    @property
    def answer_prefix(self) -> str:
        """Text that every answer is started with; it is part of the context, not of the answer."""
        return THINK_PREFIX if self.thinking else ""

    def _joint(self, last_id: int | None) -> list[int]:
        if last_id is None:
            return list(self._marks.begin)
        return [] if last_id == self._marks.end_of_turn else [self._marks.end_of_turn]

    def _header(self, role: str) -> list[int]:
        encode = self._tokenizer.encode_text
        marks = self._marks
        # The newlines are encoded alone: with a body that starts with one they would merge.
        return [*marks.open_header, *encode(role), *marks.close_header, *encode("\n\n")]

    def _body(self, message: ChatMessage) -> list[int]:
        if message.role == "assistant":
            return self._with_thinking_tokens(message.body.strip())
        if message.role in ("system", "user"):
            return self._tokenizer.encode_text(message.body.strip())
        return self._tokenizer.encode_text(message.body)

    def _with_thinking_tokens(self, text: str) -> list[int]:
        """Encode an answer; of all control tokens only the two of thinking are honoured."""
        known = [
            name
            for name in (names.THINKING_START, names.THINKING_END)
            if self._tokenizer.find_special(name) is not None
        ]
        if not known:
            return self._tokenizer.encode_text(text)
        ids: list[int] = []
        for part in re.split("(" + "|".join(map(re.escape, known)) + ")", text):
            ids += (
                [self._tokenizer.special(part)]
                if part in known
                else self._tokenizer.encode_text(part)
            )
        return ids


def _without_thoughts(message: ChatMessage) -> ChatMessage:
    if message.role != "assistant":
        return message
    body = _THOUGHTS.sub("", message.body, count=1)
    return ChatMessage(message.role, body, message.ends_turn)


def _marks(tokenizer: Tokenizer, bos_id: int | None, eos_ids: Sequence[int]) -> _Marks:
    begin = tokenizer.find_special(names.BEGIN_OF_TEXT)
    begin = bos_id if begin is None else begin
    start = () if begin is None else (begin,)
    if tokenizer.find_special(names.START_HEADER) is not None:
        turn = tokenizer.special(names.END_OF_TURN)
        message = tokenizer.find_special(names.END_OF_MESSAGE)
        return _Marks(
            start,
            (tokenizer.special(names.START_HEADER),),
            (tokenizer.special(names.END_HEADER),),
            turn if message is None else message,
            turn,
        )
    if not eos_ids:
        raise TokenizerError(
            f"the tokenizer has no {names.START_HEADER} and config.json no eos_token_id, so the "
            "end of a message cannot be written; add eos_token_id to config.json"
        )
    return _Marks(
        start,
        tuple(tokenizer.encode_text(names.START_HEADER)),
        tuple(tokenizer.encode_text(names.END_HEADER)),
        eos_ids[0],
        eos_ids[0],
    )
