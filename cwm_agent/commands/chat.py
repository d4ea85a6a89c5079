"""The command `chat`: a conversation with a model, without tools and without a journal."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass

from rich.text import Text

from cwm_agent.attempt.rollout import written_tokens
from cwm_agent.config.resolve import Resolved
from cwm_agent.config.settings import Settings
from cwm_agent.errors import UsageError
from cwm_agent.exit_codes import ExitCode
from cwm_agent.policies.choose import OpenPolicy, choose_policy, open_policy
from cwm_agent.policies.errors import ContextFullError
from cwm_agent.policies.policy import Conversation
from cwm_agent.tasks.inputs import Request
from cwm_agent.tasks.planning import model_settings
from cwm_agent.view.console import console
from cwm_agent.view.plain import split_thinking
from cwm_agent.view.sanitize import clean
from envs.environment import ReplyLimits
from envs.issue.budget import PREFIX_TOKENS
from results.records import Message, Reply

NEW = "/new"
PROMPT = "> "


@dataclass(frozen=True, slots=True)
class ChatRequest:
    """`message` None: messages are read from standard input."""

    message: str | None
    system: str | None
    as_json: bool


def converse(request: ChatRequest, resolved: Resolved) -> int:
    """Answer the message, or each line that is typed; returns the exit code of the last.

    Raises the errors of the policy, and UsageError where there is nothing to answer.
    """
    settings = model_settings(Request(), resolved).settings
    shown = console(sys.stderr)
    choice = choose_policy(None, False, settings)
    opened = open_policy(choice, settings, show=shown.print, say=shown.print, tools=False)
    with closing(opened.policy), ThreadPoolExecutor(1) as pool:
        shown.print(Text(clean(opened.note), "dim"))
        talk = _Talk(opened, settings, request, pool)
        code = ExitCode.SUCCESS
        with closing(talk):
            for message in _messages(request.message):
                if message == NEW:
                    talk.begin()
                else:
                    code = talk.say(message)
    return code


class _Talk:
    """One conversation after the other; a reply can be interrupted by Ctrl-C."""

    def __init__(
        self, opened: OpenPolicy, settings: Settings, request: ChatRequest, pool: ThreadPoolExecutor
    ) -> None:
        self._opened = opened
        self._limits = settings.limits
        self._seed = settings.sampling.seed
        self._request = request
        self._pool = pool
        self._conversation: Conversation = opened.policy.open(seed=self._seed)
        self._used = 0
        self._begun = False

    def begin(self) -> None:
        """Forget what was said."""
        self._conversation.close()
        self._conversation = self._opened.policy.open(seed=self._seed)
        self._used, self._begun = 0, False

    def close(self) -> None:
        """End the conversation."""
        self._conversation.close()

    def say(self, text: str) -> ExitCode:
        """Print the reply to a message; LIMIT where the conversation has no room for one."""
        messages = [Message("user", text)]
        if not self._begun and self._request.system is not None:
            messages.insert(0, Message("system", self._request.system))
        most = min(
            self._limits.context_tokens,
            self._opened.context_tokens or self._limits.context_tokens,
        )
        new = sum(self._opened.policy.meter.count(message.text) for message in messages)
        room = min(self._limits.action_tokens, most - self._used - new - 2 * PREFIX_TOKENS)
        if room < 1:
            return _full(f"the conversation has used its {most} tokens")
        self._conversation.observe(messages)
        self._begun = True
        try:
            reply = self._reply(ReplyLimits(room, stop_after_tool_call=False))
        except ContextFullError as error:
            return _full(str(error))
        self._used = reply.context_tokens or self._used + new
        _print(reply, as_json=self._request.as_json)
        return ExitCode.SUCCESS

    def _reply(self, limits: ReplyLimits) -> Reply:
        running = self._pool.submit(self._conversation.reply, limits)
        try:
            return running.result()
        except KeyboardInterrupt:
            self._conversation.cancel()
            return running.result()


def _messages(given: str | None) -> Iterator[str]:
    """What is said: one message, all of standard input, or lines of a person until Ctrl-D."""
    if given is not None:
        yield given
        return
    if not sys.stdin.isatty():
        if not (text := sys.stdin.read().strip()):
            raise UsageError("there is no message: give one, or write it to standard input")
        yield text
        return
    import readline  # noqa: F401 - gives `input` its line editing

    while True:
        try:
            line = input(PROMPT).strip()
        except EOFError:
            print(file=sys.stderr)
            return
        if line:
            yield line


def _full(why: str) -> ExitCode:
    print(f"error: {why}; {NEW} begins another conversation", file=sys.stderr)
    return ExitCode.LIMIT


def _print(reply: Reply, *, as_json: bool) -> None:
    reasoning, answer = split_thinking(reply.text)
    if reply.chat is not None:
        reasoning, answer = reply.chat.reasoning, reply.text
    if as_json:
        table = {
            "text": answer,
            "reasoning": reasoning,
            "finish": reply.finish,
            "prompt_tokens": reply.prompt_tokens,
            "cached_tokens": reply.cached_tokens,
            "written_tokens": written_tokens(reply),
            "seconds": round(reply.seconds, 3),
            "cost": reply.chat.cost if reply.chat else None,
        }
        print(json.dumps(table), flush=True)
        return
    if reasoning:
        console(sys.stderr).print(Text(clean(reasoning), "dim"))
    print(clean(answer), flush=True)
    if reply.finish != "stop":
        print(f"[{reply.finish}]", file=sys.stderr)
