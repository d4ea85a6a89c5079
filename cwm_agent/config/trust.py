"""What the settings file of a folder may set before its user has looked at it.

A checkout brings its own settings file. It may say how an attempt goes, but not
who answers, where commands run and what they reach, or what is read and written
outside, unless the user has trusted exactly these values.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import platformdirs

from cwm_agent.errors import NotReadyError

FREE_SECTIONS = ("batch", "cost", "engine", "limits", "sampling", "scaling", "switches")
FREE_KEYS = frozenset(
    {"device", "dtype", "mode", "quantize", "samples", "tools", "viewer_keys"}
)  # fmt: skip
"""With the sections above all that any folder may set; whatever is new is guarded."""


def is_guarded(key: str) -> bool:
    """Whether a setting takes effect only from a folder that is trusted."""
    section, dot, _ = key.partition(".")
    return section not in FREE_SECTIONS if dot else key not in FREE_KEYS


@dataclass(frozen=True, slots=True)
class TrustedFiles:
    """The project files that the user has trusted, each with a digest of its guarded values."""

    path: Path

    @classmethod
    def of_user(cls) -> TrustedFiles:
        """Those of the user of this process."""
        return cls(platformdirs.user_state_path("cwm-agent") / "trusted.json")

    def holds(self, file: Path, values: Mapping[str, object]) -> bool:
        """Whether `file` was trusted with exactly the guarded ones of `values`."""
        return self._entries().get(str(file.absolute())) == digest(values)

    def trust(self, files: Mapping[Path, Mapping[str, object]]) -> None:
        """Trust files with their values, or none of them any more; raises NotReadyError."""
        entries = self._entries()
        for file, values in files.items():
            entries.pop(str(file.absolute()), None)
            if any(map(is_guarded, values)):
                entries[str(file.absolute())] = digest(values)
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self.path.write_text(json.dumps(entries, indent=2) + "\n")
        except OSError as error:
            raise NotReadyError(f"cannot write {self.path}: {error.strerror}") from error

    def _entries(self) -> dict[str, str]:
        """Digest by file; a damaged record trusts nothing."""
        try:
            found = json.loads(self.path.read_bytes())
        except (OSError, ValueError, RecursionError):
            return {}
        return found if isinstance(found, dict) else {}


def digest(values: Mapping[str, object]) -> str:
    """SHA-256 of the guarded settings among `values`."""
    guarded = {key: value for key, value in values.items() if is_guarded(key)}
    return hashlib.sha256(json.dumps(guarded, sort_keys=True, default=str).encode()).hexdigest()
