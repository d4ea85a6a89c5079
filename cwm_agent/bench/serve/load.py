"""The server under load: arrivals at several rates, many streams at once, clients that leave."""

from __future__ import annotations

import asyncio
import os
import random
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import httpx

from cwm_agent.bench.serve.streams import Heard, hear

PATH = "/v1/chat/completions"
GOOD_FIRST, GOOD_GAP = 2.0, 0.2
"""Seconds to the first token, and between two on average, for an answer to be good."""
_PAGE = 4096


@dataclass(frozen=True, slots=True)
class RateFigures:
    """Arrivals at random moments, `rate` a second: times in milliseconds, good answers a second."""

    rate: float
    requests: int
    ttft_p50_ms: float
    ttft_p95_ms: float
    itl_p50_ms: float
    itl_p95_ms: float
    goodput: float


async def at_rate(client: httpx.AsyncClient, rate: float, seconds: float) -> RateFigures:
    """Poisson arrivals for so long; each request is counted to its end."""
    draw = random.Random(int(rate * 1000))
    tasks: list[asyncio.Task[Heard]] = []
    began = time.monotonic()
    while time.monotonic() - began < seconds:
        tasks.append(asyncio.create_task(hear(client, PATH, _question(len(tasks), 24))))
        await asyncio.sleep(draw.expovariate(rate))
    heard = await asyncio.gather(*tasks)
    whole = time.monotonic() - began
    gaps = [gap for one in heard for gap in one.gaps]
    first = [one.first for one in heard if one.first is not None]
    good = [one for one in heard if _good(one)]
    return RateFigures(
        rate,
        len(heard),
        ttft_p50_ms=1000 * quantile(first, 0.5),
        ttft_p95_ms=1000 * quantile(first, 0.95),
        itl_p50_ms=1000 * quantile(gaps, 0.5),
        itl_p95_ms=1000 * quantile(gaps, 0.95),
        goodput=len(good) / whole,
    )


def _good(heard: Heard) -> bool:
    gap = sum(heard.gaps) / len(heard.gaps) if heard.gaps else 0.0
    return heard.whole and (heard.first or 1e9) <= GOOD_FIRST and gap <= GOOD_GAP


async def many_streams(client: httpx.AsyncClient, count: int) -> int:
    """So many at once; how many of them did not come to their end."""
    asked = [hear(client, PATH, _question(number, 16)) for number in range(count)]
    heard = await asyncio.gather(*asked, return_exceptions=True)
    return sum(not (isinstance(one, Heard) and one.whole) for one in heard)


async def leave_early(client: httpx.AsyncClient, count: int, seed: int = 0) -> None:
    """Clients that ask for much and go at a random moment, some dozens at a time."""
    draw = random.Random(seed)
    for start in range(0, count, 32):
        times = [draw.uniform(0.0, 0.4) for _ in range(start, min(count, start + 32))]
        await asyncio.gather(*(_leave(client, start, seconds) for seconds in times))


async def _leave(client: httpx.AsyncClient, number: int, seconds: float) -> None:
    body = _question(number, 2000) | {"ignore_eos": True}
    try:
        await asyncio.wait_for(hear(client, PATH, body), seconds)
    except (TimeoutError, httpx.HTTPError):
        return


async def short_requests(client: httpx.AsyncClient, count: int) -> None:
    """One small question after the other, four at a time."""
    numbers = iter(range(count))

    async def ask() -> None:
        for number in numbers:
            answer = await client.post(PATH, json=_question(number, 1))
            answer.raise_for_status()

    await asyncio.gather(*(ask() for _ in range(4)))


def rss(pids: Sequence[int]) -> float:
    """Resident memory of processes in MiB."""
    pages = [int(Path(f"/proc/{pid}/statm").read_text().split()[1]) for pid in pids]
    return sum(pages) * _PAGE / 2**20


def cpu_seconds(pid: int) -> float:
    """Processor time that a process has used, its threads included (proc_pid_stat(5))."""
    after_name = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    user, system = int(after_name[11]), int(after_name[12])
    return (user + system) / os.sysconf("SC_CLK_TCK")


def quantile(values: Sequence[float], share: float) -> float:
    """The value below which that share lies; 0 of none."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else 0.0


def _question(number: int, tokens: int) -> dict[str, object]:
    text = f"Question {number % 97}: the function in calc.py gives a wrong value, why?"
    message = {"role": "user", "content": text}
    return {"messages": [message], "max_tokens": tokens, "temperature": 1, "seed": number}
