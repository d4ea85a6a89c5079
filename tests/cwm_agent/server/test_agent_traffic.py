"""Traffic of agents, as `bench serve` plays it: who resends a history has its keys and values."""

from __future__ import annotations

import asyncio

import httpx
from live import Live

from cwm_agent.bench.serve.replay import Side, in_turns
from cwm_agent.bench.serve.traffic import agent_sessions

TURNS = 5  # more than one server answers before it is the other's turn


def test_all_that_was_computed_in_a_conversation_is_a_hit(server: Live) -> None:
    engine = server.running.service.link.pid
    assert engine is not None

    async def played() -> list[Side]:
        async with httpx.AsyncClient(base_url=server.url, timeout=120, trust_env=False) as client:
            sides = [Side.of(client, engine, agent_sessions(1, TURNS, seed=n)) for n in (1, 2)]
            await in_turns(sides, TURNS)
            return sides

    for side in asyncio.run(played()):
        found = side.replayed()
        assert len(found.ids) == TURNS
        assert found.hits_share == 1.0
        assert 0 < found.known < found.prompt_tokens
        assert found.rate > 0
        assert found.engine_seconds > 0
