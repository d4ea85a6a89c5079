"""Smaller weights: the linear layers in 8 bits, everything else as it is.

Embedding, head and norms keep their number format: together they are 5 % of
the 32B model, and errors in the head go straight into the logits.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Literal, TypeAlias

import torch
from torch import Tensor

from model.checkpoint.weights import LayerConverter, LayerWeights
from model.errors import QuantizationError
from model.ops.linear import Fp8Weight, LinearWeight, quantise_fp8, quantise_int8

Quantization: TypeAlias = Literal["none", "fp8", "int8"]

_FP8_CAPABILITY = (8, 9)  # Ada and newer multiply fp8
_FP8_MULTIPLE = 16  # what torch._scaled_mm asks of both sides of a matrix on CUDA


def layer_quantizer(kind: Quantization) -> LayerConverter:
    """A function that quantises the four linear weights of one layer.

    Applied layer by layer while loading, so that the whole model is never held
    in both forms. It raises QuantizationError when the device or the shape cannot do it.
    """
    if kind == "none":
        return lambda layer: layer
    if kind not in ("fp8", "int8"):
        raise QuantizationError(f"unknown quantisation '{kind}'; use none, fp8 or int8")
    quantise: Callable[[LinearWeight], LinearWeight] = _to_fp8 if kind == "fp8" else _to_int8

    def convert(layer: LayerWeights) -> LayerWeights:
        return replace(
            layer,
            qkv=quantise(layer.qkv),
            output=quantise(layer.output),
            gate_up=quantise(layer.gate_up),
            down=quantise(layer.down),
        )

    return convert


def _to_fp8(weight: LinearWeight) -> LinearWeight:
    matrix = _plain(weight)
    if matrix.is_cuda:
        _check_fp8_device(matrix)
    return quantise_fp8(matrix)


def _to_int8(weight: LinearWeight) -> LinearWeight:
    return quantise_int8(_plain(weight))


def _plain(weight: LinearWeight) -> Tensor:
    if not isinstance(weight, Tensor):
        kind = "fp8" if isinstance(weight, Fp8Weight) else "int8"
        raise QuantizationError(f"the weights are {kind} already; load the checkpoint again")
    return weight


def _check_fp8_device(matrix: Tensor) -> None:
    capability = torch.cuda.get_device_capability(matrix.device)
    if capability < _FP8_CAPABILITY:
        raise QuantizationError(
            f"{torch.cuda.get_device_name(matrix.device)} cannot multiply fp8 "
            f"(compute capability {capability[0]}.{capability[1]}, needed 8.9); use int8"
        )
    if any(side % _FP8_MULTIPLE for side in matrix.shape):
        raise QuantizationError(
            f"a linear layer of shape {list(matrix.shape)} cannot be fp8 on CUDA, which needs "
            f"multiples of {_FP8_MULTIPLE}; use int8"
        )
