"""What the embedded engine needs: torch, a GPU, triton, the checkpoint."""

from __future__ import annotations

import os
from importlib import metadata
from pathlib import Path

from cwm_agent.config.paths import expand
from cwm_agent.config.settings import Settings
from cwm_agent.doctor.check import GIB, Check

LITTLE_GPU_MEMORY = 70 * GIB
"""CWM has 32 billion parameters: 64 GB in bfloat16, and the context comes on top."""


def torch() -> list[Check]:
    """PyTorch and each GPU that it sees."""
    try:
        import torch as pytorch
    except ImportError as error:
        return [Check("torch", "fail", f"cannot be imported: {error}", "pip install torch")]
    version = str(pytorch.__version__)
    if not pytorch.cuda.is_available():
        if pytorch.version.cuda is None and Path("/dev/nvidiactl").exists():
            remedy = "this machine has a GPU: install a CUDA build of torch"
            return [Check("torch", "warn", f"{version}, built without CUDA", remedy)]
        remedy = "CWM needs a GPU; small models run on the CPU"
        return [Check("torch", "warn", f"{version}, no CUDA device", remedy)]
    checks = [Check("torch", "ok", f"{version}, CUDA {pytorch.version.cuda}")]
    for number in range(pytorch.cuda.device_count()):
        checks.append(_gpu(number, pytorch.cuda.get_device_name(number)))
    return checks


def _gpu(number: int, name: str) -> Check:
    import torch as pytorch

    label = f"gpu {number}"
    try:
        free, total = pytorch.cuda.mem_get_info(number)
    except RuntimeError as error:
        reason = str(error).splitlines()[0]
        return Check(label, "fail", f"{name}: {reason}", "check `nvidia-smi`; reboot if it fails")
    found = f"{name}, {free / GIB:.0f} of {total / GIB:.0f} GiB free"
    if free < LITTLE_GPU_MEMORY:
        remedy = "CWM in bfloat16 needs 64 GB and its context more: free memory or a larger GPU"
        return Check(label, "warn", found, remedy)
    return Check(label, "ok", found)


def triton() -> Check:
    """Triton compiles the GPU kernels; without a GPU it is not used."""
    try:
        return Check("triton", "ok", metadata.version("triton"))
    except metadata.PackageNotFoundError:
        if Path("/dev/nvidiactl").exists():
            return Check("triton", "warn", "not installed", "pip install triton")
        return Check("triton", "ok", "not installed; only GPUs use it")


def hugging_face() -> Check:
    """Where the Hugging Face cache is, and whether downloads are switched off."""
    from huggingface_hub import constants

    offline = [
        name
        for name in ("HF_HUB_OFFLINE", "HF_DATASETS_OFFLINE", "TRANSFORMERS_OFFLINE")
        if os.environ.get(name, "").lower() in {"1", "true", "yes", "on"}
    ]
    cache = Path(constants.HF_HUB_CACHE)
    found = f"cache {cache}{'' if cache.is_dir() else ' (empty)'}"
    if offline:
        return Check("hugging face", "ok", f"{found}, offline ({', '.join(offline)})")
    return Check("hugging face", "ok", f"{found}, downloads allowed")


def checkpoint(settings: Settings) -> Check:
    """The configured checkpoint: shape, tokenizer, and every tensor's name and shape.

    Reads the headers of the weight files, not the weights.
    """
    if settings.model is None:
        remedy = "set `model` to the folder of a checkpoint, or give --model DIR"
        return Check("checkpoint", "warn", "none is configured", remedy)
    folder = expand(settings.model)
    if not folder.is_dir():
        remedy = "set `model` to the folder of a checkpoint (configuration, weights, tokenizer)"
        return Check("checkpoint", "fail", f"{folder} is not a folder", remedy)
    try:
        from model.checkpoint.inspect import inspect_checkpoint
        from model.errors import ModelError
    except ImportError as error:
        return Check("checkpoint", "fail", f"cannot be read: {error}", "reinstall cwm-agent")
    try:
        found = inspect_checkpoint(folder)
    except ModelError as error:
        return Check("checkpoint", "fail", str(error), "copy the checkpoint again, completely")
    if found.problems:
        remedy = "copy the checkpoint again, completely; `cwm-agent model inspect` lists all"
        return Check("checkpoint", "fail", found.problems[0], remedy)
    return Check("checkpoint", "ok", f"{folder}, {found.parameters:,} parameters")
