"""Every kind of sandbox, once; a new one is a file and a line here (docs/extending.md)."""

from __future__ import annotations

from collections.abc import Collection

from envs.bubblewrap.kind import BUBBLEWRAP
from envs.docker.kind import DOCKER
from envs.errors import SandboxError
from envs.sandbox.kind import Need, SandboxKind

SANDBOX_KINDS: tuple[SandboxKind, ...] = (
    DOCKER,
    BUBBLEWRAP,
)
"""In the order in which `auto` tries them."""
AUTO = "auto"
CHOICES = (AUTO, *(kind.name for kind in SANDBOX_KINDS))
"""What the setting sandbox.kind accepts."""
CHOICES_TEXT = f"{', '.join(CHOICES[:-1])} or {CHOICES[-1]}"


def sandbox_kind(name: str) -> SandboxKind:
    """The entry of a kind; raises SandboxError with the names that there are."""
    for kind in SANDBOX_KINDS:
        if kind.name == name:
            return kind
    raise SandboxError(f"there is no sandbox '{name}'; use {CHOICES_TEXT}")


def suitable_kinds(name: str = AUTO, needs: Collection[Need] = ()) -> tuple[SandboxKind, ...]:
    """The kinds that `name` allows and that lack nothing of `needs`; at least one.

    Raises SandboxError for an unknown name, and with what the named kind lacks.
    """
    kinds = SANDBOX_KINDS if name == AUTO else (sandbox_kind(name),)
    if suitable := tuple(kind for kind in kinds if not kind.lacks.keys() & set(needs)):
        return suitable
    lacking = "; ".join(kind.lacks[need] for kind in kinds for need in needs if need in kind.lacks)
    others = " or ".join(kind.name for kind in SANDBOX_KINDS if not kind.lacks.keys() & set(needs))
    raise SandboxError(f"{lacking}; use --sandbox {others}", cause="not_available")


def choose_kind(name: str = AUTO, needs: Collection[Need] = ()) -> str:
    """The first suitable kind that works here; raises SandboxError when none does.

    A kind that is named is only checked for.
    """
    kinds = suitable_kinds(name, needs)
    failed: SandboxError | None = None
    for kind in kinds:
        try:
            kind.check()
        except SandboxError as error:
            if len(kinds) == 1:
                raise
            failed = failed or error
        else:
            return kind.name
    raise SandboxError(
        f"commands need a sandbox, and this machine has none: "
        f"{' and '.join(kind.missing for kind in kinds)}; "
        f"{', or '.join(kind.remedy for kind in kinds)}",
        cause="not_available",
    ) from failed
