"""All parts of `bench serve`, one after the other, each on a server of its own."""

from __future__ import annotations

import asyncio
import os
import tempfile
from array import array
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path

import httpx

from cwm_agent.bench.serve.llama_cpp import clients, llama_cpp, missing, one_thread
from cwm_agent.bench.serve.load import (
    RateFigures,
    at_rate,
    leave_early,
    many_streams,
    rss,
    short_requests,
)
from cwm_agent.bench.serve.replay import Replayed, Side, in_turns
from cwm_agent.bench.serve.smollm2 import GGUF, packed_weights, unpack
from cwm_agent.bench.serve.streams import hear
from cwm_agent.bench.serve.traffic import agent_sessions
from cwm_agent.config.resolve import load_settings
from cwm_agent.config.settings import Settings
from cwm_agent.config.units import byte_size
from cwm_agent.policies import bundled
from cwm_agent.prompts.packs import load
from cwm_agent.server.command import served_settings
from cwm_agent.server.options import ServeOptions
from cwm_agent.server.running import Running, running

_LEFT_SECONDS = 30.0
_WARM = 1000  # requests before memory is looked at


@dataclass(frozen=True, slots=True)
class ServeBench:
    """What to measure. `kv_memory` is for the replay: the device holds some of the `sessions`, as
    on a card with many agents; what does not fit may go to `host_memory`."""

    streams: int = 200
    disconnects: int = 200
    requests: int = 1000
    rates: tuple[float, ...] = (1.0, 4.0, 16.0)
    rate_seconds: float = 10.0
    sessions: int = 8
    turns: int = 43
    kv_memory: str = "24MiB"
    host_memory: str = "512MiB"
    peer_sessions: int = 4
    peer_turns: int = 8
    peer_memory: str = "1GiB"
    seed: int = 0


@dataclass(frozen=True, slots=True)
class ServeFigures:
    """Shares from 0 to 1, times in milliseconds, ratios of answers a second (ours / theirs).

    `replay_kv_share` is the device memory in all that the sessions hold at their end;
    `replay_llama_cpp_equal` is the share of answers that both gave in the same words.
    `replay_seconds` and `replay_engine_seconds` (processor time) are ours and LRU's.
    """

    ids_equal: bool
    replay_hits_share: float
    replay_ratio_lru: float
    replay_ratio_llama_cpp: float | None
    ttft_p50_ms: float
    ttft_p95_ms: float
    streams: int
    streams_lost: int
    sessions_left: int
    pages_left: int
    rss_growth_mib: float
    replay_ratio_llama_cpp_reason: str | None = None
    replay_llama_cpp_equal: float | None = None
    replay_ids_equal: bool = True
    replay_lru_hits_share: float = 0.0
    replay_kv_share: float = 0.0
    replay_seconds: tuple[float, float] = (0.0, 0.0)
    replay_engine_seconds: tuple[float, float] = (0.0, 0.0)
    rates: list[RateFigures] = field(default_factory=list)

    def to_json(self) -> dict[str, object]:
        """As `--json` prints it."""
        return asdict(self)


def measure_serve(bench: ServeBench, say: Callable[[str], None]) -> ServeFigures:
    """Run all parts on the bundled model; raises what a server raises that cannot start."""
    return asyncio.run(_measure(bench, say))


async def _measure(bench: ServeBench, say: Callable[[str], None]) -> ServeFigures:
    async with _served(_settings()) as (server, client):
        say("tokens through the server and embedded")
        equal = await _ids_equal(client)
        say(f"rates {', '.join(map(str, bench.rates))} a second")
        rates = [await at_rate(client, rate, bench.rate_seconds) for rate in bench.rates]
        say(f"{bench.streams} streams at once")
        lost = await many_streams(client, bench.streams)
        say(f"{bench.disconnects} clients that leave")
        await leave_early(client, bench.disconnects)
        sessions, pages = await _left(server)
        say(f"{bench.requests} requests in a row")
        growth = await _growth(server, client, bench.requests)
    ours, lru = await _replays(bench, say)
    reason = missing()
    peer = (None, None) if reason else await _against_llama_cpp(bench, say)
    return ServeFigures(
        ids_equal=equal,
        replay_hits_share=ours.hits_share,
        replay_ratio_lru=ours.rate / lru.rate,
        replay_ratio_llama_cpp=peer[0],
        ttft_p50_ms=rates[0].ttft_p50_ms,
        ttft_p95_ms=rates[0].ttft_p95_ms,
        streams=bench.streams,
        streams_lost=lost,
        sessions_left=sessions,
        pages_left=pages,
        rss_growth_mib=growth,
        replay_ratio_llama_cpp_reason=reason,
        replay_llama_cpp_equal=peer[1],
        replay_ids_equal=ours.ids == lru.ids,
        replay_lru_hits_share=lru.hits_share,
        replay_kv_share=_kv_share(bench.kv_memory, ours.lengths),
        replay_seconds=(ours.seconds, lru.seconds),
        replay_engine_seconds=(ours.engine_seconds, lru.engine_seconds),
        rates=rates,
    )


async def _replays(bench: ServeBench, say: Callable[[str], None]) -> tuple[Replayed, Replayed]:
    """Conversations kept (in host memory, too), and request-level LRU on the same device memory."""
    sessions = agent_sessions(bench.sessions, bench.turns, seed=bench.seed)
    settings = _settings(
        f"engine.kv_memory={bench.kv_memory}",
        f"engine.host_memory={bench.host_memory}",
        "engine.typical_tokens=4096",
    )
    say(f"{bench.sessions} sessions of {bench.turns} turns, in turns with conversations kept")
    say("  and with request-level LRU only")
    async with _served(settings) as kept, _served(settings, keep=0) as plain:
        sides = [Side.of(client, _engine_of(server), sessions) for server, client in (kept, plain)]
        await in_turns(sides, bench.turns)
    return sides[0].replayed(), sides[1].replayed()


async def _against_llama_cpp(bench: ServeBench, say: Callable[[str], None]) -> tuple[float, float]:
    """Our answers a second by those of llama.cpp's server, and the share of equal answers.

    The same weights and memory, one thread each; both keep conversations.
    """
    turns = min(bench.turns, bench.peer_turns)
    sessions = agent_sessions(bench.peer_sessions, turns, seed=bench.seed)
    packed = packed_weights(clients() / "smollm2")
    assert packed is not None  # `missing` looked
    say(f"{len(sessions)} sessions of {turns} turns of SmolLM2, here and on llama.cpp's server")
    with tempfile.TemporaryDirectory(prefix="smollm2-") as folder, one_thread():
        files = await asyncio.to_thread(unpack, packed, Path(folder))
        settings = _settings(f"model={files}", f"engine.kv_memory={bench.peer_memory}")
        async with (
            _served(settings, folder=files) as (server, client),
            llama_cpp(files / GGUF, byte_size(bench.peer_memory)) as (pid, other),
        ):
            plain = {"chat_template_kwargs": {"enable_thinking": False}}
            ours = Side.of(client, _engine_of(server), sessions, **plain)
            theirs = Side.of(other, pid, sessions)
            await in_turns((ours, theirs), turns)
    one, other_one = ours.replayed(), theirs.replayed()
    same = sum(map(str.__eq__, one.texts, other_one.texts))
    return one.rate / other_one.rate, same / len(one.texts)


def _engine_of(server: Running) -> int:
    pid = server.service.link.pid
    assert pid is not None
    return pid


async def _ids_equal(client: httpx.AsyncClient) -> bool:
    """Greedy and seeded answers to prompts of ids, here and from an engine in this process."""
    from model.checkpoint.open import open_checkpoint
    from model.engine.build import build_engine
    from model.engine.generation import Request
    from model.engine.session import Session
    from model.step.sampler import GREEDY, Sampling
    from model.text.stops import IdWatcher

    files = open_checkpoint(bundled.folder())
    texts = ("def add(a, b):\n", "class A:\n    x = 1\n", "The value is wrong.", "import os\n")
    equal = True
    with build_engine(files.config, files.source) as engine:
        for number, text in enumerate(texts * 2):
            sampling = GREEDY if number < len(texts) else Sampling(0.8, 0.9, seed=number)
            prompt = [2033, *files.tokenizer.encode_text(text)]
            session = Session(engine)
            session.append(array("i", prompt))
            future = session.generate(Request(48, sampling), IdWatcher(files.config.eos_ids))
            engine.run_until_idle()
            body = {
                "prompt": prompt,
                "max_tokens": 48,
                "temperature": sampling.temperature,
                "top_p": sampling.top_p,
                "seed": sampling.seed,
            }
            heard = await hear(client, "/v1/completions", body)
            equal = equal and tuple(heard.ids) == future.result().ids
    return equal


def _kv_share(kv_memory: str, lengths: Sequence[int]) -> float:
    """The device memory in the memory of sessions of so many tokens."""
    from model.checkpoint.open import open_checkpoint
    from model.engine.memory import Deployment

    files = open_checkpoint(bundled.folder())
    costs = Deployment(files.config, itemsize=files.source.dtype.itemsize).costs
    return byte_size(kv_memory) / sum(map(costs.session, lengths))


async def _left(server: Running) -> tuple[int, int]:
    """Sessions and pages that the engine still holds, when nothing is kept and all had time."""
    seen = await server.service.link.forget()
    end = asyncio.get_running_loop().time() + _LEFT_SECONDS
    while seen.sessions and asyncio.get_running_loop().time() < end:
        await asyncio.sleep(0.1)
        seen = await server.service.link.forget()
    return seen.sessions, seen.pages


async def _growth(server: Running, client: httpx.AsyncClient, count: int) -> float:
    """MiB that both processes grow by in `count` requests, once others made them warm."""
    engine = _engine_of(server)
    await short_requests(client, min(count, _WARM))
    before = rss([os.getpid(), engine])
    await short_requests(client, count)
    return rss([os.getpid(), engine]) - before


def _settings(*assignments: str) -> Settings:
    return served_settings(load_settings(assignments=("model=nano", *assignments))).settings


@asynccontextmanager
async def _served(
    settings: Settings, *, keep: int = 1024, folder: Path | None = None
) -> AsyncIterator[tuple[Running, httpx.AsyncClient]]:
    options = ServeOptions(folder or bundled.folder(), bundled.NAME, port=0, keep=keep)
    limits = httpx.Limits(max_connections=None)
    async with (
        running(options, settings, load(settings.prompt_pack)) as server,
        httpx.AsyncClient(
            base_url=server.url, limits=limits, timeout=600, trust_env=False
        ) as client,
    ):
        yield server, client


def serve_lines(figures: ServeFigures) -> list[str]:
    """The figures for people."""
    lines = [
        f"tokens as embedded        {'equal' if figures.ids_equal else 'DIFFERENT'}",
        f"first token               {figures.ttft_p50_ms:.0f} ms (p95 {figures.ttft_p95_ms:.0f})",
        f"streams at once           {figures.streams}, lost {figures.streams_lost}",
        f"left behind               {figures.sessions_left} sessions, {figures.pages_left} pages",
        f"memory                    {figures.rss_growth_mib:+.1f} MiB",
        f"replay: hits              {figures.replay_hits_share:.2%}"
        f" (request-level LRU {figures.replay_lru_hits_share:.2%})",
        f"replay: rate / LRU's      {figures.replay_ratio_lru:.2f}"
        f" ({'equal' if figures.replay_ids_equal else 'DIFFERENT'} tokens,"
        f" {figures.replay_kv_share:.0%} of the sessions fit)",
        f"replay: engine's time     {figures.replay_engine_seconds[0]:.1f} s"
        f" (request-level LRU {figures.replay_engine_seconds[1]:.1f})",
        _llama_cpp_line(figures),
    ]
    lines += [
        f"rate {one.rate:5.1f}/s  first {one.ttft_p50_ms:.0f}/{one.ttft_p95_ms:.0f} ms, between "
        f"{one.itl_p50_ms:.1f}/{one.itl_p95_ms:.1f} ms, good {one.goodput:.2f}/s"
        for one in figures.rates
    ]
    return lines


def _llama_cpp_line(figures: ServeFigures) -> str:
    if figures.replay_ratio_llama_cpp is None:
        return f"replay: rate / llama.cpp  - ({figures.replay_ratio_llama_cpp_reason})"
    return (
        f"replay: rate / llama.cpp  {figures.replay_ratio_llama_cpp:.2f}"
        f" (SmolLM2 in float32; {figures.replay_llama_cpp_equal:.0%} equal answers)"
    )
