"""The table of `cwm-agent images ls`."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from rich.table import Table
from rich.text import Text

from cwm_agent.view.console import console
from cwm_agent.view.listing import age
from cwm_agent.view.sanitize import clean_line

if TYPE_CHECKING:
    from envs.images.store import OwnImage


def print_images(images: Sequence[OwnImage]) -> None:
    """One row an image; none says so on stderr."""
    if not images:
        print("no images of cwm-agent's own; it makes or pulls them when needed", file=sys.stderr)
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in ("name", "origin", "size", "unused for", "kept because"):
        table.add_column(name, justify="right" if name == "size" else "left", no_wrap=True)
    now = datetime.now(UTC)
    for image in images:
        used = datetime.fromtimestamp(image.used, UTC).isoformat()
        table.add_row(
            Text(clean_line(image.names[0])),
            Text(image.origin),
            Text(f"{image.bytes / 1e6:.0f} MB"),
            Text(age(used, now)),
            Text(clean_line(image.busy)),
        )
    console().print(table)
