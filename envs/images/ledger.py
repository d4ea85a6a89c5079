"""When each image was last used, and which ones this tool brought here.

A small file for each engine. Losing it does no harm: images that were pulled
are then nobody's, so they stay.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from envs.errors import SandboxError

if TYPE_CHECKING:
    from docker import DockerClient

Origin = Literal["pulled", "built", "found"]


@dataclass(frozen=True, slots=True)
class Use:
    """One image: its id when it was recorded, how it came here, and when it was last used.

    "found" was here before; it is never removed. `used` is in seconds since 1970.
    """

    id: str
    origin: Origin
    used: float


class Ledger:
    """The record of one engine. Processes may write it at the same time."""

    def __init__(self, path: Path) -> None:
        self._path = path

    @classmethod
    def of_engine(cls, client: DockerClient) -> Ledger:
        """The one in the user's state folder for the engine that `client` talks to."""
        from platformdirs import user_state_path

        engine = str(client.info().get("ID") or client.api.base_url)
        name = hashlib.sha256(engine.encode()).hexdigest()[:12]
        return cls(user_state_path("cwm-agent") / "images" / f"{name}.json")

    def entries(self) -> Mapping[str, Use]:
        """All that is recorded, by familiar name. A damaged file counts as an empty one."""
        try:
            raw = json.loads(self._path.read_text())
            return {name: Use(**entry) for name, entry in raw["images"].items()}
        except (OSError, ValueError, TypeError, KeyError, AttributeError):
            return {}

    def record(self, name: str, image_id: str, origin: Origin = "found") -> None:
        """The image was used just now. "found" leaves the origin that is known for the same id."""
        name = familiar(name)
        with self._changing() as entries:
            known = entries.get(name)
            if known and known.id == image_id and origin == "found":
                entries[name] = replace(known, used=time.time())
            else:
                entries[name] = Use(image_id, origin, time.time())

    def forget(self, name: str) -> None:
        """The image is gone."""
        with self._changing() as entries:
            entries.pop(familiar(name), None)

    @contextmanager
    def _changing(self) -> Iterator[dict[str, Use]]:
        from filelock import FileLock

        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with FileLock(f"{self._path}.lock"):
                entries = dict(self.entries())
                yield entries
                raw = {name: asdict(use) for name, use in sorted(entries.items())}
                new = self._path.with_suffix(".new")
                new.write_text(json.dumps({"version": 1, "images": raw}, indent=1) + "\n")
                new.replace(self._path)
        except OSError as error:
            raise SandboxError(
                f"the record of images {self._path} cannot be written ({error}); make its folder "
                "writable, or set XDG_STATE_HOME to another one"
            ) from error


def familiar(name: str) -> str:
    """The name as the engine lists it: without the default registry, with a tag or digest."""
    for prefix in ("docker.io/", "index.docker.io/", "library/"):
        name = name.removeprefix(prefix)
    last = name.rpartition("/")[2]
    return name if ":" in last or "@" in last else f"{name}:latest"
