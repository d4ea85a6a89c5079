"""Numbers, masks and biases from outside, checked before a step that all sessions share.

What fails in a step fails for everybody; what fails here is the caller's own error.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Iterable, Mapping
from typing import SupportsFloat

import torch
from torch import Tensor

from model.errors import SamplingError, TokenIdError

_LARGEST = torch.finfo(torch.float32).max


def whole(name: str, number: object) -> int:
    """A Python integer, also out of numpy's, which overflow where noise is computed.

    Raises SamplingError.
    """
    try:
        return operator.index(number)  # type: ignore[arg-type]
    except TypeError:
        raise SamplingError(f"{name} is {number!r}; it must be a whole number") from None


def real(name: str, number: object) -> float:
    """A Python float; raises SamplingError."""
    if isinstance(number, str) or not isinstance(number, SupportsFloat):
        raise SamplingError(f"{name} is {number!r}; it must be a number")
    return float(number)


def token_ids(ids: Iterable[object], vocabulary: int) -> list[int]:
    """The ids as Python integers below `vocabulary`; raises TokenIdError."""
    found = []
    for token in ids:
        try:
            number = operator.index(token)  # type: ignore[arg-type]
        except TypeError:
            number = -1
        if not 0 <= number < vocabulary:
            raise TokenIdError(
                f"token id {token!r} is outside the vocabulary of {vocabulary}; "
                "use the tokenizer of this checkpoint"
            )
        found.append(number)
    return found


def checked_mask(allowed: object, vocabulary: int, length: int) -> Tensor:
    """A mask's answer after `length` tokens, (vocabulary,) of bool; raises SamplingError."""
    if not isinstance(allowed, Tensor):
        found = f"a {type(allowed).__name__}"
    elif allowed.layout != torch.strided or allowed.is_nested or allowed.is_meta:
        found = "a tensor without plain content"
    elif allowed.dtype != torch.bool or tuple(allowed.shape) != (vocabulary,):
        found = f"a tensor of {allowed.dtype} {list(allowed.shape)}"
    elif not allowed.any():
        raise _nothing_left("mask", length)
    else:
        return allowed
    raise SamplingError(
        f"the mask gave {found}; it must give None, or a tensor of torch.bool [{vocabulary}]"
    )


def checked_bias(
    bias: object, allowed: Tensor | None, vocabulary: int, length: int
) -> dict[int, float]:
    """What a bias adds to the logits after `length` tokens, of those that are `allowed`.

    A value is finite, or minus infinity, which forbids its token. Raises SamplingError.
    """
    if not isinstance(bias, Mapping):
        raise SamplingError(
            f"the bias gave a {type(bias).__name__}; it must give a mapping of token ids to numbers"
        )
    try:
        ids = token_ids(bias, vocabulary)
    except TokenIdError as error:
        raise SamplingError(f"the bias names no token: {error}") from None
    found = {token: real("a bias", value) for token, value in zip(ids, bias.values(), strict=True)}
    for value in found.values():
        if math.isnan(value) or value > _LARGEST or -math.inf < value < -_LARGEST:
            raise SamplingError(f"a bias is {value}; it must be finite, or minus infinity")
    banned = [token for token, value in found.items() if value == -math.inf]
    if banned:
        left = torch.ones(vocabulary, dtype=torch.bool) if allowed is None else allowed.clone()
        left[banned] = False
        if not left.any():
            raise _nothing_left("bias", length)
    return found


def _nothing_left(what: str, length: int) -> SamplingError:
    return SamplingError(
        f"the {what} allows no token after {length} tokens of the answer; allow at least one, "
        "or end the answer with a stop watcher"
    )
