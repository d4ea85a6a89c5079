"""The engine on a GPU against a plain dense run, with recorded steps and without."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest
import torch

from model.checkpoint.quantize import Quantization, layer_quantizer
from model.checkpoint.weights import LayerWeights, Weights, random_weights
from model.config.config import ModelConfig
from model.config.shapes import NANO
from model.engine.build import EngineOptions, build_engine
from model.engine.engine import Engine
from model.engine.generation import Generation, Request
from model.engine.prompt_lookup import DraftSettings
from model.engine.scheduler import SchedulerSettings
from model.engine.session import Session
from model.kvcache.dense import DenseCache
from model.ops.linear import LinearWeight, dequantise
from model.runner.runner import Runner
from model.runner.transformer import Transformer
from model.step.sampler import GREEDY, Draw, Sampling, sample
from model.text.stops import IdWatcher

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device"),
]

CONFIG = replace(NANO, context=1024, head_dim=64, hidden=384, intermediate=512)
WARM = Sampling(temperature=0.8, top_p=0.9, seed=3)
FILTERED = Sampling(temperature=1.3, top_k=7, min_p=0.02, seed=4)


def weights_of(dtype: torch.dtype, quantization: Quantization = "none") -> Weights:
    """Scaled up, so that the model's choices vary."""
    weights = random_weights(
        CONFIG,
        seed=2,
        device=torch.device("cuda"),
        dtype=dtype,
        convert=layer_quantizer(quantization),
    )
    return replace(weights, head=weights.head * 20)


def engine_of(weights: Weights, config: ModelConfig = CONFIG, **options: object) -> Engine:
    settings = EngineOptions(
        kv_bytes=2**28,
        typical_tokens=512,
        scheduling=SchedulerSettings(token_budget=96, chunk=64, max_rows=8),
        speculation=DraftSettings(ngram=2),
    )
    return build_engine(config, weights, replace(settings, **options))  # type: ignore[arg-type]


def naive(
    weights: Weights, ids: list[int], count: int, sampling: Sampling, stream: int
) -> list[int]:
    transformer = Transformer(CONFIG, weights)
    device = weights.embedding.device
    cache = DenseCache(CONFIG, device, weights.embedding.dtype)
    context = list(ids)
    logits = transformer.logits(torch.tensor(context, device=device), cache)
    for _ in range(count):
        context += sample(logits, [Draw(sampling, stream, len(context))])
        logits = transformer.logits(torch.tensor(context[-1:], device=device), cache)
    return context[len(ids) :]


@pytest.mark.parametrize("graphs", [True, False])
def test_many_sessions_say_what_each_says_alone(graphs: bool) -> None:
    """fp32: prompts in chunks, drafts, page and window edges, three ways of sampling."""
    weights = weights_of(torch.float32)
    engine = engine_of(weights, graphs=graphs)
    assert isinstance(engine.core.runner, Runner)
    order = random.Random(1)
    lives = []
    for number in range(10):
        ids = [order.randrange(9) for _ in range(order.choice((1, 15, 16, 17, 63, 64, 65, 200)))]
        sampling = (GREEDY, WARM, FILTERED)[number % 3]
        session = Session(engine, stream=number)
        session.append(ids)
        future = session.generate(Request(40, sampling), IdWatcher())
        lives.append((ids, sampling, number, future))
        engine.run_until_idle(order.randrange(4))
    engine.run_until_idle()
    for ids, sampling, stream, future in lives:
        said = list(future.result(timeout=0).ids)
        assert said == naive(weights, ids, 40, sampling, stream)
    engine.close()


def test_steps_are_replayed_and_only_where_they_can_be() -> None:
    """A decode step is launched as a graph; one with a mask is not."""
    weights = weights_of(torch.bfloat16)
    engine = engine_of(weights, speculation=None)
    launched: list[bool] = []
    runner = engine.core.runner
    launch = runner.launch

    def watch(plan: object, draws: object) -> object:
        found = launch(plan, draws)  # type: ignore[arg-type]
        launched.append(found is not None)
        return found

    runner.launch = watch  # type: ignore[method-assign, assignment]
    session = Session(engine)
    session.append(range(20))
    session.prefill()
    engine.run_until_idle()
    launched.clear()
    session.generate(Request(6, GREEDY), IdWatcher())
    engine.run_until_idle()
    assert launched == [True] * 6
    mask = torch.ones(CONFIG.vocabulary, dtype=torch.bool, device="cuda")
    session.generate(Request(3, GREEDY, mask=lambda ids: mask), IdWatcher())
    engine.run_until_idle()
    assert launched[6:] == [False] * 3
    engine.close()


def test_logits_that_are_not_finite_end_a_session_on_a_graph_too() -> None:
    from model.errors import NumericsError

    weights = weights_of(torch.bfloat16)
    weights.head.fill_(float("nan"))
    engine = engine_of(weights)
    session = Session(engine)
    session.append([1])
    future = session.generate(Request(4, GREEDY), IdWatcher())
    engine.run_until_idle()
    with pytest.raises(NumericsError, match="not finite"):
        future.result(timeout=0)
    engine.close()


def widened(weights: Weights) -> Weights:
    """The same numbers in fp32."""

    def wide(matrix: LinearWeight) -> torch.Tensor:
        return matrix.float() if isinstance(matrix, torch.Tensor) else dequantise(matrix)

    return Weights(
        embedding=weights.embedding.float(),
        layers=tuple(
            LayerWeights(
                attention_norm=layer.attention_norm.float(),
                qkv=wide(layer.qkv),
                output=wide(layer.output),
                feed_forward_norm=layer.feed_forward_norm.float(),
                gate_up=wide(layer.gate_up),
                down=wide(layer.down),
            )
            for layer in weights.layers
        ),
        norm=weights.norm.float(),
        head=weights.head.float(),
    )


@pytest.mark.parametrize(("quantization", "most"), [("none", 0.1), ("fp8", 0.4), ("int8", 0.1)])
def test_logits_in_bf16_are_near_those_in_fp32(quantization: Quantization, most: float) -> None:
    """Log-probabilities over a whole answer; fp8 also rounds what is multiplied."""
    weights = weights_of(torch.bfloat16, quantization)
    exact = Transformer(CONFIG, widened(weights))
    engine = engine_of(weights, speculation=None)
    session = Session(engine)
    ids = [i * 7 % CONFIG.vocabulary for i in range(150)]
    session.append(ids)
    future = session.generate(Request(12, GREEDY, logprobs=20), IdWatcher())
    engine.run_until_idle()
    said = future.result(timeout=0)
    assert said.logprobs is not None
    context = torch.tensor([*ids, *said.ids], device="cuda")
    cache = DenseCache(CONFIG, context.device, torch.float32)
    expected = exact.logits(context[:-1], cache, last_only=False)[len(ids) - 1 :].log_softmax(-1)
    found = torch.tensor([[p for _, p in entry.top] for entry in said.logprobs], device="cuda")
    places = torch.tensor([[i for i, _ in entry.top] for entry in said.logprobs], device="cuda")
    wanted = expected.gather(1, places)
    error = (found - wanted).norm() / (wanted - wanted.mean()).norm()
    assert float(error) < most
    engine.close()


def test_a_session_does_not_depend_on_its_neighbours_to_the_last_bit() -> None:
    """bf16 on recorded steps with fixed rows: log-probabilities alone and in company."""
    weights = weights_of(torch.bfloat16)

    def life(neighbours: int) -> Generation:
        engine = engine_of(weights, batch_invariant=True)
        order = random.Random(neighbours)
        for number in range(neighbours):
            other = Session(engine, stream=100 + number)
            other.append([order.randrange(9) for _ in range(order.randrange(1, 200))])
            other.generate(Request(order.randrange(1, 60), WARM), IdWatcher())
        engine.run_until_idle(order.randrange(4))
        session = Session(engine, stream=5)
        session.append([i * 5 % 9 for i in range(150)])
        future = session.generate(Request(40, WARM, logprobs=3), IdWatcher())
        engine.run_until_idle()
        engine.close()
        return future.result(timeout=0)

    alone = life(0)
    for neighbours in (1, 3, 7, 12):
        among = life(neighbours)
        assert among.ids == alone.ids
        assert among.logprobs == alone.logprobs


def test_pages_are_planned_from_the_card() -> None:
    """All that is left, and never more than the card has."""
    weights = weights_of(torch.bfloat16)
    free, _ = torch.cuda.mem_get_info()
    config = replace(CONFIG, context=131_072)
    engine = engine_of(weights, config, kv_bytes=None, typical_tokens=131_072, graphs=False)
    assert engine.limits.context == 131_072
    runner = engine.core.runner
    assert isinstance(runner, Runner)
    assert 2**30 < runner.storage.bytes < free
    engine.close()
