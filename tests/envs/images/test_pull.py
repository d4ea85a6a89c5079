"""Pulling from a registry on this machine that refuses, breaks and stays silent."""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from envs.errors import SandboxError
from envs.images.access import ImageAccess, PullRetries, by_image
from envs.images.ledger import Ledger
from envs.images.pull import PullStatus, pull_once
from envs.images.pull_errors import PullError, classify
from envs.images.store import ImageStore

from ..registry import BROKEN, FORBIDDEN, PRIVATE, RATE_LIMIT, SILENT, Registry, serving

if TYPE_CHECKING:
    from docker import DockerClient

QUICK = PullRetries(
    first_wait=0.01, longest_wait=0.02, rate_first_wait=0.02, rate_total=0.1, stall_seconds=20.0
)


@pytest.fixture(scope="module")
def client() -> Iterator[DockerClient]:
    import docker

    client = docker.from_env()
    yield client
    client.close()


@dataclass
class Shop:
    """A registry, an engine and a record of their own; `said` is what the user would read."""

    client: DockerClient
    registry: Registry
    ledger: Ledger
    said: list[str] = field(default_factory=list)

    def access(self, retries: PullRetries = QUICK, min_free: int = 0) -> ImageAccess:
        store = ImageStore(self.client, self.ledger, "cwm-agent-test/")
        return ImageAccess(store, min_free, retries, self.said.append)

    def name(self, tag: str = "1") -> str:
        return self.registry.name(tag)


@pytest.fixture
def shop(client: DockerClient, tmp_path: Path) -> Iterator[Shop]:
    with serving() as registry:
        registry.image(secrets.token_hex(8))  # no layer of it is here already
        yield Shop(client, registry, Ledger(tmp_path / "images.json"))
        for image in client.images.list(registry.name("1").rpartition(":")[0]):
            for tag in image.tags:
                client.images.remove(tag)


def ignore(status: PullStatus) -> None:
    pass


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ("manifest for a/b:1 not found: manifest unknown: manifest unknown", "not_found"),
        ("invalid reference format", "not_found"),
        ("no matching manifest for linux/arm64 in the manifest list entries", "platform"),
        ("pull access denied for a/b, repository does not exist or may require login", "access"),
        ("toomanyrequests: You have reached your pull rate limit.", "rate_limit"),
        ("error parsing HTTP 429 response body: invalid character 'S'", "rate_limit"),
        ("write /var/lib/docker/tmp/x: no space left on device", "disk"),
        ("Get https://host/v2/: dial tcp: lookup host: no such host", "network"),
        ("Get https://host/v2/: x509: certificate signed by unknown authority", "network"),
        ("received unexpected HTTP status: 502 Bad Gateway", "network"),
        ("unexpected EOF", "network"),
    ],
)
def test_the_words_of_the_engine_are_sorted(said: str, reason: str) -> None:
    assert classify(said, "a/b:1") == reason


def test_the_name_of_an_image_is_no_sign() -> None:
    assert classify("Get denied/toomanyrequests: EOF", "denied/toomanyrequests:1") == "network"


def test_work_is_grouped_by_image_in_its_order() -> None:
    work = [("b", 1), ("a", 1), ("b", 2), ("a", 2), ("c", 1)]
    assert by_image(work, lambda item: item[0]) == [
        [("b", 1), ("b", 2)],
        [("a", 1), ("a", 2)],
        [("c", 1)],
    ]


@pytest.mark.docker
def test_an_image_is_pulled_once_and_its_use_is_recorded(shop: Shop) -> None:
    seen: list[PullStatus] = []
    shop.registry.image(secrets.token_hex(8), padding=2_000_000)
    pull_once(shop.client, shop.name("watched"), seen.append)
    assert seen[-1].layers == seen[-1].layers_done == 1
    assert seen[-1].bytes == seen[-1].bytes_done > 1000
    access = shop.access()
    assert access.have(shop.name()) is True
    first = shop.ledger.entries()[shop.name()]
    assert access.have(shop.name()) is False
    again = shop.ledger.entries()[shop.name()]
    assert (again.id, again.origin) == (first.id, "pulled")
    assert again.used > first.used


@pytest.mark.docker
def test_an_image_that_was_here_is_not_ours(shop: Shop) -> None:
    pull_once(shop.client, shop.name(), ignore)
    access = shop.access()
    assert access.have(shop.name()) is False
    assert shop.ledger.entries()[shop.name()].origin == "found"
    owned = [name for image in access.store.own() for name in image.names]
    assert shop.name() not in owned  # a killed test may have left others


@pytest.mark.docker
@pytest.mark.parametrize(
    ("refusal", "reason"), [(PRIVATE, "access"), (FORBIDDEN, "access"), (None, "not_found")]
)
def test_what_cannot_pass_is_not_tried_again(shop: Shop, refusal: None, reason: str) -> None:
    shop.registry.refusals = [refusal] * 50 if refusal else []
    name = shop.name("1" if refusal else "missing")
    with pytest.raises(PullError) as caught:
        shop.access().have(name)
    assert caught.value.reason == reason
    assert shop.said == []


@pytest.mark.docker
def test_a_registry_that_breaks_twice_is_asked_again(shop: Shop) -> None:
    shop.registry.refusals = [BROKEN] * 4  # the engine asks twice each time
    assert shop.access().have(shop.name()) is True
    assert [line for line in shop.said if "503" in line and "trying again" in line]


@pytest.mark.docker
def test_a_registry_that_stays_broken_is_given_up(shop: Shop) -> None:
    shop.registry.refusals = [BROKEN] * 50
    with pytest.raises(PullError, match=r"503.*the engine's network"):
        shop.access().have(shop.name())
    assert len(shop.said) == QUICK.attempts - 1


@pytest.mark.docker
def test_a_rate_limit_is_waited_out_with_growing_waits(shop: Shop) -> None:
    shop.registry.refusals = [RATE_LIMIT] * 4
    assert shop.access().have(shop.name()) is True
    assert len([line for line in shop.said if "rate limit" in line]) == 2


@pytest.mark.docker
def test_a_rate_limit_that_lasts_too_long_names_the_ways_out(shop: Shop) -> None:
    shop.registry.refusals = [RATE_LIMIT] * 50
    with pytest.raises(PullError, match=r"(?s)pull rate limit.*docker login.*images pull"):
        shop.access().have(shop.name())
    assert len(shop.said) == 2  # waits of 0.02 and 0.04; a third of 0.08 would be too much


@pytest.mark.docker
def test_a_silent_registry_does_not_hold_the_pull_for_ever(shop: Shop) -> None:
    shop.registry.refusals = [SILENT] * 2
    with pytest.raises(PullError, match="silent for 1 s") as caught:
        pull_once(shop.client, shop.name(), ignore, stall_seconds=1.0)
    assert caught.value.reason == "network"


@pytest.mark.docker
def test_a_dead_registry_is_a_network_failure(client: DockerClient) -> None:
    with serving() as registry:
        name = registry.name("1")
    with pytest.raises(PullError, match="connection refused") as caught:
        pull_once(client, name, ignore)
    assert caught.value.reason == "network"


@pytest.mark.docker
def test_nothing_is_pulled_below_the_floor_of_free_space(shop: Shop) -> None:
    floor = shutil.disk_usage("/").total * 1000
    with pytest.raises(SandboxError, match=r"GiB are required.*lower --min-free"):
        shop.access(min_free=floor).have(shop.name())
    assert shop.registry.manifests == 0


@pytest.mark.docker
def test_a_record_that_cannot_be_written_stops_nothing(shop: Shop, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    shop.ledger = Ledger(tmp_path / "file" / "images.json")
    assert shop.access().have(shop.name()) is True
    assert "XDG_STATE_HOME" in shop.said[-1]


def test_an_engine_that_does_not_answer_is_reported_as_such(tmp_path: Path) -> None:
    import docker

    gone = docker.DockerClient("unix:///nonexistent.sock", version="1.41")
    access = ImageAccess(ImageStore(gone, Ledger(tmp_path / "images.json")))
    with pytest.raises(SandboxError, match="docker info"):
        access.have("any:1")
