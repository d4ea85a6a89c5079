"""Everything that a row needs, checked without asking a model for a token."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from typer.exceptions import TyperException

from cwm_agent.config.resolve import load_settings
from cwm_agent.errors import CwmAgentError
from cwm_agent.policies.choose import find_checkpoint
from cwm_agent.reproduce.expected import TENSOR_PARALLEL
from cwm_agent.reproduce.published import Row, commands
from envs.errors import RowError, SandboxError
from envs.registry import choose_kind
from model.checkpoint.layouts import read_shape
from model.engine.fit import plan_fit
from model.engine.memory import GIB, Deployment
from model.errors import ModelError

NEEDED_DISK = {"issues": 120 * GIB, "problems": 4 * GIB, "traces": 2 * GIB}
"""Free bytes wanted: SWE-bench's images come and go, at 2 to 4 GiB each; the rest are journals."""


@dataclass(frozen=True, slots=True)
class Found:
    """One check: what, whether it holds, and what was found or is to be done."""

    what: str
    ok: bool
    said: str


Parse = Callable[[list[str]], None]
"""Parses one command line by the real options; raises UsageError or what typer raises."""


def check(
    row: Row, model: str | None, parse: Parse, known: dict[tuple[str, str], Found] | None = None
) -> list[Found]:
    """All checks, in the order in which they matter; none raises.

    `known` keeps what rows have in common, such as the answer of the hub.
    """
    looks: dict[str, tuple[str, Callable[[], str]]] = {
        "command": (row.name, lambda: _parsed(row, parse)),
        "settings": ("", _settings),
        "checkpoint": ("", lambda: _checkpoint(model)),
        "GPU memory": ("", lambda: _memory(model)),
        "data": (row.dataset, lambda: _data(row)),
        "sandbox": (row.kind, lambda: _sandbox(row)),
        "disk": (row.kind, lambda: _disk(row)),
    }
    known = {} if known is None else known
    for what, (of, look) in looks.items():
        if (what, of) not in known:
            known[what, of] = _of(what, look)
    return [known[what, of] for what, (of, _) in looks.items()]


def _of(what: str, look: Callable[[], str]) -> Found:
    try:
        return Found(what, True, look())
    except TyperException as error:
        return Found(what, False, error.format_message())
    except (CwmAgentError, SandboxError, ModelError, RowError, OSError) as error:
        return Found(what, False, str(error))


def _parsed(row: Row, parse: Parse) -> str:
    known = commands(row)
    for words in known:
        parse(words)
    return f"{len(known)} command lines are understood"


def _settings() -> str:
    settings = load_settings().settings
    sampling = settings.sampling
    if (sampling.temperature, sampling.top_p) != (1.0, 0.95):
        raise SandboxError(
            f"temperature {sampling.temperature:g} and top_p {sampling.top_p:g} are set, 1 and "
            "0.95 were published; see `cwm-agent config show`"
        )
    return "temperature 1, top-p 0.95, seed 42, as published"


def _checkpoint(model: str | None) -> str:
    if model is None:
        raise SandboxError("no checkpoint is named; give --model DIR (facebook/cwm is gated)")
    folder = find_checkpoint(model)
    shape = read_shape(folder)
    return f"{folder}: {shape.layers} layers, context {shape.context}"


def _memory(model: str | None) -> str:
    import torch

    if not torch.cuda.is_available():
        raise SandboxError("this machine has no GPU; see `cwm-agent model plan --gpu-memory 80GiB`")
    cards = torch.cuda.device_count()
    size = torch.cuda.get_device_properties(0).total_memory
    if model is None:
        raise SandboxError("no checkpoint is named, so no plan can be made")
    degree = min(TENSOR_PARALLEL, cards)
    deployment = Deployment(read_shape(find_checkpoint(model)), tensor_parallel=degree)
    fit = plan_fit(deployment, size, context=min(131_072, deployment.config.context))
    if not fit.fits:
        raise SandboxError(f"it does not fit: {'; '.join(fit.remedies)}")
    return f"{cards} cards of {size / GIB:.0f} GiB: {fit.sessions} sessions of {fit.context} tokens"


def _data(row: Row) -> str:
    """Whether the data set can be had: from the cache, or from the hub if that answers."""
    if row.kind == "issues":
        from cwm_agent.tasks.datasets import load_suite

        suite = load_suite("swebench-verified")
        return f"{suite.source}: {len(suite.instances)} rows"
    from huggingface_hub import HfApi
    from huggingface_hub.constants import HF_HUB_CACHE
    from huggingface_hub.file_download import repo_folder_name

    folder = Path(HF_HUB_CACHE) / repo_folder_name(repo_id=row.dataset, repo_type="dataset")
    if folder.is_dir():
        return f"{row.dataset} is in the cache"
    try:
        revision = HfApi().dataset_info(row.dataset, timeout=10).sha
    except Exception as error:
        raise SandboxError(
            f"{row.dataset} is not in the cache, and the hub does not answer "
            f"({type(error).__name__}); connect, or copy the cache of another machine"
        ) from error
    return f"{row.dataset}@{revision} on the hub"


def _sandbox(row: Row) -> str:
    """Docker and how many of the suite's images are here; else any sandbox."""
    if row.kind != "issues":
        return choose_kind()
    from docker.errors import DockerException

    from cwm_agent.tasks.datasets import load_suite
    from envs.docker.engine import connect_engine
    from envs.images.keys import present

    choose_kind(needs=["image"])
    try:
        instances = load_suite("swebench-verified").instances
    except CwmAgentError:
        return "docker; the images are not known without the data"
    try:
        with closing(connect_engine()) as client:
            here = sum(present(client, instance.image) for instance in instances)
    except DockerException as error:
        raise SandboxError(f"the engine does not list its images: {error}") from error
    return f"docker; {here} of {len(instances)} images are here, the others are pulled"


def _disk(row: Row) -> str:
    place = Path.cwd()
    free, wanted = shutil.disk_usage(place).free, NEEDED_DISK[row.kind]
    if free < wanted:
        raise SandboxError(
            f"{free / GIB:.0f} GiB are free at {place}, {wanted / GIB:.0f} GiB are wanted"
        )
    return f"{free / GIB:.0f} GiB free, {wanted / GIB:.0f} GiB wanted"


def missing(found: list[Found]) -> Iterator[str]:
    """What keeps a row from running here."""
    return (f"{one.what}: {one.said}" for one in found if not one.ok)
