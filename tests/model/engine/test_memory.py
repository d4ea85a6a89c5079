"""Memory planning: figures of the 32B model worked out by hand, and rules that always hold."""

from __future__ import annotations

import re
from dataclasses import replace

import hypothesis.strategies as st
import pytest
import torch
from engines import CPU
from hypothesis import given, settings

from model.checkpoint.quantize import Quantization, layer_quantizer
from model.checkpoint.weights import held_bytes, random_weights
from model.config.shapes import CWM_32B, NANO, with_layers
from model.config.shards import Shard
from model.engine.build import EngineOptions, build_engine
from model.engine.fit import plan_fit, require_fit
from model.engine.memory import GIB, Deployment, plan_memory, weight_bytes
from model.engine.scheduler import SchedulerSettings
from model.errors import ConfigError, MemoryPlanError
from model.kvcache.sizing import PageCosts, plan_pages
from model.runner.graphs import graph_sizes, padded_size

LARGE = Deployment(CWM_32B)

# One layer: 8192 x 6144 (queries, keys, values), 6144 x 6144, 43008 x 6144, 6144 x 21504.
LINEAR = 50_331_648 + 37_748_736 + 264_241_152 + 132_120_576
ROWS = 8192 + 6144 + 43008 + 6144
EMBEDDING = 128_256 * 6144
NORMS = 64 * 2 * 6144 + 6144


@pytest.mark.parametrize(
    ("quantization", "ranks", "expected"),
    [
        ("none", 1, 2 * 32_581_097_472),  # the published number of parameters
        ("fp8", 1, 64 * (LINEAR + 4 * ROWS) + 2 * (2 * EMBEDDING + NORMS)),
        # The head is cut by vocabulary, the embedding is whole on every card.
        ("none", 2, 2 * (64 * LINEAR // 2 + EMBEDDING + EMBEDDING // 2 + NORMS)),
        # Rows of matrices that are cut by columns keep all their scales: 2 x 6144 a layer.
        ("fp8", 2, 64 * (LINEAR // 2 + 4 * ((8192 + 43008) // 2 + 2 * 6144))
         + 2 * (EMBEDDING + EMBEDDING // 2 + NORMS)),
    ],
)  # fmt: skip
def test_weights_of_the_32b_model(quantization: Quantization, ranks: int, expected: int) -> None:
    found = weight_bytes(replace(LARGE, quantization=quantization, tensor_parallel=ranks))
    assert found == expected


def test_the_32b_model_takes_what_its_reference_says() -> None:
    """65.16 GB in bf16, 34.2 GB with fp8 linear layers."""
    assert round(weight_bytes(LARGE) / 1e9, 2) == 65.16
    assert round(weight_bytes(replace(LARGE, quantization="fp8")) / 1e9, 1) == 34.2


@pytest.mark.parametrize("quantization", ["none", "fp8", "int8"])
@pytest.mark.parametrize("ranks", [1, 2])
def test_weights_are_planned_as_they_are_held(quantization: Quantization, ranks: int) -> None:
    config = replace(NANO, kv_heads=2)
    held = random_weights(
        config,
        seed=0,
        device=CPU,
        dtype=torch.float32,
        shard=Shard(0, ranks),
        convert=layer_quantizer(quantization),
    )
    planned = Deployment(config, 4, quantization, ranks)
    assert held_bytes(held) == weight_bytes(planned)


def test_keys_and_values_of_the_32b_model() -> None:
    """4,096 B a token and layer: 68 KiB in 17 full layers; 47 windows of 8,192 take 1.47 GiB."""
    fit = plan_fit(LARGE, 80 * GIB, context=131_072)
    assert fit.token_bytes == 17 * 4096
    assert fit.window_bytes == 47 * 8192 * 4096
    # 131,072 / 16 pages, and one for copy-on-write. A window of 8,191 older tokens and a chunk
    # of 256 begins anywhere in a page: 528 pages, one more at the end, one for copy-on-write.
    assert LARGE.costs.pages(131_072) == (8193, 530)
    assert LARGE.costs.page_bytes == (17 * 4096 * 16, 47 * 4096 * 16)
    assert fit.fits
    assert fit.pages == (8193, 530)
    assert fit.tokens == 8193 * 16


@pytest.mark.parametrize(
    ("tokens", "sessions"), [(16_384, 15), (32_768, 10), (65_536, 6), (131_072, 3)]
)
def test_sessions_beside_fp8_weights_on_an_h100(tokens: int, sessions: int) -> None:
    """The reference's table: 39.3 GiB are free for keys and values."""
    room = int(39.3 * GIB)
    assert room // LARGE.costs.session(tokens) == sessions
    plan = plan_pages(LARGE.costs, room, typical=tokens)
    assert plan.context == 131_072
    wanted = LARGE.costs.pages(tokens)
    assert all(have >= sessions * n for have, n in zip(plan.pages, wanted, strict=True))


def test_the_published_context_fits_one_80_gb_card_with_fp8_weights() -> None:
    card = int(79.1 * GIB)  # what an H100 of 80 GB shows
    assert plan_fit(replace(LARGE, quantization="fp8"), card, context=131_072).fits
    assert plan_fit(LARGE, card, context=131_072).fits
    assert not plan_fit(LARGE, card, context=131_072, batch=2).fits


def test_what_does_not_fit_says_the_numbers_and_what_would() -> None:
    fit = plan_fit(LARGE, 48 * GIB, context=131_072)
    assert (fit.sessions, fit.pages) == (0, ())
    with pytest.raises(
        MemoryPlanError, match=r"weights 60.69 GiB.* more than the card's 48.00 GiB"
    ):
        require_fit(fit)
    assert "fp8 weights (--weights fp8)" in fit.remedies
    crowd = plan_fit(LARGE, 80 * GIB, context=131_072, batch=4)
    found = [re.findall(r"--[a-z]+", remedy) for remedy in crowd.remedies]
    assert found == [["--batch"], ["--context"], ["--weights"], ["--tp"], []]


def test_every_remedy_would_do() -> None:
    for card, batch in ((40, 1), (48, 2), (80, 4), (80, 16), (141, 40)):
        fit = plan_fit(LARGE, card * GIB, context=131_072, batch=batch)
        for remedy in fit.remedies:
            deployment, context, sessions, size = LARGE, 131_072, batch, card
            words = remedy.rstrip(")").rpartition("(")[2].split()
            options = dict(zip(words[::2], words[1::2], strict=False))
            deployment = replace(
                deployment,
                tensor_parallel=int(options.get("--tp", 1)),
                quantization="fp8" if "--weights" in options else "none",
            )
            context, sessions = (
                int(options.get("--context", context)),
                int(options.get("--batch", sessions)),
            )
            if remedy.startswith("a card of"):
                size = int(remedy.split()[3])
            assert plan_fit(deployment, size * GIB, context=context, batch=sessions).fits, remedy


def test_a_context_beyond_the_model_is_refused() -> None:
    with pytest.raises(ConfigError, match="ask for 2 to 131072, not 200000"):
        plan_fit(LARGE, 80 * GIB, context=200_000)


deployments = st.builds(
    Deployment,
    config=st.sampled_from([CWM_32B, NANO, with_layers(CWM_32B, 9)]),
    itemsize=st.sampled_from([2, 4]),
    quantization=st.sampled_from(["none", "fp8", "int8"]),
    scheduling=st.builds(
        SchedulerSettings,
        token_budget=st.integers(16, 4096),
        chunk=st.integers(16, 2048),
        max_rows=st.integers(1, 256),
    ),
    page_size=st.sampled_from([4, 16, 64]),
    graphs=st.booleans(),
)


@settings(max_examples=25)
@given(
    deployment=deployments,
    card=st.integers(1, 160 * GIB),
    more=st.integers(0, 40 * GIB),
    context=st.integers(2, 131_072),
    longer=st.integers(0, 60_000),
    batch=st.integers(1, 40),
)
def test_a_plan_never_exceeds_its_card_and_more_room_is_never_worse(
    deployment: Deployment, card: int, more: int, context: int, longer: int, batch: int
) -> None:
    fit = plan_fit(deployment, card, context=context, batch=batch)
    costs = deployment.costs
    if fit.pages:
        assert fit.memory.fixed + costs.bytes_of(fit.pages) <= card
    assert fit.sessions * costs.session(context) <= fit.memory.kv
    roomier = plan_fit(deployment, card + more, context=context, batch=batch)
    assert roomier.sessions >= fit.sessions
    assert roomier.longest >= fit.longest
    further = min(131_072, context + longer)
    assert plan_fit(deployment, card, context=further, batch=batch).sessions <= fit.sessions
    if fit.longest > 1:
        assert costs.session(fit.longest) <= fit.memory.kv
    if fit.longest < deployment.config.context:
        assert costs.session(fit.longest + 1) > fit.memory.kv


@settings(max_examples=60)
@given(room=st.integers(2**20, 100 * GIB), typical=st.integers(64, 131_072))
def test_pages_never_exceed_their_memory(room: int, typical: int) -> None:
    costs = PageCosts(with_layers(NANO, 4), 2, 16, 64)
    plan = plan_pages(costs, room, typical=typical)
    assert costs.bytes_of(plan.pages) <= room
    assert all(h >= n for h, n in zip(plan.pages, costs.pages(plan.context), strict=True))


def test_memory_for_keys_and_values_of_a_cpu_is_the_usual_2_gib() -> None:
    weights = random_weights(NANO, seed=0, device=CPU, dtype=torch.float32)
    by_default = build_engine(NANO, weights)
    said = build_engine(NANO, weights, EngineOptions(kv_bytes=2 * GIB))
    assert [p.pages for p in by_default.core.cache.pools] == [
        p.pages for p in said.core.cache.pools
    ]


@given(most=st.integers(1, 300))
def test_every_number_of_rows_has_a_graph_at_most_twice_as_large(most: int) -> None:
    sizes = graph_sizes(most)
    assert sizes == tuple(sorted(set(sizes)))
    assert sizes[-1] == most
    for rows in range(1, most + 1):
        size = padded_size(sizes, rows)
        assert size is not None
        assert rows <= size < max(2 * rows, rows + 16)
    assert padded_size(sizes, most + 1) is None


def test_margin_is_kept_whatever_the_card() -> None:
    for card in (10, 80, 141):
        memory = plan_memory(LARGE, card * GIB)
        assert memory.margin == card * GIB // 20
