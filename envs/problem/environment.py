"""One problem, one reply: the environment of suites that ask for an answer, not for actions."""

from __future__ import annotations

import time
from dataclasses import dataclass

from envs.environment import Meter, ReplyLimits, Step
from envs.issue.budget import FRAME_TOKENS, Budget, Limits
from envs.issue.modes import Switches
from envs.issue.truncation import keep_tail
from envs.problem.answer import Answer, Find, answer_in
from results.records import Event, ExitReason, Message, Observed, Reply, Submitted
from tools.texts import Texts


@dataclass(frozen=True, slots=True)
class Asked:
    """How a problem is put: the user message, and how its answer is found in the reply."""

    message: str
    find: Find
    what: str


class ProblemEnvironment:
    """Asks once and ends with the first reply, whatever it holds.

    An attempt that ends as "submitted" keeps the published rule of the answer
    (envs.problem.answer). One that ends otherwise has no answer that counts;
    what it seems to answer is in its journal. There is no place to act in, so nothing
    is opened or closed.
    """

    def __init__(
        self,
        asked: Asked,
        texts: Texts,
        switches: Switches,
        limits: Limits,
        meter: Meter,
        *,
        thinking: bool,
    ) -> None:
        self._asked = asked
        self._texts = texts
        self._switches = switches
        self._limits = limits
        self._meter = meter
        self._thinking = thinking
        self._budget = Budget(limits, meter, time.monotonic)
        self._answer = ""

    def start(self) -> tuple[Message, ...]:
        """The system and the user message."""
        description = self._texts.render("system.description")
        if self._thinking:
            description = self._texts.render("system.thinking", description=description)
        text = self._asked.message
        if not self._switches.cut_only_the_issue:  # the published bound cuts the beginning off
            room = self._limits.prompt_tokens - FRAME_TOKENS - self._meter.count("user")
            text = keep_tail(text, room, self._meter)
        messages = (Message("system", description), Message("user", text))
        self._budget.count_messages(messages)
        return messages

    def limits(self) -> ReplyLimits:
        """What the reply may use; nothing in it is a call."""
        return ReplyLimits(
            self._budget.reply_tokens(),
            stop_after_tool_call=False,
            show_control_tokens=self._switches.show_control_tokens,
        )

    def step(self, reply: Reply) -> Step:
        """Find the answer; the reply ends the attempt."""
        self._budget.count_reply(reply)
        found = answer_in(
            reply.text, self._asked.find, thinking=self._thinking, what=self._asked.what
        )
        self._answer = found.text if found.strict else ""
        events = (Submitted(self._budget.turns, found.text),) if found.text else ()
        return Step((), events, _exit(found, reply), found.why)

    def restore(self, events: tuple[Event, ...]) -> tuple[Message, ...]:
        """Ask, or go on waiting for the reply."""
        if not any(isinstance(event, Observed) for event in events):
            return self.start()
        self._budget.restore(events)
        return ()

    def patch(self) -> str:
        """The answer, "" for none that counts."""
        return self._answer

    def close(self) -> None:
        """Nothing was opened."""


def _exit(found: Answer, reply: Reply) -> ExitReason:
    if found.strict:
        return "submitted"
    return "token_limit" if reply.finish == "length" else "format_errors"
