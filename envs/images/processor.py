"""Images for another processor: their programs start only where the machine emulates it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from docker import DockerClient

REMEDY = (
    "build it for this processor (cwm-agent images build), or let this machine emulate the other "
    "(QEMU with binfmt_misc)"
)


def foreign_processor(client: DockerClient, image: str) -> str:
    """Says that `image` is for another processor than the engine's; "" where it is not.

    To be asked when a container did not start: with emulation such an image works. An engine
    that cannot say is no evidence.
    """
    from docker.errors import DockerException

    try:
        made_for = client.images.get(image).attrs.get("Architecture", "")
        here = client.version().get("Arch", "")
    except (DockerException, OSError):
        return ""
    if not made_for or not here or made_for == here:
        return ""
    return f"the image {image} is for {made_for} and this engine runs on {here}; {REMEDY}"
