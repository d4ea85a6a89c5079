"""Answers requests over the engine: renders, asks, divides into channels, remembers."""

from __future__ import annotations

import asyncio
import secrets
import time
from array import array
from collections.abc import AsyncGenerator, Iterator, Sequence
from dataclasses import replace
from functools import partial

from cwm_agent import __version__
from cwm_agent.config.settings import Settings
from cwm_agent.server.answering import Choice, answer, merged
from cwm_agent.server.chat.channels import Channels
from cwm_agent.server.chat.grammars import call_grammar, strict_grammar
from cwm_agent.server.chat.memory import Memory
from cwm_agent.server.chat.toolset import ToolSet
from cwm_agent.server.chat.transcript import Rendered, Transcript
from cwm_agent.server.chat.turns import Turn
from cwm_agent.server.engine.compiling import Checks
from cwm_agent.server.engine.link import EngineLink
from cwm_agent.server.engine.messages import Ask, Budget, Drawing, Ends, Grammar, Hello
from cwm_agent.server.errors import RequestError, away, too_long
from cwm_agent.server.metrics import Metrics
from cwm_agent.server.options import ServeOptions
from cwm_agent.server.wanted import Piece, PromptWanted, Sampled, Wanted
from model.text.chat import THINK_CLOSE
from model.text.chat_template import open_chat
from model.text.tokenizer import Tokenizer
from tools.texts import Texts

_SOFT_SHARE = 0.9  # of a thinking budget, after which it ends where the model would


class Service:
    """All that the endpoints share; belongs to one event loop."""

    def __init__(
        self, options: ServeOptions, settings: Settings, texts: Texts, link: EngineLink
    ) -> None:
        self.options = options
        self.link = link
        self.metrics = Metrics(options.name)
        self.tokenizer = Tokenizer.from_folder(options.folder)
        self.created = int(time.time())
        self._settings = settings
        self._texts = texts
        self._memory = Memory(options.memory)
        self._transcript: Transcript | None = None
        self._checks = Checks()
        self._stop_ids: frozenset[int] = frozenset()
        self._close_ids = tuple(self.tokenizer.encode_text(f"\n{THINK_CLOSE}\n"))

    @property
    def hello(self) -> Hello:
        """What the engine said of itself; raises RequestError before it said anything."""
        if self.link.hello is None:
            raise away("the model is being loaded", 5)
        return self.link.hello

    def transcript(self) -> Transcript:
        """The chat format, once the engine has said how conversations begin and end."""
        if self._transcript is None:
            hello, folder = self.hello, self.options.folder
            chats = [
                open_chat(
                    folder,
                    self.tokenizer,
                    thinking=thinking,
                    bos_id=hello.bos_id,
                    eos_ids=hello.eos_ids,
                )
                for thinking in (True, False)
            ]
            self._stop_ids = chats[0].stop_ids
            self._transcript = Transcript(
                chats[0], chats[1], self._texts, self._memory, self.options.normalize
            )
        return self._transcript

    @property
    def fingerprint(self) -> str:
        """Names what answers: the same one answers the same to the same seed."""
        return f"cwm-agent-{__version__}"

    def require_model(self, name: str | None) -> None:
        """Raise RequestError for a model that is not served here; None and "" name the one."""
        if name and name != self.options.name:
            raise RequestError(
                f"the model {name!r:.80} is not served here; this is {self.options.name!r}",
                status=404,
                code="model_not_found",
                param="model",
            )

    async def encoded(self, text: str, *, begin: bool = True) -> array[int]:
        """The ids of a text, with what begins every text; raises RequestError for one too long."""
        self._require_room([text])
        first = self.hello.bos_id if begin else None
        ids = await asyncio.to_thread(self.tokenizer.encode_text, text)
        return array("i", ids if first is None else [first, *ids])

    async def render(self, wanted: Wanted) -> tuple[Rendered, ToolSet]:
        """The prompt of a conversation; raises RequestError."""
        if not wanted.turns:
            raise RequestError("there are no messages", param="messages")
        tools = ToolSet(() if wanted.choice.kind == "none" else wanted.tools)
        self._require_room([*_said(wanted.turns), *tools.schemas()])
        transcript = self.transcript()
        render = partial(
            transcript.render,
            list(wanted.turns),
            tools,
            thinking=wanted.thinking,
            keep_thoughts=wanted.keep_thoughts,
        )
        return await asyncio.to_thread(render), tools

    async def chat(self, wanted: Wanted) -> AsyncGenerator[Piece, None]:
        """The answers to a conversation, as they come; raises RequestError."""
        rendered, tools = await self.render(wanted)
        if (grammar := self._grammar(wanted, tools)) is not None:
            await self._checks.require(grammar)
        divided = not wanted.written
        thinking = divided and rendered.thinking and THINK_CLOSE not in rendered.earlier
        fresh = divided and not rendered.earlier
        ends = Ends(
            ids=self._ends(wanted.stop_ids, wanted.ignore_eos),
            texts=wanted.stops,
            after_tool_call=bool(tools) or wanted.stop_after_call,
            thinking=rendered.thinking,
            earlier=rendered.earlier,
        )
        base = Ask(
            0,
            rendered.prompt,
            self._room(len(rendered.prompt), wanted.max_tokens),
            self._drawing(wanted.sampled),
            ends,
            budget=self._budget(wanted),
            logprobs=wanted.logprobs,
            grammar=grammar,
            job=wanted.job,
        )
        choices = []
        for index in range(wanted.n):
            channels = Channels(tools, thinking=thinking, fresh=fresh, stops=wanted.stops)
            choice = Choice(index, _for_choice(base, index), channels)
            if not rendered.earlier:
                choice.finished = lambda ids, whole: self.transcript().remember(
                    rendered, ids, whole.turn()
                )
            choices.append(choice)
        async for piece in self._answers(choices):
            yield piece

    async def complete(
        self, wanted: PromptWanted, *, first: int = 0
    ) -> AsyncGenerator[Piece, None]:
        """What follows a prompt, as it comes, numbered from `first`; raises RequestError."""
        self.transcript()
        self._check_ids(wanted.prompt)
        base = Ask(
            0,
            wanted.prompt,
            self._room(len(wanted.prompt), wanted.max_tokens),
            self._drawing(wanted.sampled),
            Ends(ids=self._ends(wanted.stop_ids, wanted.ignore_eos), texts=wanted.stops),
            logprobs=wanted.logprobs,
            grammar=wanted.grammar,
            job=wanted.job,
        )
        choices = [
            Choice(
                first + index,
                _for_choice(base, index),
                Channels(ToolSet(), thinking=False, fresh=False, stops=wanted.stops),
            )
            for index in range(wanted.n)
        ]
        async for piece in self._answers(choices):
            yield piece

    async def _answers(self, choices: list[Choice]) -> AsyncGenerator[Piece, None]:
        found = [answer(choice, self.link, self.tokenizer, self.metrics) for choice in choices]
        async for piece in merged(found):
            yield piece

    def _ends(self, wanted: tuple[int, ...], ignore_eos: bool) -> frozenset[int]:
        return frozenset(wanted) | (frozenset() if ignore_eos else self._stop_ids)

    def _require_room(self, texts: Sequence[str]) -> None:
        """Raise RequestError for what no context holds, before minutes are spent on its tokens."""
        most = self.hello.context * self.tokenizer.longest
        if (characters := sum(map(len, texts))) > most:
            raise too_long(
                f"the prompt has {characters} characters, and the model holds "
                f"{self.hello.context} tokens; shorten the conversation"
            )

    def _room(self, prompt: int, wanted: int | None) -> int:
        """Tokens that the answer may have; raises RequestError when there is no room for any."""
        room = self.hello.context - prompt
        if room < 1:
            raise too_long(
                f"the prompt has {prompt} tokens, and the model holds {self.hello.context} with "
                "its answer; shorten the conversation"
            )
        return room if wanted is None else min(room, wanted)

    def _drawing(self, wanted: Sampled) -> Drawing:
        defaults = self._settings.sampling
        vocabulary = self.hello.vocabulary
        if any(not 0 <= token < vocabulary for token in wanted.bias):
            raise RequestError(
                f"logit_bias names a token id outside the vocabulary of {vocabulary}",
                param="logit_bias",
            )
        return Drawing(
            temperature=defaults.temperature if wanted.temperature is None else wanted.temperature,
            top_p=defaults.top_p if wanted.top_p is None else wanted.top_p,
            top_k=wanted.top_k,
            min_p=wanted.min_p,
            seed=secrets.randbits(53) if wanted.seed is None else wanted.seed,
            bias=wanted.bias,
            presence=wanted.presence,
            frequency=wanted.frequency,
        )

    def _budget(self, wanted: Wanted) -> Budget | None:
        if not wanted.thinking or wanted.thoughts is None:
            return None
        return Budget(int(wanted.thoughts * _SOFT_SHARE), wanted.thoughts, self._close_ids)

    @staticmethod
    def _grammar(wanted: Wanted, tools: ToolSet) -> Grammar | None:
        if wanted.choice.kind not in ("required", "named"):
            return wanted.grammar or strict_grammar(tools)
        name = wanted.choice.name if wanted.choice.kind == "named" else None
        if not tools or (name is not None and name not in tools.by_client_name):
            raise RequestError(
                "tool_choice asks for a tool that is not among tools", param="tool_choice"
            )
        return call_grammar(tools, name)

    def _check_ids(self, ids: array[int]) -> None:
        if not ids:
            raise RequestError("the prompt is empty", param="prompt")
        if min(ids) < 0 or max(ids) >= self.hello.vocabulary:
            raise RequestError(
                f"the prompt has a token id outside the vocabulary of {self.hello.vocabulary}",
                param="prompt",
            )


def _said(turns: Sequence[Turn]) -> Iterator[str]:
    """All texts of a conversation."""
    for turn in turns:
        yield from (turn.text, turn.reasoning or "", *(call.arguments for call in turn.calls))


def _for_choice(ask: Ask, index: int) -> Ask:
    return replace(ask, drawing=replace(ask.drawing, stream=index))
