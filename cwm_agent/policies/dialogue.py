"""What a conversation over token ids says next, whoever computes its answers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from envs.environment import ReplyLimits
from results.records import Event, Message, Observed, Replied

if TYPE_CHECKING:  # the command line must start without the packages behind these
    from model.text.chat_template import Chat
    from model.text.stops import StopWatcher
    from model.text.tokenizer import Tokenizer


class Dialogue:
    """Renders messages and follows answers; `append` takes the ids that extend the context."""

    def __init__(
        self, tokenizer: Tokenizer, chat: Chat, append: Callable[[Sequence[int]], None]
    ) -> None:
        self.tokenizer = tokenizer
        self.chat = chat
        self._append = append
        self._last_id: int | None = None
        self._answer = ""  # text of the answer in progress, when a reply was cut

    def observe(self, messages: Sequence[Message]) -> tuple[int, ...]:
        """Append messages and the header of the next answer; returns all ids appended."""
        from model.text.chat import ChatMessage

        ids = self.chat.continuation(
            [ChatMessage(message.role, message.text) for message in messages],
            last_id=self._last_id,
        )
        self._observed(ids)
        return tuple(ids)

    def question(
        self, text: str, prefix: str, answers: Sequence[str]
    ) -> tuple[list[int], list[int]]:
        """Ids that ask `text` and start its answer, and the first id of each possible answer.

        Nothing is appended. Raises TokenizerError where two answers begin with the same token.
        """
        from model.errors import TokenizerError
        from model.text.chat import ChatMessage

        ids = self.chat.continuation([ChatMessage("user", text)], last_id=self._last_id)
        ids += self.tokenizer.encode_text(prefix)
        first = [self.tokenizer.encode_text(answer)[0] for answer in answers]
        if len(set(first)) < len(first):
            raise TokenizerError(
                f"the answers {', '.join(answers)} cannot be told apart by their first token; "
                "choose others in the prompt pack (grade.scale)"
            )
        return ids, first

    def watcher(self, limits: ReplyLimits) -> StopWatcher:
        """Says when the next answer, or the rest of one that was cut, is over."""
        from model.text.stops import StopRules, StopWatcher

        return StopWatcher(
            self.tokenizer,
            StopRules(self.chat.stop_ids, after_tool_call=limits.stop_after_tool_call),
            thinking=self.chat.thinking,
            earlier=self._answer,
            specials=limits.show_control_tokens,
        )

    def answered(self, text: str, ids: Sequence[int]) -> None:
        """An answer, or a part of one, has become part of the context."""
        self._answer += text
        if ids:
            self._last_id = ids[-1]

    def restore(self, events: Sequence[Event]) -> None:
        """Append what the journal recorded; recorded ids are taken as they are.

        Events of a policy without tokens have no ids; their text is encoded.
        """
        for event in events:
            if isinstance(event, Observed):
                if event.ids:
                    self._observed(event.ids)
                else:
                    self.observe(event.messages)
            elif isinstance(event, Replied):
                reply = event.reply
                ids = reply.ids or self.chat.answer(reply.text, finished=reply.finish == "stop")
                self._append(ids)
                self.answered(reply.text, ids)

    def _observed(self, ids: Sequence[int]) -> None:
        self._append(ids)
        self._last_id = ids[-1]
        self._answer = ""
