"""The figures of `bench engine` for people."""

from __future__ import annotations

import statistics
from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cwm_agent.bench.engine.agents import AgentFigures
    from cwm_agent.bench.engine.batch import BatchFigures
    from cwm_agent.bench.engine.copying import CopyFigures
    from cwm_agent.bench.engine.engine import EngineFigures
    from cwm_agent.bench.engine.single import SingleFigures

MIB = 2**20


def engine_lines(figures: EngineFigures) -> Iterator[str]:
    """One line each; a ratio says how many times as long transformers takes."""
    setting = figures.setting
    yield (
        f"{setting.model}, {setting.parameters / 1e6:.1f}M parameters, {setting.dtype} on "
        f"{setting.device}, {setting.threads} of {setting.cores} cores ({setting.cpu})"
    )
    yield (
        f"torch {setting.torch}, transformers {setting.transformers} "
        f"({setting.attention} attention), rounds {figures.rounds}"
    )
    if figures.batch1 is not None:
        yield from _batch1(figures.batch1)
    if figures.sessions is not None:
        yield from _sessions(figures.sessions)
    if figures.edits is not None:
        yield from _edits(figures.edits)
    if figures.batch is not None:
        yield from _batch(figures.batch)
    yield ""
    yield f"ids equal everywhere: {_yes(figures.summary()['ids_equal'])}"


def _batch1(part: SingleFigures) -> Iterator[str]:
    yield ""
    yield f"batch 1: {part.prompt_tokens} prompt tokens, {part.new_tokens} new"
    yield _row("transformers", part.transformers_seconds, part.transformers_tokens_per_second)
    usual = part.tokens_per_second
    yield _row("engine, as it is by default", part.engine_seconds, usual, part.ratio)
    plain = part.new_tokens / statistics.median(part.engine_plain_seconds)
    yield _row("engine, prompt lookup off", part.engine_plain_seconds, plain, part.plain_ratio)
    yield f"  ids equal {_yes(part.ids_equal)}; guessed {part.drafted}, right {part.accepted}"


def _sessions(part: AgentFigures) -> Iterator[str]:
    yield ""
    yield (
        f"{part.sessions} samples of one issue, {part.turns} turns: prompt {part.prompt_tokens}, "
        f"reply {part.reply_tokens}, observation {part.observation_tokens} tokens, "
        f"tools {part.tool_seconds} s"
    )
    yield _row("engine", part.engine_seconds, part.tokens_per_second)
    names = {
        "batched": "generate, one padded batch",
        "cached": "generate, cache kept",
        "plain": "generate, nothing kept",
    }
    for name, peer in part.peers.items():
        yield _row(names[name], peer.seconds, peer.tokens_per_second, peer.ratio)
    yield (
        f"  first token after {1e3 * part.first_token_median:.0f} ms "
        f"(p95 {1e3 * part.first_token_p95:.0f}); after turn one {part.context_tokens} prompt "
        f"tokens, {part.new_tokens} new: reused {part.reused_share:.1%}, "
        f"recomputed {part.recomputed_share:.2%}"
    )
    yield (
        f"  keys and values {part.held_bytes / MIB:.1f} MiB "
        f"({part.unshared_bytes / MIB:.1f} if nothing were shared); {part.steps} steps; "
        f"ids equal {_yes(part.ids_equal)}"
    )


def _edits(part: CopyFigures) -> Iterator[str]:
    yield ""
    yield f"{part.edits} edits of files just read, {sum(part.reply_tokens)} tokens"
    yield (
        f"  steps {part.plain_steps} without lookup, {part.steps} with: "
        f"{part.step_ratio:.2f} times fewer ({part.accepted} of {part.drafted} guesses right)"
    )
    yield (
        f"  seconds {part.plain_seconds:.3f} without, {part.seconds:.3f} with; "
        f"ids equal {_yes(part.ids_equal)}"
    )


def _batch(part: BatchFigures) -> Iterator[str]:
    yield ""
    yield (
        f"{len(part.prompt_tokens)} prompts of {part.prompt_tokens[0]} to "
        f"{part.prompt_tokens[-1]} tokens at once, {part.new_tokens} new tokens each"
    )
    yield _row("engine", part.engine_seconds, part.tokens_per_second)
    theirs = part.transformers_tokens_per_second
    yield _row("generate, one padded batch", part.transformers_seconds, theirs, part.ratio)
    yield f"  answers equal {part.equal_answers:.1%}"


def _row(
    name: str, seconds: tuple[float, ...], per_second: float, ratio: float | None = None
) -> str:
    shown = f"  {name:28} {statistics.median(seconds):9.3f} s {per_second:9.1f} tokens/s"
    return shown if ratio is None else f"{shown}   ratio {ratio:.2f}"


def _yes(value: object) -> str:
    return "yes" if value else "NO"
