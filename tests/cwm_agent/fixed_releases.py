"""The releases that fixed the bugs of the examples."""

from __future__ import annotations

from pathlib import Path

import yaml

from cwm_agent.tasks import examples
from envs.repository.releases import Release, fetch


def fixed_release(name: str) -> Path:
    """The repository of the release that fixed the bug; raises as `examples.load` does."""
    described = yaml.safe_load((examples.FOLDER / name / "task.yaml").read_text("utf-8"))
    return fetch(Release(described["package"], **described["fixed"]))
