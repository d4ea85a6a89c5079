"""Executions as training samples in both trace grammars: what the bundled debugger learns from."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from cwm_agent.debug.actions.trajectory import sample
from cwm_agent.debug.actions.tree import StateTree
from cwm_agent.nano.programs import Program, record_program
from cwm_agent.nano.training.batch import Sample
from model.text.actions import ActionFormat
from model.text.tokenizer import Tokenizer
from model.text.traces import START_MARK, TraceFormat

_MAIN = "\n\ndef main():"
_SOURCE = 0.1  # weight of the loss on the source
_INNER = 0.6  # share of inverse trajectories from the return of a function that `main` calls


@dataclass(frozen=True)
class TraceSource:
    """An endless stream of traces; a `SampleSource`.

    `frames` is the share of CWM's traces, `inverse` that of trajectories that go back; the
    others go forward.
    """

    tokenizer_folder: Path
    frames: float = 0.55
    inverse: float = 0.15
    longest: int = 1280

    def __call__(self, seed: int) -> Iterator[Sample]:
        """Samples of a seed, always the same."""
        number = 0
        while True:
            number += 1
            rng = random.Random(f"trace/{seed}/{number}")
            program = record_program(f"train/{seed}/{number}")
            kind = rng.random()
            if kind < self.frames:
                found = self.trace(program)
            else:
                found = self.trajectory(program, rng, inverse=kind > 1 - self.inverse)
            if len(found.ids) <= self.longest:
                yield found

    def trace(self, program: Program) -> Sample:
        """The program in CWM's own grammar."""
        form = TraceFormat(self._tokenizer)
        prompt = form.prompt(program.source)
        ids = form.frames(program.frames)
        loss = [_SOURCE] * len(prompt) + [1.0] * len(ids)
        return Sample((*prompt, *ids), tuple(loss))

    def trajectory(self, program: Program, rng: random.Random, *, inverse: bool) -> Sample:
        """A random way through it in the grammar of debugger actions."""
        source, tree = unmarked(program)
        if inverse:
            ends = [i for i, node in enumerate(tree.nodes) if node.kind == "return"]
            inner = len(ends) > 1 and rng.random() < _INNER
            if inner:  # without the call that tells what is asked for
                source = source[: source.index(_MAIN)]
            tree = tree.inverted(rng.choice(ends[:-1]) if inner else ends[-1])
        form = ActionFormat(self._tokenizer, inverse=inverse)
        prompt = form.prompt(source)
        ids, said = sample(tree, source.split("\n"), rng).ids(form)
        loss = [_SOURCE] * len(prompt) + [1.0 if one else 0.0 for one in said]
        return Sample((*prompt, *ids), tuple(loss))

    @cached_property
    def _tokenizer(self) -> Tokenizer:
        return Tokenizer.from_folder(self.tokenizer_folder)


def unmarked(program: Program) -> tuple[str, StateTree]:
    """Source and states without the mark of the entry, which this grammar does not have."""
    frames = [replace(one, line=one.line.replace(START_MARK, "")) for one in program.frames]
    tree = StateTree.of(frames, "error" if program.raised else "normal")
    return program.source.replace(START_MARK, ""), tree
