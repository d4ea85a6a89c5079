"""Quantised linears: the fast form equals its definition, and quantising errs by half a step."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from model.ops.linear import (
    FP8,
    Fp8Weight,
    Int8Weight,
    dequantise,
    linear,
    linear_reference,
    quantise_fp8,
    quantise_int8,
)

QUANTISERS = {"fp8": quantise_fp8, "int8": quantise_int8}
# Rounding of the result, as a share of the sum of magnitudes it was added up from.
ROUNDING = {torch.float32: 1e-5, torch.bfloat16: 2**-7, torch.float16: 2**-10}


@st.composite
def matrices(draw: st.DrawFn, rows: int, columns: int, scales: list[float]) -> torch.Tensor:
    """Normal entries; each row has a size of its own, possibly zero, and some entries stick out."""
    generator = torch.Generator().manual_seed(draw(st.integers(0, 2**16)))
    matrix = torch.randn(rows, columns, generator=generator)
    sizes = draw(st.lists(st.sampled_from(scales), min_size=rows, max_size=rows))
    matrix *= torch.tensor(sizes)[:, None]
    if draw(st.booleans()):
        matrix[:, draw(st.integers(0, columns - 1))] *= 1000
    return matrix


@st.composite
def products(draw: st.DrawFn) -> tuple[torch.Tensor, torch.Tensor]:
    tokens, out = draw(st.integers(0, 5)), draw(st.integers(1, 40))
    width = draw(st.sampled_from([32, 64, 96]) | st.integers(1, 70))
    dtype = draw(st.sampled_from(list(ROUNDING)))
    scales = [0.0, 1e-2, 1.0, 10.0]
    if dtype != torch.float16:
        scales += [1e-30, 1e-20, 1e10]
    x = draw(matrices(tokens, width, scales))
    return x.to(dtype), draw(matrices(out, width, [0.0, 1e-12, 0.02, 1.0])).to(dtype)


@pytest.mark.parametrize("kind", QUANTISERS)
@settings(max_examples=150)
@given(products())
def test_the_fast_form_equals_its_definition(
    kind: str, product: tuple[torch.Tensor, torch.Tensor]
) -> None:
    x, matrix = product
    weight = QUANTISERS[kind](matrix)
    result, expected = linear(x, weight), linear_reference(x, weight)
    assert result.dtype == x.dtype
    assert result.shape == (len(x), len(matrix))
    magnitude = x.float().abs() @ dequantise(weight).abs().T
    wrong = (result.float() - expected.float()).abs() > ROUNDING[x.dtype] * magnitude + 1e-37
    same = result == expected  # infinite on both sides, beyond fp16's range
    assert not (wrong & ~same).any()


@settings(max_examples=100)
@given(st.data())
def test_int8_errs_by_half_a_step(data: st.DataObject) -> None:
    matrix = data.draw(matrices(4, 33, [0.0, 1e-30, 1e-6, 1.0, 1e30]))
    weight = quantise_int8(matrix)
    assert (weight.scales == weight.scales.bfloat16().float()).all()
    assert ((dequantise(weight) - matrix).abs() <= 0.5001 * weight.scales).all()


@settings(max_examples=100)
@given(st.data())
def test_fp8_errs_by_half_a_step(data: st.DataObject) -> None:
    matrix = data.draw(matrices(4, 33, [0.0, 1e-30, 1e-6, 1.0, 1e30]))
    weight = quantise_fp8(matrix)
    # 3 bits behind the point; below 2**-6 the numbers lie evenly, 2**-9 apart.
    step = torch.maximum(matrix.abs() * 2**-4, weight.scales * 2**-10)
    assert ((dequantise(weight) - matrix).abs() <= 1.0001 * step).all()


@pytest.mark.parametrize("kind", QUANTISERS)
def test_a_row_depends_on_no_other_row(kind: str) -> None:
    generator = torch.Generator().manual_seed(1)
    x, matrix = (torch.randn(n, 64, generator=generator) for n in (6, 48))
    weight = QUANTISERS[kind](matrix)
    alone = linear(x[2:3], weight)
    x[3:] *= 1e6
    assert torch.allclose(linear(x, weight)[2:3], alone, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("kind", QUANTISERS)
@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_what_is_not_finite_is_not_hidden(kind: str, bad: float) -> None:
    matrix = torch.ones(16, 16)
    x = torch.ones(2, 16)
    x[1, 3] = bad
    result = linear(x, QUANTISERS[kind](matrix))
    assert result[0].isfinite().all()
    assert not result[1].isfinite().any()
    matrix[5, 5] = bad
    assert not linear(torch.ones(1, 16), QUANTISERS[kind](matrix))[0, 5].isfinite()


def test_a_quantised_weight_takes_one_byte_an_entry() -> None:
    matrix = torch.randn(32, 16)
    fp8, int8 = quantise_fp8(matrix), quantise_int8(matrix)
    assert isinstance(fp8, Fp8Weight)
    assert isinstance(int8, Int8Weight)
    assert (fp8.values.dtype, int8.values.dtype) == (FP8, torch.int8)
    assert fp8.values.nbytes == int8.values.nbytes == 32 * 16
