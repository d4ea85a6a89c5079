"""Amounts of memory as a user writes them."""

from __future__ import annotations

from cwm_agent.errors import NotReadyError, UsageError


def byte_size(text: str) -> int:
    """Bytes of a size such as 5GB or 80GiB; raises UsageError."""
    from pydantic import ByteSize, TypeAdapter, ValidationError

    try:
        return int(TypeAdapter(ByteSize).validate_python(text))
    except ValidationError as error:
        raise UsageError(f"'{text}' is not a size; give one such as 5GB or 500MiB") from error


def card_size(text: str | None) -> int:
    """Bytes of a card: as written, else of the first one here. Raises UsageError, NotReadyError."""
    if text is not None:
        return byte_size(text)
    import torch

    if not torch.cuda.is_available():
        raise NotReadyError("this machine has no GPU to plan for; pass --gpu-memory, e.g. 80GiB")
    return int(torch.cuda.get_device_properties(0).total_memory)
