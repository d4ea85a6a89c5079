"""Each kind of sandbox is registered once: its choice, and what it lacks."""

from __future__ import annotations

from pathlib import Path

import pytest

from envs.errors import SandboxError
from envs.registry import CHOICES_TEXT, SANDBOX_KINDS, choose_kind, sandbox_kind, suitable_kinds
from envs.sandbox.kind import Need


def test_an_unknown_kind_names_those_that_there_are() -> None:
    with pytest.raises(SandboxError, match="no sandbox 'dokcer'; use auto, docker or bubblewrap"):
        sandbox_kind("dokcer")
    assert CHOICES_TEXT == "auto, docker or bubblewrap"
    assert [sandbox_kind(kind.name) for kind in SANDBOX_KINDS] == list(SANDBOX_KINDS)


@pytest.mark.parametrize("need", ["image", "allowed_hosts"])
def test_a_kind_that_lacks_what_is_needed_is_not_taken(need: Need) -> None:
    assert [kind.name for kind in suitable_kinds("auto", [need])] == ["docker"]
    with pytest.raises(SandboxError, match=r"bubblewrap .*; use --sandbox docker"):
        suitable_kinds("bubblewrap", [need])


def test_what_only_docker_has_is_refused_for_want_of_an_engine_alone(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/no.sock")
    with pytest.raises(SandboxError, match="no Docker engine answers") as caught:
        choose_kind(needs=["image"])
    assert "bubblewrap is not installed" not in str(caught.value)
