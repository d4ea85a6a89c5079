"""`cwm-agent bench serve`: the server under load."""

from __future__ import annotations

import json
import sys
from typing import Annotated

import typer

from cwm_agent.cli.options import Json
from cwm_agent.config.units import byte_size


def serve(
    streams: Annotated[int, typer.Option(min=1, help="Concurrent streams.")] = 200,
    disconnects: Annotated[int, typer.Option(min=1, help="Clients that leave early.")] = 200,
    requests: Annotated[int, typer.Option(min=1, help="Requests for the memory's growth.")] = 1000,
    sessions: Annotated[int, typer.Option(min=1, help="Agent sessions replayed at once.")] = 8,
    turns: Annotated[int, typer.Option(min=2, max=48, help="Turns per session.")] = 43,
    kv_memory: Annotated[
        str, typer.Option(help="Device memory of the replay; the more, the fewer misses.")
    ] = "24MiB",
    rate_seconds: Annotated[float, typer.Option(min=1, help="Seconds per request rate.")] = 10.0,
    seed: Annotated[int, typer.Option(help="Seed of the sessions.")] = 0,
    as_json: Json = False,
) -> None:
    """Load `cwm-agent serve` on the bundled model and replay agent traffic.

    The replay runs on two servers with the same device memory, some turns on each in
    turn: with conversations kept, and with request-level LRU prefix caching only.

    \b
    Example:
      cwm-agent bench serve --json
    """
    from cwm_agent.bench.serve.bench import ServeBench, measure_serve, serve_lines

    byte_size(kv_memory)  # what is no size is said at once, not after minutes
    bench = ServeBench(
        streams=streams,
        disconnects=disconnects,
        requests=requests,
        rate_seconds=rate_seconds,
        sessions=sessions,
        turns=turns,
        kv_memory=kv_memory,
        seed=seed,
    )
    figures = measure_serve(bench, lambda line: print(line, file=sys.stderr, flush=True))
    if as_json:
        print(json.dumps(figures.to_json(), indent=2))
        return
    for line in serve_lines(figures):
        print(line)
