"""Kernels that work row by row: norms, rope and KV write, SwiGLU, quantisation, GEMV."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from rows import DTYPES, assert_close, numbers

from model.ops import reference
from model.ops.linear import (
    FP8,
    Fp8Weight,
    Int8Weight,
    dequantise,
    quantise_fp8,
    quantise_int8,
    weight_only_reference,
)
from model.ops.paged import rope_write
from model.ops.triton import gemv, norm, quantise, swiglu
from model.ops.triton import rope_write as triton_rope
from model.ops.triton.tuning import GemvTuning

EPS = 1e-5
Quantiser: TypeAlias = Callable[[torch.Tensor], Fp8Weight | Int8Weight]


def rotation(tokens: int, head_dim: int) -> tuple[torch.Tensor, torch.Tensor]:
    angles = numbers(tokens, 1, head_dim // 2, seed=9)
    cos, sin = angles.cos(), angles.sin()
    return torch.cat((cos, cos), -1), torch.cat((-sin, sin), -1)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("rows", "hidden"), [(1, 6144), (5, 200)])
def test_norms(dtype: torch.dtype, rows: int, hidden: int) -> None:
    x, delta = (numbers(rows, hidden, seed=s, dtype=dtype) * 3 for s in (0, 1))
    weight = numbers(hidden, seed=2, dtype=dtype)
    assert_close(norm.rms_norm(x, weight, EPS), reference.rms_norm(x, weight, EPS))
    total, normed = norm.add_rms_norm(x, delta, weight, EPS)
    assert torch.equal(total, x + delta)
    assert_close(normed, reference.rms_norm(x + delta, weight, EPS))


def test_a_sum_over_ranks_is_added_as_it_is_and_rounded_once() -> None:
    x, weight = numbers(4, 200, dtype=torch.float16), numbers(200, seed=2, dtype=torch.float16)
    delta = numbers(4, 200, seed=1) * 1.0003
    total, normed = norm.add_rms_norm(x, delta, weight, EPS)
    expected, wanted = reference.add_rms_norm(x, delta, weight, EPS)
    assert torch.equal(total, expected)
    assert torch.equal(total, (x.double() + delta.double()).half())
    assert_close(normed, wanted)


def test_norm_of_a_part_of_wider_rows_and_of_no_rows() -> None:
    wide, weight = numbers(6, 96), numbers(64, seed=1)
    x = wide[::2, 16:80]
    assert_close(norm.rms_norm(x, weight, EPS), reference.rms_norm(x, weight, EPS))
    assert norm.rms_norm(x[:0], weight, EPS).shape == (0, 64)


def test_norm_of_zeros_is_zero_and_nan_stays_in_its_row() -> None:
    x = numbers(3, 40)
    x[0] = 0
    x[1, 7] = torch.nan
    found = norm.rms_norm(x, torch.ones(40), EPS)
    assert (found[0] == 0).all()
    assert found[1].isnan().all()
    assert found[2].isfinite().all()


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("heads", "kv_heads", "head_dim"), [(12, 2, 128), (6, 1, 64), (4, 4, 16)])
def test_rope_and_write(dtype: torch.dtype, heads: int, kv_heads: int, head_dim: int) -> None:
    tokens = 5
    qkv = numbers(tokens, heads + 2 * kv_heads, head_dim, dtype=dtype)
    cos, sin = rotation(tokens, head_dim)
    slots = torch.tensor([7, 0, 30, 12, 1])
    pools = [numbers(2 * kv_heads, 32, head_dim, seed=4, dtype=dtype) for _ in range(2)]
    query = triton_rope.rope_write(qkv, cos, sin, pools[0], slots)
    expected = rope_write(qkv.clone(), cos, sin, pools[1], slots)
    assert_close(query, expected)
    assert_close(pools[0], pools[1])
    assert torch.equal(pools[0][kv_heads:], pools[1][kv_heads:])  # values are only moved


def test_a_token_without_a_slot_is_not_written() -> None:
    qkv, (cos, sin) = numbers(3, 4, 16), rotation(3, 16)
    pool = torch.full((2, 8, 16), torch.nan)
    triton_rope.rope_write(qkv, cos, sin, pool, torch.tensor([-1, 5, -1]))
    assert pool[:, 5].isfinite().all()
    pool[:, 5] = torch.nan
    assert pool.isnan().all()


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("rows", "inner"), [(1, 1500), (4, 48)])
def test_swiglu(dtype: torch.dtype, rows: int, inner: int) -> None:
    gate_up = numbers(rows, 2 * inner, dtype=dtype) * 4
    gate_up[:, 0] = torch.tensor([-200.0, 0.0, 30.0, 200.0])[:rows]
    expected = reference.swiglu(gate_up.float()).to(dtype)
    assert_close(swiglu.swiglu(gate_up), expected)
    assert_close(swiglu.swiglu(gate_up), reference.swiglu(gate_up))


def assert_quantised_alike(found: Fp8Weight, expected: Fp8Weight) -> None:
    """Scales to rounding, values equal but for few that lie between two numbers of fp8.

    Where rounding carries into the exponent, the interpreter's cast forgets it:
    then the right value is a power of two, and its half comes out.
    """
    assert torch.allclose(found.scales, expected.scales, rtol=1e-3)
    ours, theirs = found.values.float(), expected.values.float()
    step = torch.maximum(theirs.abs() * 2**-3, torch.tensor(2.0**-9))
    carried = (theirs.frexp().mantissa.abs() == 0.5) & (ours * 2 == theirs)
    assert (((ours - theirs).abs() <= step) | carried).all()
    assert (ours != theirs).float().mean() < 0.05


@pytest.mark.parametrize("dtype", DTYPES)
def test_quantised_rows(dtype: torch.dtype) -> None:
    x = numbers(5, 300, dtype=dtype)
    x[1] *= 1000
    x[2] = 0
    found = quantise.quantise_fp8(x)
    assert_quantised_alike(found, quantise_fp8(x))
    assert (dequantise(found)[2] == 0).all()


@pytest.mark.parametrize("bad", [torch.nan, torch.inf])
def test_what_is_not_finite_is_not_hidden_by_quantising(bad: float) -> None:
    x = numbers(2, 20)
    x[1, 3] = bad
    scales = quantise.quantise_fp8(x).scales
    assert scales[0].isfinite()
    assert not scales[1].isfinite()


@pytest.mark.parametrize("dtype", DTYPES)
def test_swiglu_quantised(dtype: torch.dtype) -> None:
    gate_up = numbers(3, 2 * 200, dtype=dtype)
    expected = quantise_fp8(reference.swiglu(gate_up.float()))
    assert_quantised_alike(swiglu.swiglu_fp8(gate_up), expected)


@settings(max_examples=8)
@given(
    rows=st.integers(1, 16),
    width=st.sampled_from([16, 48, 256, 300]),
    outputs=st.sampled_from([16, 40]),
    dtype=st.sampled_from(DTYPES),
    kind=st.sampled_from([quantise_fp8, quantise_int8]),
)
def test_weight_only_products(
    rows: int, width: int, outputs: int, dtype: torch.dtype, kind: Quantiser
) -> None:
    weight: Fp8Weight | Int8Weight = kind(numbers(outputs, width, seed=1))
    x = numbers(rows, width, dtype=dtype)
    expected = weight_only_reference(x, weight)
    magnitude = float((x.float().abs() @ dequantise(weight).abs().T).max())
    scale = max(1.0, magnitude)
    for programs in (1, 7):  # outputs alone, then the inputs in parts as well
        tuning = GemvTuning(16, outputs=16, inputs=64, programs=programs, warps=4, stages=2)
        assert_close(gemv.weight_only_linear(x, weight, tuning), expected, scale=scale)


def test_every_number_of_fp8_is_read_as_what_it_is() -> None:
    codes = torch.arange(256, dtype=torch.int16).to(torch.uint8)
    codes = codes[(codes & 0x7F) != 0x7F]  # NaN
    weight = Fp8Weight(codes.view(FP8)[:, None].contiguous(), torch.ones(len(codes), 1))
    found = gemv.weight_only_linear(torch.ones(1, 1), weight)[0]
    assert torch.equal(found, codes.view(FP8).float())


def test_a_row_of_a_product_depends_on_no_other() -> None:
    weight, x = quantise_int8(numbers(32, 64)), numbers(16, 64, seed=2)
    together = gemv.weight_only_linear(x, weight)
    assert torch.equal(gemv.weight_only_linear(x[5:6], weight)[0], together[5])
