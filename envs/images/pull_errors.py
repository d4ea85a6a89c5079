"""Why an image could not be pulled: what the engine says, sorted into what can be done about it."""

from __future__ import annotations

import re
from typing import Literal

from envs.errors import SandboxError
from envs.images.processor import REMEDY

Reason = Literal["not_found", "access", "platform", "rate_limit", "disk", "network"]

# The first line that matches decides. An address that does not answer is often reported
# together with words of the later lines, so the network comes first.
_SIGNS: tuple[tuple[Reason, str], ...] = (
    ("network", r"no such host|dial tcp|i/o timeout|connection (refused|reset)|x509|proxyconnect"),
    ("disk", r"no space left|disk quota|not enough space"),
    ("rate_limit", r"toomanyrequests|too many requests|rate.?limit|(http|status)\W{0,3}\D{0,6}429"),
    ("platform", r"no matching manifest|no image found in .*manifest list|platform .*not match"),
    ("not_found", r"manifest (\S+ )?unknown|name (\S+ )?unknown|invalid (tag|ref)"),
    (
        "access",
        r"\bdenied\b|unauthorized|authentication required|no basic auth|forbidden",
    ),
    ("not_found", r"not found|no such image|does not exist"),
)

_REMEDIES: dict[Reason, str] = {
    "not_found": "check the name and the tag, or build it: cwm-agent images build",
    "access": "check the name, and log in for a private one: docker login",
    "platform": f"there is none for this processor: {REMEDY} and docker pull --platform",
    "rate_limit": "wait until the registry's window has passed, log in (docker login) for a higher "
    "limit, or fetch the images before a run: cwm-agent images pull",
    "disk": "free some space where Docker stores images: cwm-agent images prune --min-free 20GB",
    "network": "check the name and the engine's network, proxy and certificates "
    "(docker info), then try again",
}
_OF_THE_MACHINE: frozenset[Reason] = frozenset({"disk", "rate_limit"})
"""Obstacles that every other image meets, too."""


class PullError(SandboxError):
    """An image could not be pulled; `reason` says what kind of obstacle it was.

    `build` is a command that makes the image here, where one is known.
    """

    def __init__(self, name: str, reason: Reason, said: str, build: str = "") -> None:
        self.name = name
        self.reason = reason
        self.said = said
        super().__init__(
            f"there is no image {name} on this machine, and it cannot be pulled ({said}); "
            f"{_REMEDIES[reason]}"
            + (
                f"; or build it, with --pip and --install as it needs them: {build}"
                if build
                else ""
            ),
            cause="setup" if reason in _OF_THE_MACHINE else "image_missing",
        )

    def buildable(self, command: str) -> PullError:
        """The same error for an image that `command` builds."""
        return PullError(self.name, self.reason, self.said, command)

    @property
    def passing(self) -> bool:
        """Whether the same request may succeed later without anybody doing anything."""
        return self.reason in ("network", "rate_limit")


def classify(said: str, name: str) -> Reason:
    """The kind of obstacle behind the engine's words; anything unknown counts as the network.

    The image's own name is taken out first: it may contain any of the signs.
    """
    text = said
    for part in (name, name.rpartition(":")[0], name.partition("/")[2]):
        if len(part) > 2:
            text = text.replace(part, "IMAGE")
    for reason, signs in _SIGNS:
        if re.search(signs, text, re.IGNORECASE):
            return reason
    return "network"
