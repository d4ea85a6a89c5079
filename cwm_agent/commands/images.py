"""What the commands of `cwm-agent images` do."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass

from cwm_agent.errors import UsageError
from cwm_agent.tasks.inputs import read_variables
from envs.docker.engine import connect_engine
from envs.docker.kind import BUILD_SECONDS
from envs.errors import SandboxError
from envs.images.access import ImageAccess, PullRetries
from envs.images.pull import Watch
from envs.images.store import JUST_USED_SECONDS, ImageStore, OwnImage
from envs.progress import Say
from envs.swebench.testbed_image import BuiltImage, RepositoryImage, build_repository_image
from envs.task import Recipe

SECONDS = {"m": 60.0, "h": 3600.0, "d": 86400.0}


@dataclass(frozen=True, slots=True)
class Outcome:
    """Of one pull. `reason` is "" or what kind of obstacle there was; `error` is for a reader."""

    name: str
    pulled: bool
    reason: str = ""
    error: str = ""

    def as_json(self) -> dict[str, object]:
        """Flat, with the fields' names."""
        return asdict(self)


@contextmanager
def opened() -> Iterator[ImageStore]:
    """The images of the engine of this environment; raises SandboxError when none answers."""
    with closing(connect_engine(timeout=BUILD_SECONDS)) as client:
        yield ImageStore.of_engine(client)


def pull_all(
    names: Sequence[str],
    *,
    min_free: int,
    rate_limit_seconds: float,
    progress: Say,
    watch: Watch,
) -> list[Outcome]:
    """Pull each image once, whatever becomes of the others; none of them makes room for another."""
    wanted = list(dict.fromkeys(names))
    outcomes = []
    with opened() as store:
        retries = PullRetries(rate_total=rate_limit_seconds)
        access = ImageAccess(store, min_free, retries, progress, watch)
        for name in wanted:
            try:
                outcomes.append(Outcome(name, access.have(name, keep=wanted)))
            except SandboxError as error:
                progress(f"error: {error}")
                reason = getattr(error, "reason", "room")
                outcomes.append(Outcome(name, False, reason, str(error)))
    return outcomes


def build_one(wanted: RepositoryImage, *, min_free: int, progress: Say) -> BuiltImage:
    """Build the image of one commit, or find it built."""
    with opened() as store:
        return build_repository_image(ImageAccess(store, min_free, progress=progress), wanted)


def make_base(suite: str, tag: str | None, progress: Say) -> str:
    """The base image of a Debian release; `tag` is an additional name that must be free.

    Raises UsageError for a name that another image has, SandboxError with the remedy.
    """
    from envs.images.keys import present
    from envs.images.recipes import base_image

    with opened() as store:
        name = base_image(store.client, progress, suite=suite)
        if tag is None:
            return name
        image = store.client.images.get(name)
        if present(store.client, tag) and store.client.images.get(tag).id != image.id:
            raise UsageError(f"there is another image of the name {tag}; choose another --tag")
        image.tag(tag)
        return tag


def recipe_of(pip: Sequence[str], apt: Sequence[str], variables: Sequence[str]) -> Recipe:
    """A recipe from the flags; raises UsageError for a variable without a value."""
    return Recipe(tuple(pip), tuple(apt), tuple(read_variables(variables).items()))


def prune_images(
    *, min_free: str | None, unused_for: str | None, dry_run: bool, progress: Say
) -> list[OwnImage]:
    """Remove what may go until `min_free` is free, or all that was unused for a time (default 0).

    With `dry_run` nothing is removed. How much an image frees is known only
    afterwards, because layers are shared; then its full size is counted.
    """
    wanted_free = size(min_free) if min_free is not None else None
    least = duration(unused_for) if unused_for is not None else 0.0
    with opened() as store:
        if wanted_free is None:
            ready = store.removable(unused_for=least)
            return ready if dry_run else _remove_all(store, least)
        if not dry_run:
            return store.make_room(wanted_free, progress=progress)
        missing = wanted_free - (store.free() or 0)
        chosen: list[OwnImage] = []
        for image in store.removable(unused_for=JUST_USED_SECONDS):
            if sum(each.bytes for each in chosen) >= missing:
                break
            chosen.append(image)
        return chosen


def _remove_all(store: ImageStore, least: float) -> list[OwnImage]:
    """Remove images, then those that only they were built on, until no more can go."""
    gone: list[OwnImage] = []
    while removed := store.remove(store.removable(unused_for=least)):
        gone += removed
    return gone


def size(text: str) -> int:
    """Bytes from a text such as 20GB; raises UsageError."""
    from pydantic import ByteSize, TypeAdapter, ValidationError

    try:
        return int(TypeAdapter(ByteSize).validate_python(text))
    except ValidationError as error:
        raise UsageError(f"'{text}' is not a size; give one such as 20GB or 500MiB") from error


def duration(text: str) -> float:
    """Seconds from a text such as 90m, 12h or 7d; raises UsageError."""
    found = re.fullmatch(r"(\d+(?:\.\d+)?)([mhd])", text)
    if not found:
        raise UsageError(f"'{text}' is not a duration; give one such as 90m, 12h or 7d")
    return float(found[1]) * SECONDS[found[2]]
