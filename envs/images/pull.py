"""One pull of one image, watched: how far it is, and that it does not hang.

The SDK's own `pull` waits for ever, because it sets no time limit. Here the
engine may be silent for a limited time only, and going away from the
connection makes it give up the pull.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from envs.images.pull_errors import PullError, classify

if TYPE_CHECKING:
    from docker import DockerClient

STALL_SECONDS = 300.0
"""How long the engine may say nothing; it reports every half second while bytes arrive."""
CONNECT_SECONDS = 10.0
_DONE = ("Pull complete", "Already exists")


@dataclass(frozen=True, slots=True)
class PullStatus:
    """How far a pull is. Bytes are compressed ones; they grow as layers report their sizes."""

    name: str
    layers: int = 0
    layers_done: int = 0
    bytes: int = 0
    bytes_done: int = 0

    def line(self) -> str:
        """For a log: layers and megabytes."""
        return (
            f"pulling {self.name}: {self.layers_done} of {self.layers} layers, "
            f"{self.bytes_done / 1e6:.0f} of {self.bytes / 1e6:.0f} MB"
        )


Watch = Callable[[PullStatus], None]


def pull_once(
    client: DockerClient, name: str, watch: Watch, *, stall_seconds: float = STALL_SECONDS
) -> None:
    """Pull one image; raises PullError with the engine's reason.

    `watch` is called after every message of the engine. What it raises ends the pull.
    """
    import requests
    from urllib3.exceptions import HTTPError

    layers = _Layers(name)
    try:
        with _request(client, name, stall_seconds) as response:
            for message in _messages(response, name):
                if error := message.get("error"):
                    raise PullError(name, classify(str(error), name), _first_line(str(error)))
                layers.take(message)
                watch(layers.status())
    except (requests.RequestException, HTTPError, json.JSONDecodeError) as error:
        said = f"the engine was silent for {stall_seconds:.0f} s"
        if "timed out" not in str(error):
            said = f"the connection to the engine broke: {_first_line(str(error))}"
        raise PullError(name, "network", said) from error


def _request(client: DockerClient, name: str, stall_seconds: float) -> Any:
    """The open answer of the engine; its read timeout is what bounds the silence."""
    from docker import auth
    from docker.utils import parse_repository_tag

    api = client.api
    repository, tag = parse_repository_tag(name)
    registry, _ = auth.resolve_repository_name(repository)
    header = auth.get_config_header(api, registry)
    return api.post(
        f"{api.base_url}/v{api.api_version}/images/create",
        params={"fromImage": repository, "tag": tag or "latest"},
        headers={"X-Registry-Auth": header} if header else {},
        stream=True,
        timeout=(CONNECT_SECONDS, stall_seconds),
    )


def _messages(response: Any, name: str) -> Iterator[Mapping[str, Any]]:
    """The engine's messages, one JSON object a line; an answer without a stream is an error."""
    if response.status_code >= 400:
        said = response.json().get("message", "") if response.content else ""
        said = said or f"the engine answered {response.status_code}"
        raise PullError(name, classify(said, name), _first_line(said))
    for line in response.iter_lines(chunk_size=1024):
        if line:
            yield json.loads(line)


@dataclass
class _Layers:
    """Adds up what the engine says of each layer."""

    name: str
    sizes: dict[str, int] = field(default_factory=dict)
    fetched: dict[str, int] = field(default_factory=dict)
    done: set[str] = field(default_factory=set)

    def take(self, message: Mapping[str, Any]) -> None:
        layer, status = message.get("id"), str(message.get("status", ""))
        if not layer or status.startswith("Pulling from"):
            return
        detail = message.get("progressDetail") or {}
        self.sizes.setdefault(layer, 0)
        if status == "Downloading":
            self.sizes[layer] = max(self.sizes[layer], int(detail.get("total") or 0))
            self.fetched[layer] = int(detail.get("current") or 0)
        elif status in ("Download complete", "Pull complete"):
            self.fetched[layer] = self.sizes[layer]
        if status in _DONE:
            self.done.add(layer)

    def status(self) -> PullStatus:
        return PullStatus(
            self.name,
            len(self.sizes),
            len(self.done),
            sum(self.sizes.values()),
            sum(self.fetched.values()),
        )


def slowly(watch: Watch, *, every: float) -> Watch:
    """`watch`, called at most once in `every` seconds."""
    last = -every

    def now_and_then(status: PullStatus) -> None:
        nonlocal last
        now = time.monotonic()
        if now - last >= every:
            last = now
            watch(status)

    return now_and_then


def _first_line(text: str) -> str:
    lines = text.strip().splitlines()
    return lines[0] if lines else "no reason given"
