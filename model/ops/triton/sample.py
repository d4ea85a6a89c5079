"""Sampling without sorting the vocabulary, on the device alone.

The least probability to keep is found digit by digit: the bits of a positive
fp32 number order as the number does, so eight passes over the vocabulary, four
bits each, end at the exact one. A pass adds up the mass (or the count) of the
tokens behind each of 16 digits; sums are in fp64 and in a fixed order. The
token is then the inverse of the cumulative distribution in vocabulary order,
as in `model.step.sampler`, with the same noise.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
import triton
import triton.language as tl
from torch import Tensor

from model.ops.triton.tuning import RowTuning, tuning_for
from model.step.sample_inputs import SampleInputs, pack_draws
from model.step.sampler import Draw, masked

_DIGIT_BITS = 4
_DIGITS = 2**_DIGIT_BITS
_LEVELS = 32 // _DIGIT_BITS


def sample_on_device(logits: Tensor, draws: Sequence[Draw]) -> list[int]:
    """See `model.step.sampler.Sampler`; only the ids leave the device."""
    inputs = pack_draws(draws, logits.device)
    ids: list[int] = sample_rows(masked(logits, draws), inputs).tolist()
    return ids


def sample_rows(logits: Tensor, inputs: SampleInputs, *, tuning: RowTuning | None = None) -> Tensor:
    """One token a row, (rows,) int64, as `sampler.sample`; logits (rows, vocabulary) fp32."""
    greedy = logits.argmax(dim=-1)
    if inputs.greedy:
        return greedy
    tuning = tuning or tuning_for(logits.device).sample
    warm = inputs.temperatures > 0
    heat = torch.where(warm, inputs.temperatures, 1.0)
    probs = (logits / heat[:, None]).softmax(-1)
    floor = torch.zeros_like(heat)
    if "top_k" in inputs.filters:
        wanted = torch.where(inputs.top_k > 0, inputs.top_k.double(), torch.inf)
        floor = _least_kept(probs, floor, wanted.clamp(max=probs.shape[1]), tuning, count=True)
        floor = torch.where(inputs.top_k > 0, floor, 0.0)
    if "top_p" in inputs.filters:
        left = probs.masked_fill(probs < floor[:, None], 0.0).double().sum(-1)
        wanted = torch.where(inputs.top_p < 1, inputs.top_p * left, torch.inf)
        floor = torch.maximum(floor, _least_kept(probs, floor, wanted, tuning, count=False))
    floor = torch.maximum(floor, probs.amax(-1) * inputs.min_p)
    return torch.where(warm, _pick(probs, floor, inputs, tuning), greedy)


@triton.jit
def _narrow(masses, row, blocks, prefix, above, wanted, shift, DIGITS: tl.constexpr,
            BLOCKS: tl.constexpr):  # fmt: skip
    """The next digit of the threshold: the largest behind which enough mass lies.

    masses (blocks, DIGITS) of one row: what tokens with this prefix have behind
    each digit; `above` is the mass of all larger prefixes.
    """
    block = tl.arange(0, BLOCKS)
    digit = tl.arange(0, DIGITS)
    place = (row * blocks + block)[:, None] * DIGITS + digit[None, :]
    mass = tl.sum(tl.load(masses + place, mask=(block < blocks)[:, None], other=0.0), axis=0)
    # Suffix sums by comparison of pairs: all in one order, exact for counts.
    behind = tl.sum(tl.where(digit[:, None] >= digit[None, :], mass[:, None], 0.0), axis=0)
    enough = (above + behind >= wanted).to(tl.int32)
    chosen = tl.maximum(tl.sum(enough, axis=0) - 1, 0)
    above += tl.sum(tl.where(digit > chosen, mass, 0.0), axis=0)
    return prefix | (chosen << shift), above


@triton.jit(do_not_specialize=["shift"])
def _search_kernel(
    probs, floor, wanted, prefixes, aboves, before, masses, vocabulary, blocks, shift,
    FIRST: tl.constexpr, LAST: tl.constexpr, COUNT: tl.constexpr,
    BITS: tl.constexpr, DIGITS: tl.constexpr, BLOCKS: tl.constexpr, BLOCK: tl.constexpr,
):  # fmt: skip
    """One pass: settle the digit above `shift`, then add up the masses of the next one.

    prefixes, aboves (passes, rows): row 0 of them is the state before this pass, the next one
    that after it.
    """
    row = tl.program_id(0).to(tl.int64)
    rows = tl.num_programs(0)
    block = tl.program_id(1)
    prefix = tl.load(prefixes + row)
    above = tl.load(aboves + row)
    if not FIRST:
        goal = tl.load(wanted + row)
        prefix, above = _narrow(
            before, row, blocks, prefix, above, goal, shift + BITS, DIGITS, BLOCKS
        )
        if block == 0:
            tl.store(prefixes + rows + row, prefix)
            tl.store(aboves + rows + row, above)
    if not LAST:
        token = block * BLOCK + tl.arange(0, BLOCK)
        inside = token < vocabulary
        prob = tl.load(probs + row * vocabulary + token, mask=inside, other=0.0)
        bits = prob.to(tl.int32, bitcast=True)
        inside = inside & (prob >= tl.load(floor + row))
        if not FIRST:
            inside = inside & ((bits >> (shift + BITS)) == (prefix >> (shift + BITS)))
        own = (bits >> shift) & (DIGITS - 1)
        weight = tl.full([BLOCK], 1.0, tl.float64) if COUNT else prob.to(tl.float64)
        weight = tl.where(inside, weight, 0.0)
        digit = tl.arange(0, DIGITS)
        mass = tl.sum(tl.where(own[:, None] == digit[None, :], weight[:, None], 0.0), axis=0)
        tl.store(masses + (row * blocks + block) * DIGITS + digit, mass)


def _least_kept(
    probs: Tensor, floor: Tensor, wanted: Tensor, tuning: RowTuning, *, count: bool
) -> Tensor:
    """The largest probability at or above which lies `wanted` (rows,) mass or count.

    Tokens below `floor` (rows,) are not there. 0 where there is never enough.
    """
    rows, vocabulary = probs.shape
    blocks = triton.cdiv(vocabulary, tuning.columns)
    prefixes = torch.zeros((_LEVELS + 1, rows), dtype=torch.int32, device=probs.device)
    aboves = torch.zeros((_LEVELS + 1, rows), dtype=torch.float64, device=probs.device)
    masses = torch.empty((2, rows, blocks, _DIGITS), dtype=torch.float64, device=probs.device)
    for level in range(_LEVELS + 1):
        # Pass `level` reads the state of the pass before, whose digit it settles.
        state = max(level - 1, 0)
        last = level == _LEVELS
        _search_kernel[(rows, 1 if last else blocks)](
            probs, floor, wanted, prefixes[state], aboves[state],
            masses[(level + 1) % 2], masses[level % 2], vocabulary, blocks,
            32 - _DIGIT_BITS * (level + 1),
            FIRST=level == 0,
            LAST=last,
            COUNT=count,
            BITS=_DIGIT_BITS,
            DIGITS=_DIGITS,
            BLOCKS=triton.next_power_of_2(blocks),
            BLOCK=tuning.columns,
            num_warps=tuning.warps,
        )  # fmt: skip
    return prefixes[_LEVELS].view(torch.float32)


@triton.jit
def _mass_kernel(
    probs, floor, masses, vocabulary, blocks, BLOCK: tl.constexpr
):  # fmt: skip
    row = tl.program_id(0).to(tl.int64)
    block = tl.program_id(1)
    token = block * BLOCK + tl.arange(0, BLOCK)
    prob = tl.load(probs + row * vocabulary + token, mask=token < vocabulary, other=0.0)
    kept = tl.where(prob >= tl.load(floor + row), prob, 0.0).to(tl.float64)
    tl.store(masses + row * blocks + block, tl.sum(kept, axis=0))


@triton.jit
def _mixed(state, part):
    """One round of `model.step.sampler.uniform`: the SplitMix64 finaliser."""
    gamma = tl.full([], 0x9E3779B97F4A7C15, tl.uint64)
    state = (state ^ part.to(tl.uint64, bitcast=True)) * gamma + gamma
    state = (state ^ (state >> 30)) * tl.full([], 0xBF58476D1CE4E5B9, tl.uint64)
    state = (state ^ (state >> 27)) * tl.full([], 0x94D049BB133111EB, tl.uint64)
    return state ^ (state >> 31)


@triton.jit
def _pick_kernel(
    probs, floor, masses, seeds, streams, positions, out, vocabulary, blocks,
    BLOCKS: tl.constexpr, BLOCK: tl.constexpr,
):  # fmt: skip
    row = tl.program_id(0).to(tl.int64)
    state = _mixed(tl.full([], 0, tl.uint64), tl.load(seeds + row))
    state = _mixed(state, tl.load(streams + row))
    state = _mixed(state, tl.load(positions + row))
    noise = (state >> 11).to(tl.float64) * 1.1102230246251565e-16  # 2 ** -53
    block = tl.arange(0, BLOCKS)
    mass = tl.load(masses + row * blocks + block, mask=block < blocks, other=0.0)
    upto = tl.cumsum(mass, axis=0)
    target = noise * tl.sum(mass, axis=0)
    # The first block whose end lies beyond the target; rounding must not choose an empty one.
    full = tl.max(tl.where(mass > 0, block, 0), axis=0)
    chosen = tl.minimum(tl.sum((upto <= target).to(tl.int32), axis=0), full)
    before = tl.sum(tl.where(block < chosen, mass, 0.0), axis=0)
    place = tl.arange(0, BLOCK)
    token = chosen * BLOCK + place
    prob = tl.load(probs + row * vocabulary + token, mask=token < vocabulary, other=0.0)
    kept = tl.where(prob >= tl.load(floor + row), prob, 0.0).to(tl.float64)
    reached = before + tl.cumsum(kept, axis=0)
    end = tl.max(tl.where(kept > 0, place, 0), axis=0)
    picked = tl.minimum(tl.sum((reached <= target).to(tl.int32), axis=0), end)
    tl.store(out + row, (chosen * BLOCK + picked).to(tl.int64))


def _pick(probs: Tensor, floor: Tensor, inputs: SampleInputs, tuning: RowTuning) -> Tensor:
    """The token of each row at which its noise falls, among those at or above `floor`."""
    rows, vocabulary = probs.shape
    blocks = triton.cdiv(vocabulary, tuning.columns)
    masses = torch.empty((rows, blocks), dtype=torch.float64, device=probs.device)
    out = torch.empty(rows, dtype=torch.int64, device=probs.device)
    _mass_kernel[(rows, blocks)](
        probs, floor, masses, vocabulary, blocks, BLOCK=tuning.columns, num_warps=tuning.warps
    )
    _pick_kernel[(rows,)](
        probs, floor, masses, inputs.seeds, inputs.streams, inputs.positions, out,
        vocabulary, blocks,
        BLOCKS=triton.next_power_of_2(blocks),
        BLOCK=tuning.columns,
        num_warps=tuning.warps,
    )  # fmt: skip
    return out
