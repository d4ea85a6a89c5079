"""API keys: from a file, compared in constant time."""

from __future__ import annotations

import hmac
from collections.abc import Mapping, Sequence
from hashlib import sha256
from pathlib import Path

from cwm_agent.errors import NotReadyError


def read_keys(path: Path) -> tuple[str, ...]:
    """One key a line; blank lines and those that begin with # do not count.

    Raises NotReadyError for a file that cannot be read or has no key.
    """
    try:
        lines = path.read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise NotReadyError(f"cannot read the API keys in {path}: {error}") from error
    keys = tuple(key for line in lines if (key := line.strip()) and not key.startswith("#"))
    if not keys:
        raise NotReadyError(f"{path} has no API key; write one a line")
    return keys


class Keys:
    """Knows who asks. Without keys anybody may."""

    def __init__(self, keys: Sequence[str]) -> None:
        self._digests = [sha256(key.encode()).digest() for key in keys]

    def job(self, headers: Mapping[str, str]) -> str | None:
        """A name for who asks, for fairness; None for one who may not.

        A key is expected as OpenAI's clients send it, or as Anthropic's do.
        """
        if not self._digests:
            return ""
        given = headers.get("x-api-key", "")
        kind, _, token = headers.get("authorization", "").partition(" ")
        if kind.lower() == "bearer":
            given = token.strip()
        digest = sha256(given.encode("utf-8", "surrogateescape")).digest()
        found = None
        for number, known in enumerate(self._digests):  # all of them, whichever fits
            if hmac.compare_digest(digest, known):
                found = f"key {number}"
        return found
