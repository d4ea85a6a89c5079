"""The sentences that the model sees, as data.

A prompt pack (loaded by the caller from a data file) is a flat mapping from a
dotted key to a template with `{name}` variables. Tools and environments only
name a key, so wording never hides in code.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from string import Formatter

from tools.errors import ToolsError


class TextError(ToolsError):
    """A prompt pack lacks a text, or a text and its variables do not fit."""


@dataclass(frozen=True, slots=True)
class Texts:
    """One prompt pack. `name` is shown to users; `hash` identifies the exact wording."""

    name: str
    templates: Mapping[str, str]

    @property
    def hash(self) -> str:
        """First 16 hex digits of the SHA-256 over the sorted templates."""
        canonical = json.dumps(dict(self.templates), sort_keys=True, ensure_ascii=False)
        return hashlib.sha256(canonical.encode()).hexdigest()[:16]

    def render(self, key: str, **variables: object) -> str:
        """Fill in the template `key`; raises TextError for a missing key or variable."""
        template = self.templates.get(key)
        if template is None:
            raise TextError(f"prompt pack '{self.name}' has no text '{key}'; add it to the pack")
        wanted = {field for _, field, _, _ in Formatter().parse(template) if field}
        if missing := wanted - variables.keys():
            raise TextError(
                f"text '{key}' of prompt pack '{self.name}' uses unknown variables "
                f"{sorted(missing)}; it may use {sorted(variables)}"
            )
        return template.format(**variables)
