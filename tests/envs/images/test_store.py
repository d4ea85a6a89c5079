"""Which images count as ours, and which one goes when room is needed."""

from __future__ import annotations

import json
import secrets
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from envs.images.ledger import Ledger, familiar
from envs.images.store import LABEL, ImageStore, OwnImage

from ..registry import Registry, serving

if TYPE_CHECKING:
    from docker import DockerClient


@pytest.fixture(scope="module")
def client() -> Iterator[DockerClient]:
    import docker

    client = docker.from_env()
    yield client
    client.close()


@pytest.fixture
def store(client: DockerClient, tmp_path: Path) -> Iterator[ImageStore]:
    """Names begin with a prefix of the test's own, so other images are out of its reach."""
    prefix = f"cwm-agent-test/{secrets.token_hex(4)}-"
    yield ImageStore(client, Ledger(tmp_path / "images.json"), prefix)
    for image in client.images.list():
        for tag in image.tags:
            if tag.startswith(prefix):
                client.images.remove(tag, force=True)


Make = Callable[..., str]


@pytest.fixture
def make(store: ImageStore) -> Make:
    """Makes an image from nothing; `labelled` ones look as if a build had made them."""

    def make(name: str, *, labelled: bool = True, parent: str | None = None) -> str:
        tag = f"{store.prefix}{name}:1"
        if parent is None:
            empty = b"\0" * 10240
            changes = [f"LABEL {LABEL}=recipe"] if labelled else []
            changes.append(f"LABEL salt={secrets.token_hex(8)}")
            store.client.api.import_image_from_data(
                empty, repository=tag.removesuffix(":1"), tag="1", changes=changes
            )
        else:
            container = store.client.containers.create(parent, ["/nothing"])
            container.commit(tag.removesuffix(":1"), "1")
            container.remove()
        return tag

    return make


def own(store: ImageStore) -> dict[str, OwnImage]:
    return {image.names[0]: image for image in store.own()}


@pytest.mark.parametrize(
    ("name", "listed"),
    [
        ("debian", "debian:latest"),
        ("docker.io/library/debian:12", "debian:12"),
        ("docker.io/a/b", "a/b:latest"),
        ("host:5000/a", "host:5000/a:latest"),
        ("a@sha256:0f", "a@sha256:0f"),
    ],
)
def test_names_are_recorded_as_the_engine_lists_them(name: str, listed: str) -> None:
    assert familiar(name) == listed


def test_many_writers_lose_nothing(tmp_path: Path) -> None:
    path = tmp_path / "state" / "images.json"
    writers = [
        threading.Thread(target=Ledger(path).record, args=(f"image{k}", "id", "pulled"))
        for k in range(8)
    ]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert sorted(Ledger(path).entries()) == [f"image{k}:latest" for k in range(8)]


def test_a_use_keeps_the_origin_until_the_image_is_another(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "images.json")
    ledger.record("a", "one", "pulled")
    ledger.record("a", "one")
    assert ledger.entries()["a:latest"].origin == "pulled"
    ledger.record("a", "two")
    assert ledger.entries()["a:latest"].origin == "found"


@pytest.mark.parametrize("text", ["", "{", "[]", '{"images": {"a": {"id": 1}}}'])
def test_a_damaged_record_makes_everything_nobodys(tmp_path: Path, text: str) -> None:
    path = tmp_path / "images.json"
    path.write_text(text)
    assert Ledger(path).entries() == {}
    Ledger(path).record("a", "one", "pulled")
    assert json.loads(path.read_text())["version"] == 1


@pytest.mark.docker
def test_only_what_was_built_or_pulled_by_this_tool_is_ours(store: ImageStore, make: Make) -> None:
    built = make("built")
    make("somebodys", labelled=False)
    assert list(own(store)) == [built]
    elsewhere = replace(store, prefix="cwm-agent-test/other-")
    assert built not in own(elsewhere)  # a label alone is inherited by images built on ours


@pytest.mark.docker
def test_what_is_used_is_busy(store: ImageStore, make: Make) -> None:
    base, shared, free = make("base"), make("shared"), make("free")
    child = make("child", parent=base)
    alias = f"{store.prefix}alias".replace("-test/", "-test/x")
    store.client.images.get(shared).tag(alias, "1")
    container = store.client.containers.create(child, ["/nothing"])
    try:
        found = own(store)
        assert found[base].busy == "other images are built on it"
        assert found[child].busy == "a container uses it"
        assert found[shared].busy == f"it is also named {alias}:1"
        assert found[free].busy == ""
        assert [image.names[0] for image in store.removable(unused_for=0)] == [free]
    finally:
        container.remove()
        store.client.images.remove(f"{alias}:1")
    assert [image.names[0] for image in store.removable(unused_for=0)] != [free]


@pytest.mark.docker
def test_room_is_made_by_the_longest_unused_and_no_more(
    store: ImageStore, make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = [make(name) for name in ("young", "kept", "old", "older")]
    ages = dict(zip(names, (1.0, 9000.0, 8000.0, 8500.0), strict=True))
    _age(store, ages)
    free = store.free()
    assert free is not None
    # Images this small free nothing that could be measured, so the space is dictated.
    monkeypatch.setattr(ImageStore, "free", lambda self: 10 * (4 - len(own(self))))
    said: list[str] = []
    removed = store.make_room(20, keep=[names[1]], progress=said.append)
    assert [image.names[0] for image in removed] == [names[3], names[2]]
    assert len(said) == 2
    assert set(own(store)) == {names[0], names[1]}
    assert set(store.ledger.entries()) == {names[0], names[1]}


@pytest.mark.docker
def test_two_that_remove_the_same_image_do_not_meet(store: ImageStore, make: Make) -> None:
    make("twice")
    images = store.removable(unused_for=0)
    assert store.remove(images) == images
    assert store.remove(images) == images


@pytest.mark.docker
def test_an_image_that_got_a_container_in_the_meantime_stays(store: ImageStore, make: Make) -> None:
    tag = make("raced")
    images = store.removable(unused_for=0)
    container = store.client.containers.create(tag, ["/nothing"])
    try:
        assert store.remove(images) == []
    finally:
        container.remove()
    assert tag in own(store)


@pytest.mark.docker
def test_a_pulled_image_is_ours_by_the_record_alone(store: ImageStore) -> None:
    from envs.images.access import ImageAccess

    with serving() as registry:
        name = _fresh(registry)
        ImageAccess(store).have(name)
        assert own(store)[name].origin == "pulled"
        store.remove(store.removable(unused_for=0))
    assert name not in own(store)
    assert not store.client.images.list(name)


def _fresh(registry: Registry) -> str:
    registry.image(secrets.token_hex(8))
    return registry.name("1")


def _age(store: ImageStore, seconds: dict[str, float]) -> None:
    """Write uses that lie back by so many seconds."""
    import time

    for name in seconds:
        store.ledger.record(name, store.client.images.get(name).id, "built")
    path = store.ledger._path
    raw = json.loads(path.read_text())
    for name, age in seconds.items():
        raw["images"][name]["used"] = time.time() - age
    path.write_text(json.dumps(raw))
