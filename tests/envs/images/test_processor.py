"""An image for another processor: what the engine says of it helps nobody, so we say more."""

from __future__ import annotations

import hashlib
import io
import json
import os
import secrets
import struct
import tarfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from envs.docker.sandbox import DockerSandbox
from envs.errors import SandboxError
from envs.images.processor import foreign_processor
from envs.images.recipes import base_image
from envs.sandbox.owner import boot_id
from envs.sandbox.sandbox import Owner, SandboxLimits
from envs.swebench.grader import GradeOptions, Grader

from ..swebench_rows import row

if TYPE_CHECKING:
    from docker import DockerClient

pytestmark = pytest.mark.docker

# The head of a program for 64-bit ARM, and of one for IBM z: one of them is foreign anywhere.
MACHINES = {"arm64": ("<", 183), "s390x": (">", 22)}


def program(processor: str) -> bytes:
    order, machine = MACHINES[processor]
    ident = b"\x7fELF\x02" + (b"\x01" if order == "<" else b"\x02") + b"\x01" + bytes(9)
    return ident + struct.pack(
        f"{order}HHIQQQIHHHHHH", 2, machine, 1, 0, 0, 0, 0, 64, 0, 0, 0, 0, 0
    )


def tar(files: Mapping[str, bytes]) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        for name, content in files.items():
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = len(content), 0o755
            archive.addfile(entry, io.BytesIO(content))
    return packed.getvalue()


@pytest.fixture
def foreign(engine: DockerClient) -> Iterator[tuple[str, str]]:
    """The name of an image whose bash no processor of this engine's kind runs, and its kind."""
    processor = "s390x" if engine.version()["Arch"] == "arm64" else "arm64"
    name = f"cwm-agent-test/foreign:{secrets.token_hex(4)}"
    layer = tar(dict.fromkeys(("bin/bash", "bin/sh"), program(processor)))
    config = {
        "architecture": processor,
        "os": "linux",
        "config": {"Env": ["PATH=/bin"]},
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{hashlib.sha256(layer).hexdigest()}"]},
    }
    manifest = [{"Config": "config.json", "RepoTags": [name], "Layers": ["layer.tar"]}]
    parts = {"config.json": config, "manifest.json": manifest}
    files = {path: json.dumps(part).encode() for path, part in parts.items()}
    engine.images.load(tar(files | {"layer.tar": layer}))
    yield name, processor
    engine.images.remove(name, force=True)


def test_a_sandbox_says_why_nothing_starts_and_is_not_tried_again(
    foreign: tuple[str, str],
) -> None:
    name, processor = foreign
    owner = Owner("test", "foreign", 0, os.getpid(), boot_id())
    with pytest.raises(SandboxError) as caught:
        DockerSandbox(name, limits=SandboxLimits(), owner=owner).open()
    assert f"the image {name} is for {processor} and this engine runs on" in str(caught.value)
    assert "images build" in str(caught.value)
    assert caught.value.cause == "not_available"


def test_a_grader_says_so_too_and_gives_no_verdict(
    foreign: tuple[str, str], tmp_path: Path
) -> None:
    name, processor = foreign
    with Grader(tmp_path, GradeOptions(60, network=False)) as official:
        graded = official.grade(row("a__b-1", image=name), "diff --git a/x b/x\n")
    assert graded.outcome == "infrastructure"
    assert f"the image {name} is for {processor}" in graded.verdict.detail


def test_an_image_for_this_processor_and_one_that_is_not_there_are_not_foreign(
    engine: DockerClient,
) -> None:
    assert foreign_processor(engine, base_image(engine)) == ""
    assert foreign_processor(engine, "cwm-agent-test/nothing:1") == ""
