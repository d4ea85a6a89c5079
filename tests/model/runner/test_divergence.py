"""The gate of quantised weights: open for 8 bits, shut for wrecked ones."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Literal

import pytest
import torch

from model.checkpoint.open import Checkpoint, load_checkpoint, random_model
from model.errors import QuantizationError
from model.ops.linear import Fp8Weight, Int8Weight
from model.runner.divergence import (
    Divergence,
    Tolerance,
    compare,
    divergence,
    logits_of,
    sample_ids,
)
from model.runner.transformer import Transformer


@pytest.fixture
def folder(make_checkpoint: Callable[..., Path]) -> Path:
    return make_checkpoint(hidden_size=64, intermediate_size=160, head_dim=16)


def transformer(checkpoint: Checkpoint) -> Transformer:
    return Transformer(checkpoint.config, checkpoint.weights)


def test_two_distributions_by_hand() -> None:
    reference = torch.tensor([[0.5, 0.25, 0.25], [0.8, 0.1, 0.1]]).log()
    other = torch.tensor([[0.25, 0.5, 0.25], [0.8, 0.1, 0.1]]).log() + 3.0
    found = divergence(reference, other, torch.tensor([0, 1]))
    expected = 0.5 * math.log(2) + 0.25 * math.log(0.5)
    assert found.max_kl == pytest.approx(expected, abs=1e-6)
    assert found.mean_kl == pytest.approx(expected / 2, abs=1e-6)
    assert (found.tokens, found.top1_agreement) == (2, 0.5)
    assert found.reference_perplexity == pytest.approx(4)  # token 1 had the share 0.25
    assert found.perplexity == pytest.approx(2)


@pytest.mark.parametrize(("kind", "of"), [("fp8", Fp8Weight), ("int8", Int8Weight)])
def test_eight_bits_pass_and_are_not_free(
    folder: Path, kind: Literal["fp8", "int8"], of: type
) -> None:
    plain = load_checkpoint(folder, device="cpu")
    quantised = load_checkpoint(folder, device="cpu", quantize=kind)
    layer = quantised.weights.layers[2]
    assert all(isinstance(w, of) for w in (layer.qkv, layer.output, layer.gate_up, layer.down))
    assert torch.equal(quantised.weights.head, plain.weights.head)
    ids = sample_ids(plain.tokenizer, 200)
    found = compare(transformer(plain), transformer(quantised), ids)
    assert found.tokens == 200
    assert 0 < found.mean_kl < found.max_kl
    # Random weights have many near ties; fp8 decides more of them differently than int8.
    assert found.beyond(Tolerance(top1_agreement=0.75 if kind == "fp8" else 0.95)) == ()


def test_the_same_model_does_not_diverge(folder: Path) -> None:
    plain = transformer(load_checkpoint(folder, device="cpu"))
    found = compare(plain, plain, torch.arange(150))
    assert found.mean_kl == pytest.approx(0, abs=1e-7)
    assert found.max_kl == pytest.approx(0, abs=1e-6)
    assert (found.tokens, found.top1_agreement) == (150, 1.0)
    assert found.perplexity == found.reference_perplexity
    assert found.beyond() == ()


def test_a_wrecked_layer_is_refused(folder: Path) -> None:
    checkpoint = load_checkpoint(folder, device="cpu", quantize="int8")
    layer = checkpoint.weights.layers[0]
    assert isinstance(layer.down, Int8Weight)
    wrecked = replace(layer, down=Int8Weight(layer.down.values.flip(0), layer.down.scales))
    layers = (wrecked, *checkpoint.weights.layers[1:])
    broken = Transformer(checkpoint.config, replace(checkpoint.weights, layers=layers))
    found = compare(transformer(load_checkpoint(folder, device="cpu")), broken, torch.arange(150))
    assert found.top1_agreement < 0.6
    assert any("top-1 agreement" in reason for reason in found.beyond())


def test_each_limit_has_its_reason() -> None:
    assert Divergence(10, 0.02, 1.0, 0.95).beyond() == ()
    assert "mean KL divergence 0.03" in Divergence(10, 0.03, 0.5, 1.0).beyond()[0]
    assert "largest KL divergence 1.5" in Divergence(10, 0.01, 1.5, 1.0).beyond()[0]


def test_what_is_not_a_number_is_refused() -> None:
    nan = float("nan")
    assert len(Divergence(1, nan, nan, nan).beyond()) == 3


def test_logits_in_chunks_are_those_of_one_pass(folder: Path) -> None:
    from model.kvcache.dense import DenseCache

    model = transformer(load_checkpoint(folder, device="cpu"))
    ids = torch.arange(300) % 280
    cache = DenseCache(model.config, model.device, model.dtype)
    whole = model.logits(ids, cache, last_only=False)
    assert torch.allclose(logits_of(model, ids), whole, atol=1e-4)


def test_no_text_and_unknown_kinds_are_refused(folder: Path) -> None:
    checkpoint = load_checkpoint(folder, device="cpu")
    with pytest.raises(QuantizationError, match="no text"):
        compare(transformer(checkpoint), transformer(checkpoint), torch.arange(0))
    with pytest.raises(QuantizationError, match="unknown quantisation 'int4'"):
        load_checkpoint(folder, device="cpu", quantize="int4")  # type: ignore[arg-type]


@pytest.mark.parametrize("dtype", ["float32", "bfloat16", "float16"])
def test_a_configuration_alone_gives_a_random_model(folder: Path, dtype: str) -> None:
    for path in folder.iterdir():
        if path.name != "config.json":
            path.unlink()
    config, weights = random_model(folder, seed=3, device="cpu", dtype=dtype, quantize="int8")
    assert str(weights.head.dtype) == f"torch.{dtype}"
    assert isinstance(weights.layers[0].down, Int8Weight)
    assert logits_of(Transformer(config, weights), torch.arange(20)).isfinite().all()
