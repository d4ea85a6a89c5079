"""Whole steps of the engine: kernels over page tables beside plain torch over gathered slots."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest
import torch
from engines import CONFIG, CPU, tiny_engine
from rows import numbers

from model.checkpoint.weights import random_weights
from model.engine.generation import Request
from model.engine.prompt_lookup import DraftSettings
from model.engine.scheduler import SchedulerSettings
from model.engine.session import Session
from model.kvcache.layer_groups import group_layers
from model.kvcache.storage import KVStorage
from model.ops.linear import Fp8Weight, Int8Weight, quantise_fp8, quantise_int8
from model.ops.operations import ReferenceOperations
from model.ops.triton.operations import TritonOperations
from model.ops.triton.sample import sample_on_device
from model.runner.runner import Runner
from model.step.page_tables import DRAFT_TOKENS
from model.step.plan import StepPlan
from model.step.sampler import GREEDY, PUBLISHED, Draw
from model.text.stops import IdWatcher

SHAPE = replace(CONFIG, layers=2, windows=(None, 16), head_dim=16, heads=6, kv_heads=1)
PAGES = (60, 40)


class Both:
    """A runner that runs each plan twice, on storages of their own, and compares the logits."""

    def __init__(self) -> None:
        weights = random_weights(SHAPE, seed=0, device=CPU, dtype=torch.float32)
        groups = group_layers(SHAPE.windows)

        def runner(operations: ReferenceOperations | TritonOperations) -> Runner:
            storage = KVStorage(
                groups,
                pages=PAGES,
                host_slots=(20, 20),
                page_size=4,
                kv_heads=SHAPE.kv_heads,
                head_dim=SHAPE.head_dim,
                device=CPU,
                dtype=torch.float32,
            )
            return Runner(SHAPE, self.weights, groups, storage, operations=operations)

        self.weights = replace(weights, head=weights.head * 50)
        self.runners = (runner(ReferenceOperations()), runner(TritonOperations(CPU)))
        self.kinds: Counter[str] = Counter()

    def run(self, plan: StepPlan) -> torch.Tensor:
        for row in plan.rows:
            tokens = len(row.tokens)
            kind = "decode" if tokens == 1 else "draft" if tokens <= DRAFT_TOKENS else "chunk"
            self.kinds[kind] += 1
        plain, kernels = (runner.run(plan) for runner in self.runners)
        assert torch.allclose(kernels, plain, rtol=1e-4, atol=1e-4)
        return kernels

    def launch(self, plan: StepPlan, draws: Sequence[Draw]) -> None:
        return None

    def close(self) -> None:
        pass


def test_an_engine_on_kernels_computes_what_one_in_plain_torch_does() -> None:
    both = Both()
    engine = tiny_engine(
        SHAPE,
        both.weights,
        pages=PAGES,
        host_slots=(20, 20),
        settings=SchedulerSettings(token_budget=48, chunk=24),
        speculation=DraftSettings(ngram=1),
    )
    engine.core.runner = both
    engine.core.sampler = sample_on_device
    answers = []
    for stream, prompt in enumerate(([1, 2, 3] * 10, [5], [7, 8, 7, 8, 7, 8, 7])):
        session = Session(engine, job="a", stream=stream)
        session.append(prompt)
        sampling = PUBLISHED if stream == 1 else GREEDY
        answers.append(session.generate(Request(8, sampling), IdWatcher([])))
    engine.run_until_idle()
    assert all(len(answer.result().ids) == 8 for answer in answers)
    assert min(both.kinds[kind] for kind in ("decode", "draft", "chunk")) > 0


@pytest.mark.parametrize("tokens", [3, 20])
@pytest.mark.parametrize("quantise", [quantise_fp8, quantise_int8])
def test_quantised_weights_by_gemv_for_few_rows_and_by_scaled_products_for_many(
    tokens: int, quantise: Callable[[torch.Tensor], Fp8Weight | Int8Weight]
) -> None:
    weight = quantise(numbers(48, 64))
    gate_up = numbers(tokens, 128, seed=1)
    kernels, plain = TritonOperations(CPU), ReferenceOperations()
    for found, expected in (
        (kernels.linear(gate_up[:, :64], weight), plain.linear(gate_up[:, :64], weight)),
        (kernels.swiglu_linear(gate_up, weight), plain.swiglu_linear(gate_up, weight)),
    ):
        # fp8 activations differ where the interpreter rounds them otherwise; few rows keep theirs.
        error = (found - expected).norm() / expected.norm()
        assert error < (1e-5 if quantise is quantise_int8 else 0.1)
