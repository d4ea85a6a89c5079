"""Conversations and traces as token ids with loss weights, as the engine would hold them."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from cwm_agent.generated.probes import TooSlowError
from cwm_agent.generated.task import draw_task
from cwm_agent.nano.expert import VERDICTS, Conversation, converse
from cwm_agent.nano.programs import record_program
from cwm_agent.nano.stage import Turn
from cwm_agent.nano.training.batch import Sample
from cwm_agent.nano.vocabulary import CONTROL, SIZE
from cwm_agent.prompts.packs import load
from model.text.chat import ChatFormat, ChatMessage
from model.text.tokenizer import Tokenizer
from model.text.traces import TraceFormat
from tools.texts import Texts


@dataclass(frozen=True, slots=True)
class Weights:
    """How much the prediction of a token counts in the loss."""

    edit: float = 3.0
    line_end: float = 6.0
    verdict: float = 2.0
    answer: float = 0.7
    observation: float = 0.25
    issue: float = 0.1
    source: float = 0.1

    def of_answer(self, turn: Turn) -> float:
        """Finding the line and its repair is what is hard; mistakes are not learnt at all.

        Next comes telling by the output of a check whether it was right. `line_end` is
        for what follows a line of an edit: the next one, or the end of the thought.
        """
        if not turn.learnt:
            return 0.0
        if "<tool: edit>" in turn.text:
            return self.edit
        return self.verdict if turn.text.startswith(VERDICTS) else self.answer


def render_conversation(
    turns: tuple[Turn, ...],
    chat: ChatFormat,
    weights: Weights,
    line_ends: frozenset[int] = frozenset(),
) -> Sample:
    """The ids of a whole conversation, part by part as `ChatFormat` gives them to the engine.

    `line_ends` are the ids that begin with a newline.
    """
    ids: list[int] = []
    loss: list[float] = []

    def add(part: list[int], weight: float) -> None:
        ids.extend(part)
        loss.extend([weight] * len(part))

    waiting: list[ChatMessage] = []
    for turn in turns:
        if turn.role != "assistant":
            waiting.append(ChatMessage(turn.role, turn.text))
            continue
        weight = weights.observation if ids else weights.issue
        add(chat.continuation(waiting, last_id=ids[-1] if ids else None), weight)
        waiting.clear()
        part = chat.answer(turn.text, finished=True)
        weight = weights.of_answer(turn)
        add(part, weight)
        if weight == weights.edit:
            ends = (len(loss) - len(part) + i for i, token in enumerate(part) if token in line_ends)
            for at in ends:
                loss[at] = weights.line_end
    if waiting:
        add(chat.continuation(waiting, last_id=ids[-1]), weights.observation)
    return Sample(tuple(ids), tuple(loss))


@dataclass(frozen=True)
class NanoSource:
    """An endless stream of training samples; a `SampleSource`.

    `traces` is the share of trace predictions. Of the conversations the share
    `short` ends with the last repair, `routine` is shown to its end, which is
    always the same, and the others end with the check of the repair.
    """

    tokenizer_folder: Path
    traces: float = 0.15
    short: float = 0.35
    routine: float = 0.15
    longest: int = 1280
    weights: Weights = field(default_factory=Weights)

    def __call__(self, seed: int) -> Iterator[Sample]:
        """Samples of a seed, always the same."""
        texts = load("nano")
        number = 0
        while True:
            number += 1
            rng = random.Random(f"sample/{seed}/{number}")
            try:
                if rng.random() < self.traces:
                    sample = self._trace(f"{seed}/{number}")
                else:
                    sample = self._conversation(f"{seed}/{number}", rng, texts)
            except TooSlowError:  # a stream for days must not end with one odd draw
                continue
            if len(sample.ids) <= self.longest:
                yield sample

    @cached_property
    def _tokenizer(self) -> Tokenizer:
        return Tokenizer.from_folder(self.tokenizer_folder)

    @cached_property
    def _chat(self) -> ChatFormat:
        return ChatFormat(self._tokenizer)

    @cached_property
    def _line_ends(self) -> frozenset[int]:
        ids = range(SIZE - len(CONTROL))
        return frozenset(i for i in ids if self._tokenizer.token_bytes(i).startswith(b"\n"))

    def _conversation(self, seed: str, rng: random.Random, texts: Texts) -> Sample:
        found: Conversation = converse(draw_task(seed, "train"), rng, texts)
        turns = found.turns
        shown = rng.random()
        if shown < self.short:
            turns = turns[: found.check]
        elif shown >= self.short + self.routine:
            turns = turns[: found.routine + 1]
        return render_conversation(turns, self._chat, self.weights, self._line_ends)

    def _trace(self, seed: str) -> Sample:
        program = record_program(f"train/{seed}")
        form = TraceFormat(self._tokenizer)
        prompt = form.prompt(program.source)
        ids, loss = list(prompt), [self.weights.source] * len(prompt)
        for frame in program.frames:
            part = form.frame(frame)
            ids += part
            loss += [1.0] * len(part)
        ids.append(form.end_id)
        loss.append(1.0)
        return Sample(tuple(ids), tuple(loss))


def vocabulary_texts(count: int) -> Iterator[str]:
    """Texts to learn the vocabulary from: every turn of some conversations, and traces."""
    texts = load("nano")
    for number in range(count):
        rng = random.Random(f"vocabulary/{number}")
        for turn in converse(draw_task(f"vocabulary/{number}", "train"), rng, texts).turns:
            yield turn.role
            yield f"<think>\n{turn.text}" if turn.role == "assistant" else turn.text
        if number % 5 == 0:
            program = record_program(f"vocabulary/{number}")
            yield program.source
            yield from (part for frame in program.frames for part in frame.texts())
