"""An agent load on our engine: one prefilled session, forked, all samples at once."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

from cwm_agent.bench.engine.agent_load import AgentLoad, Replies
from cwm_agent.bench.engine.ours import answer, held_bytes, needed_bytes, opened, running_engine

if TYPE_CHECKING:
    from cwm_agent.bench.engine.twins import Twins
    from model.engine.session import Session


@dataclass(slots=True)
class SessionRun:
    """What one session did; token counts are those after turn one, unless said otherwise."""

    replies: list[list[int]] = field(default_factory=list)
    first_token: list[float] = field(default_factory=list)  # seconds, all turns
    prompt_tokens: int = 0  # of all requests: the whole context each time
    new_tokens: int = 0  # of these, without keys and values yet: last of the reply, observation
    computed: int = 0  # of these, computed as input
    recomputed: int = 0  # computed beyond the new ones
    drafted: int = 0
    accepted: int = 0


@dataclass(frozen=True, slots=True)
class EngineRun:
    """`seconds` without making the engine; `held_bytes` at the end, all sessions resident."""

    seconds: float
    sessions: list[SessionRun]
    steps: int
    held_bytes: int

    @property
    def replies(self) -> Replies:
        """Of all sessions."""
        return [session.replies for session in self.sessions]


def run_agents(twins: Twins, load: AgentLoad, recorded: Replies | None) -> EngineRun:
    """Carry out the load on a fresh engine with default options; each session is a thread."""
    room = 2 * load.sessions * needed_bytes(twins, load.longest)
    with (
        running_engine(twins, speculation=True, kv_bytes=room) as engine,
        ThreadPoolExecutor(load.sessions) as threads,
    ):
        begin = time.perf_counter()
        prefilled = opened(engine, load.prompt)
        prefilled.prefill().result()
        samples = prefilled.fork(load.sessions)
        running = [
            threads.submit(_run_session, load, number, session, recorded)
            for number, session in enumerate(samples)
        ]
        runs = [future.result() for future in running]
        seconds = time.perf_counter() - begin
        steps = engine.call(lambda: engine.core.stats.steps).result()
        return EngineRun(seconds, runs, steps, held_bytes(engine, twins))


def _note_time(arrived: list[float], _token: int) -> None:
    arrived.append(time.perf_counter())


def _run_session(
    load: AgentLoad, number: int, session: Session, recorded: Replies | None
) -> SessionRun:
    """All turns of one session; a reply that is not the recorded one is replaced by it."""
    run = SessionRun()
    for turn in range(load.turns):
        arrived: list[float] = []
        begin = time.perf_counter()
        if turn:
            session.append(load.observations[number][turn - 1])
        generation = answer(session, load.reply_tokens, partial(_note_time, arrived))
        run.replies.append(list(generation.ids))
        run.first_token.append(arrived[0] - begin)
        if turn:
            new = 1 + len(load.observations[number][turn - 1])
            run.prompt_tokens += generation.prompt_tokens
            run.new_tokens += new
            run.computed += generation.prefilled
            run.recomputed += max(0, generation.prefilled - new)
        if recorded is not None and run.replies[-1] != recorded[number][turn]:
            session.rollback(generation.prompt_tokens)
            session.append(recorded[number][turn])
        if turn + 1 < load.turns:
            time.sleep(load.tool_seconds)
    run.drafted, run.accepted = session.counters.drafted, session.counters.accepted
    return run
