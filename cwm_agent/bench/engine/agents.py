"""Samples of one issue in parallel: our engine beside three ways to use `generate`."""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cwm_agent.bench.engine import agent_peers
from cwm_agent.bench.engine.agent_load import AgentLoad, Replies, equal_share
from cwm_agent.bench.engine.agent_ours import EngineRun, run_agents
from cwm_agent.bench.engine.ours import needed_bytes
from cwm_agent.bench.pairs import Lap, lap, pair_ratio, time_in_turn
from envs.progress import Say

if TYPE_CHECKING:
    from cwm_agent.bench.engine.twins import Twins

PEERS = {
    "batched": agent_peers.batched,
    "cached": agent_peers.cached,
    "plain": agent_peers.plain,
}
FAIR = ("batched", "cached")


@dataclass(frozen=True, slots=True)
class PeerFigures:
    """`ratio`: median over rounds of its seconds over the engine's."""

    seconds: tuple[float, ...]
    ratio: float
    tokens_per_second: float
    equal_replies: float


@dataclass(frozen=True, slots=True)
class AgentFigures:
    """See `SessionRun` for the token counts, which leave out turn one.

    `ratio` is that of the better fair peer, `plain_ratio` that of plain
    `generate`. `first_token` is in seconds from the arrival of an observation,
    over all turns of all sessions, and as the median of each turn.
    `held_bytes` of keys and values are held at the end by all sessions;
    `unshared_bytes` they would take if each had its own prompt.
    """

    sessions: int
    turns: int
    prompt_tokens: int
    reply_tokens: int
    observation_tokens: int
    tool_seconds: float
    engine_seconds: tuple[float, ...]
    peers: dict[str, PeerFigures]
    better_peer: str
    ratio: float
    plain_ratio: float
    tokens_per_second: float
    first_token_median: float
    first_token_p95: float
    first_token_by_turn: tuple[float, ...]
    context_tokens: int
    new_tokens: int
    computed_tokens: int
    recomputed_tokens: int
    recomputed_share: float
    reused_share: float
    steps: int
    drafted: int
    accepted: int
    held_bytes: int
    unshared_bytes: int
    ids_equal: bool


def measure_agents(twins: Twins, load: AgentLoad, *, rounds: int, progress: Say) -> AgentFigures:
    """Replies are recorded once and compared with those of everybody in every round.

    Making the engine is not timed; computing the shared prompt is.
    """
    recorded = run_agents(twins, load, None).replies
    progress("sessions: replies recorded")
    runs: list[EngineRun] = []

    def ours(_: int) -> Lap[Replies]:
        runs.append(run_agents(twins, load, recorded))
        return Lap(runs[-1].seconds, runs[-1].replies)

    def peer(name: str) -> Callable[[int], Lap[Replies]]:
        def theirs(_: int) -> Lap[Replies]:
            done = lap(PEERS[name], twins, load, recorded)
            return Lap(done.seconds - done.result.excluded, done.result.replies)

        return theirs

    ways = {"engine": ours, **{name: peer(name) for name in PEERS}}
    timed = time_in_turn(ways, rounds, progress, "sessions")
    engine = timed.pop("engine")
    peers = {
        name: PeerFigures(
            seconds=way.seconds,
            ratio=pair_ratio(engine.seconds, way.seconds),
            tokens_per_second=load.sampled_tokens / way.median,
            equal_replies=_equal(way.results, recorded),
        )
        for name, way in timed.items()
    }
    same = min(_equal(engine.results, recorded), *(p.equal_replies for p in peers.values()))
    return _figures(twins, load, runs, engine.seconds, peers, same == 1.0)


def _equal(rounds: Sequence[Replies], recorded: Replies) -> float:
    return statistics.fmean(equal_share(replies, recorded) for replies in rounds)


def _figures(
    twins: Twins,
    load: AgentLoad,
    runs: list[EngineRun],
    seconds: tuple[float, ...],
    peers: dict[str, PeerFigures],
    ids_equal: bool,
) -> AgentFigures:
    better = min(FAIR, key=lambda name: peers[name].ratio)
    by_turn = list(zip(*(s.first_token for run in runs for s in run.sessions), strict=True))
    waits = sorted(seconds for turn in by_turn for seconds in turn)

    def total(field: str) -> int:
        """Of one round, on average."""
        counts: list[int] = [getattr(session, field) for run in runs for session in run.sessions]
        return round(sum(counts) / len(runs))

    context, computed, recomputed = total("prompt_tokens"), total("computed"), total("recomputed")
    return AgentFigures(
        sessions=load.sessions,
        turns=load.turns,
        prompt_tokens=len(load.prompt),
        reply_tokens=load.reply_tokens,
        observation_tokens=load.observation_tokens,
        tool_seconds=load.tool_seconds,
        engine_seconds=seconds,
        peers=peers,
        better_peer=better,
        ratio=peers[better].ratio,
        plain_ratio=peers["plain"].ratio,
        tokens_per_second=load.sampled_tokens / statistics.median(seconds),
        first_token_median=statistics.median(waits),
        first_token_p95=waits[math.ceil(0.95 * len(waits)) - 1],
        first_token_by_turn=tuple(statistics.median(turn) for turn in by_turn),
        context_tokens=context,
        new_tokens=total("new_tokens"),
        computed_tokens=computed,
        recomputed_tokens=recomputed,
        recomputed_share=recomputed / max(1, context),
        reused_share=1 - computed / max(1, context),
        steps=round(statistics.fmean(run.steps for run in runs)),
        drafted=total("drafted"),
        accepted=total("accepted"),
        held_bytes=max(run.held_bytes for run in runs),
        unshared_bytes=load.sessions * needed_bytes(twins, load.longest),
        ids_equal=ids_equal,
    )
