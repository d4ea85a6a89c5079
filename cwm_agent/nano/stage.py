"""Plays a conversation in memory: the real grammar, tools and message texts, without a policy."""

from __future__ import annotations

from dataclasses import dataclass

from cwm_agent.nano.workspace import MemoryWorkspace
from envs.issue.budget import Budget, Limits
from envs.issue.messages import Wording
from envs.issue.modes import improved
from envs.issue.toolbox import Toolbox
from results.records import Message
from tools.errors import CallError
from tools.parsing import parse_call
from tools.registry import PUBLISHED_TOOLS
from tools.texts import Texts
from tools.tool import ToolContext


@dataclass(frozen=True, slots=True)
class Turn:
    """One message. `learnt` is False for what the model shall not imitate: mistakes."""

    role: str
    text: str
    learnt: bool = True


class CharacterMeter:
    """Counts characters; nothing in these conversations is ever long enough to be cut."""

    def count(self, text: str) -> int:
        """Characters."""
        return len(text)

    def head(self, text: str, tokens: int) -> str:
        """The first characters."""
        return text[:tokens]

    def tail(self, text: str, tokens: int) -> str:
        """The last characters."""
        return text[len(text) - tokens :]


class Stage:
    """One conversation about a repository in memory; like `envs.issue.issue.IssueEnvironment`."""

    def __init__(self, files: dict[str, str], issue: str, texts: Texts) -> None:
        self.workspace = MemoryWorkspace(files)
        self._texts = texts
        meter = CharacterMeter()
        limits = Limits()
        self._budget = Budget(limits, meter, lambda: 0.0)
        self._wording = Wording(texts, improved(), limits, meter)
        context = ToolContext(texts, improved(), limits.command_seconds, lambda: "")
        self._toolbox = Toolbox(PUBLISHED_TOOLS, context)
        system = self._wording.system(PUBLISHED_TOOLS, thinking=True)
        user = self._wording.issue(issue, self.workspace.cwd)
        self.turns = [Turn(message.role, message.text) for message in (system, user)]

    def say(self, reply: str, *, learnt: bool = True) -> str:
        """Add a reply and what the environment answers; returns the tool's feedback, "" if none.

        A reply without a call is the last one.
        """
        self.turns.append(Turn("assistant", reply, learnt))
        try:
            call = parse_call(
                reply,
                thinking=True,
                names=self._toolbox.names,
                may_be_empty=self._toolbox.may_be_empty,
            )
        except CallError as error:
            self._answer(self._wording.malformed(error, cut=False))
            return ""
        result = self._toolbox.run(call, self.workspace, 60.0)
        self._answer(self._wording.result(call.name, result.feedback, self._budget))
        return result.feedback

    def replace_container(self, *, while_thinking: bool) -> None:
        """The attempt was killed and resumed: files outside are lost, and a notice says so.

        `while_thinking`: the next reply was being waited for, and is cut off empty.
        Else the last reply was acted on again, and the notice follows its result.
        """
        self.workspace.lose()
        if while_thinking:
            self.turns.append(Turn("assistant", "", learnt=False))
        replies = sum(turn.role == "assistant" and turn.text != "" for turn in self.turns)
        text = self._texts.render("restored", cwd=self.workspace.cwd, turns=replies)
        self.turns.append(Turn("user", text))

    def close(self, reply: str) -> None:
        """The closing answer, which nobody answers."""
        self.turns.append(Turn("assistant", reply))

    def _answer(self, message: Message) -> None:
        self.turns.append(Turn(message.role, message.text))
