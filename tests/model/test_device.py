"""Devices and number formats by name."""

from __future__ import annotations

import pytest
import torch

from model.device import choose_device, choose_dtype, memory_of
from model.errors import DeviceError

CPU = torch.device("cpu")


def test_auto_is_cuda_only_where_there_is_one() -> None:
    assert choose_device("auto").type == ("cuda" if torch.cuda.is_available() else "cpu")
    assert choose_device("cpu") == CPU


@pytest.mark.parametrize("name", ["gpu9", "meta", "cuda:99", ""])
def test_a_device_that_is_not_there_is_refused(name: str) -> None:
    with pytest.raises(DeviceError, match=f"'{name}'"):
        choose_device(name)


def test_auto_keeps_the_stored_format_on_cuda_and_is_exact_on_a_cpu() -> None:
    cuda = torch.device("cuda")
    assert choose_dtype("auto", stored="float16", device=cuda) == torch.float16
    assert choose_dtype("auto", stored=None, device=cuda) == torch.bfloat16
    assert choose_dtype("auto", stored="bfloat16", device=CPU) == torch.float32
    assert choose_dtype("bfloat16", stored="float32", device=CPU) == torch.bfloat16


def test_an_unknown_number_format_is_refused() -> None:
    with pytest.raises(DeviceError, match="unknown number format 'int4'"):
        choose_dtype("int4", stored=None, device=CPU)


def test_running_out_of_memory_names_what_did_not_fit() -> None:
    with (
        pytest.raises(DeviceError, match="the model in x does not fit into the memory of cpu"),
        memory_of(CPU, "the model in x"),
    ):
        raise torch.OutOfMemoryError("CUDA out of memory")
