"""Removing a container for good."""

from __future__ import annotations

import contextlib
from typing import Any

from envs.errors import SandboxError, first_line

WAIT_SECONDS = 60.0
CONFLICT = 409


def remove_container(container: Any) -> None:
    """Remove it with its volumes, and wait until it is gone; raises SandboxError.

    An engine that does not answer is no error: the container ends without its
    lifeline and then removes itself, and what might stay is swept later.
    """
    from docker.errors import APIError, NotFound

    try:
        with contextlib.suppress(NotFound):
            try:
                container.remove(force=True, v=True)
            except APIError as error:
                if error.status_code != CONFLICT:
                    raise
                container.wait(condition="removed", timeout=WAIT_SECONDS)  # it is under way
    except APIError as error:
        raise SandboxError(
            f"the container {container.name} could not be removed ({first_line(error)}); "
            "try docker rm -f"
        ) from error
    except OSError:
        return
