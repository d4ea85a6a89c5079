"""`task.toml`: the keys that are read, and what is refused.

Source of the keys, their defaults and their meaning: `harbor.models.task.config` of the
package harbor 0.26.0 (schema version 1.4, and the older names of earlier versions).
"""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from envs.errors import HarborError

Network = Literal["public", "no-network", "allowlist"]


class _Part(BaseModel):
    """A table of the file; keys that only describe a task are passed over."""

    model_config = ConfigDict(extra="ignore", allow_inf_nan=False)


class Phase(_Part):
    """What the agent's and the verifier's table have in common."""

    user: str | int | None = None
    network_mode: Network | None = None


class Agent(Phase):
    """`[agent]`; `timeout_sec` is for the whole conversation."""

    timeout_sec: float | None = Field(default=None, gt=0)


class Verifier(Phase):
    """`[verifier]`; `env` may hold `${NAME}` of this host."""

    timeout_sec: float = Field(default=600.0, gt=0)
    env: dict[str, str] = Field(default_factory=dict)
    environment_mode: str | None = None
    environment: dict[str, Any] | None = None
    collect: list[Any] = Field(default_factory=list)


class Solution(_Part):
    """`[solution]`."""

    env: dict[str, str] = Field(default_factory=dict)


class Healthcheck(_Part):
    """`[environment.healthcheck]`: as Docker's own; `retries` failures in a row are too many."""

    command: str
    interval_sec: float = 5.0
    timeout_sec: float = 30.0
    start_period_sec: float = 0.0
    start_interval_sec: float = 5.0
    retries: int = 3


class Environment(_Part):
    """`[environment]`; `memory` and `storage` are the older spellings, such as `2G`."""

    build_timeout_sec: float = Field(default=600.0, gt=0)
    docker_image: str | None = None
    os: str = "linux"
    cpus: float | None = Field(default=None, gt=0)
    memory_mb: int | None = Field(default=None, gt=0)
    storage_mb: int | None = Field(default=None, gt=0)
    memory: str | None = None
    storage: str | None = None
    gpus: int | None = None
    tpu: Any = None
    mcp_servers: list[Any] = Field(default_factory=list)
    env: dict[str, str] = Field(default_factory=dict)
    workdir: str | None = None
    network_mode: Network = "public"
    allowed_hosts: list[str] = Field(default_factory=list)
    allow_internet: bool | None = None
    healthcheck: Healthcheck | None = None

    @field_validator("os")
    @classmethod
    def _lower(cls, name: str) -> str:
        return name.lower()

    def network(self) -> Network:
        """What the task allows itself; the older `allow_internet` counts where it stands alone."""
        if self.allow_internet is not None and "network_mode" not in self.model_fields_set:
            return "public" if self.allow_internet else "no-network"
        return self.network_mode


class Config(_Part):
    """The whole file."""

    task: dict[str, Any] | None = None
    metadata: dict[str, Any] = Field(default_factory=dict)
    agent: Agent = Field(default_factory=Agent)
    verifier: Verifier = Field(default_factory=Verifier)
    environment: Environment = Field(default_factory=Environment)
    solution: Solution = Field(default_factory=Solution)
    steps: list[Any] | None = None


def read_config(path: Path) -> Config:
    """The file, checked; raises HarborError with what is wrong, or what is not supported."""
    try:
        config = Config.model_validate(tomllib.loads(path.read_text("utf-8")))
    except OSError as error:
        raise HarborError(f"cannot read {path}: {error.strerror or error}") from error
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(map(str, first["loc"])) or "the file"
        raise HarborError(f"{path}: {where}: {first['msg']}; see docs/harbor.md") from error
    except ValueError as error:
        raise HarborError(f"{path} is not valid TOML: {error}") from error
    if reason := _unsupported(config):
        raise HarborError(
            f"{path}: {reason}; docs/harbor.md says what is read; leave this task out"
        )
    return config


def _unsupported(config: Config) -> str:
    """Why this task cannot be run here as it is meant; "" where it can."""
    place, verifier = config.environment, config.verifier
    reasons = {
        "it has several steps ([[steps]])": bool(config.steps),
        f"it wants the operating system {place.os}": place.os != "linux",
        "it wants GPUs or TPUs in its container": bool(place.gpus or place.tpu),
        "it wants MCP servers": bool(place.mcp_servers),
        "its tests run in an environment of their own": verifier.environment is not None
        or verifier.environment_mode == "separate",
        "it collects files from services ([[verifier.collect]])": bool(verifier.collect),
        "it names a user for the agent or the tests": any(
            phase.user not in (None, "root", 0, "0") for phase in (config.agent, verifier)
        ),
        "agent and tests have networks of their own": any(
            phase.network_mode not in (None, place.network()) for phase in (config.agent, verifier)
        ),
    }
    return next((reason for reason, holds in reasons.items() if holds), "")
