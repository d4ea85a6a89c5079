"""What is registered of a kind of sandbox, and how sandboxes of it are made."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Protocol

from envs.progress import Say
from envs.sandbox.sandbox import Owner, Sandbox, SandboxLimits
from envs.task import Recipe

Need = Literal["image", "allowed_hosts"]
"""What not every kind offers: a container image as contents, a proxy to the allowed hosts."""


@dataclass(frozen=True, slots=True)
class Contents:
    """What sandboxes hold: the recipe's packages, or an image in their place.

    `build` is a command that makes the image where it cannot be pulled. `context`
    is a folder with a Dockerfile that makes it, in at most `build_seconds`.
    `min_free` are the bytes that pulling leaves free. With `proxy` what reaches the
    allowed hosts is prepared, too.
    """

    recipe: Recipe = field(default_factory=Recipe)
    image: str | None = None
    build: str = ""
    context: Path | None = None
    build_seconds: float = 600.0
    min_free: int = 0
    proxy: bool = False


@dataclass(frozen=True, slots=True)
class SandboxSpec:
    """One sandbox: whose, how large, where its shell starts, and its variables."""

    owner: Owner
    limits: SandboxLimits = field(default_factory=SandboxLimits)
    root: str = "/testbed"
    variables: Mapping[str, str] = field(default_factory=dict)


class Prepared(Protocol):
    """Contents that are ready: makes any number of sandboxes with them."""

    def make(self, spec: SandboxSpec) -> Sandbox:
        """A new sandbox, not yet open."""

    def working_folder(self) -> str:
        """The folder that the image names for its commands, else "/"; raises SandboxError."""


@dataclass(frozen=True, slots=True)
class SandboxKind:
    """A kind of sandbox; `envs/registry.py` lists every one.

    `check` raises SandboxError, with the remedy, where this machine has none.
    `prepare` does what is slow (an image, an environment), once for many
    sandboxes, and raises SandboxError. `empty` makes one without any contents,
    for a look whether it works; None where it needs an image. `missing` and
    `remedy` are for the error where no kind is there. `lacks` says in words
    what the kind does not offer. `enter` makes the command that opens a shell for a person in a
    live sandbox, given by run, instance and sample, whichever process holds it; None without one.
    """

    name: str
    check: Callable[[], None]
    prepare: Callable[[Contents, Say], Prepared]
    missing: str
    remedy: str
    empty: Callable[[SandboxSpec], Sandbox] | None = None
    lacks: Mapping[Need, str] = field(default_factory=dict)
    enter: Callable[[str, str, int], list[str] | None] | None = None
