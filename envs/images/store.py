"""The images of one engine that this tool brought there, and the room they take.

Only those are ever removed that were pulled or built by this tool, that no
container uses, that no other image is built on and that bear no name given by
somebody else. The one that was not used for the longest time goes first.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from envs.errors import SandboxError
from envs.images.ledger import Ledger, Origin, Use, familiar
from envs.progress import Say, quiet

if TYPE_CHECKING:
    from docker import DockerClient

LABEL = "cwm-agent.image"
PREFIX = "cwm-agent/"
JUST_USED_SECONDS = 600.0
"""An image that was used so recently may be about to get its container."""
GIB = 2**30


@dataclass(frozen=True, slots=True)
class OwnImage:
    """One image that this tool pulled or built.

    `bytes` counts layers that are shared with other images, too. `busy` says
    what keeps it from being removed; it is empty when nothing does.
    """

    names: tuple[str, ...]
    id: str
    origin: Origin
    bytes: int
    used: float
    busy: str

    def as_json(self) -> dict[str, object]:
        """Flat, with the time in ISO form."""
        used = datetime.fromtimestamp(self.used, UTC).isoformat(timespec="seconds")
        return {
            "name": self.names[0],
            "names": list(self.names),
            "id": self.id,
            "origin": self.origin,
            "bytes": self.bytes,
            "used": used,
            "busy": self.busy,
        }


@dataclass(frozen=True)
class ImageStore:
    """An engine with the record of uses; `prefix` begins every name that a build gives."""

    client: DockerClient
    ledger: Ledger
    prefix: str = PREFIX

    @classmethod
    def of_engine(cls, client: DockerClient) -> ImageStore:
        """With the record in the user's state folder."""
        return cls(client, Ledger.of_engine(client))

    def own(self) -> list[OwnImage]:
        """What this tool pulled or built, the longest unused first."""
        from docker.errors import DockerException

        entries = self.ledger.entries()
        try:
            rows = self.client.api.images(all=True)
            containers = self.client.api.containers(all=True)
        except (DockerException, OSError) as error:
            raise SandboxError(
                f"the engine does not list its images ({error}); see `docker info`"
            ) from error
        running = {container["ImageID"] for container in containers}
        parents = {row["ParentId"] for row in rows if row.get("ParentId")}
        found = [self._judge(row, entries, running, parents) for row in rows]
        return sorted((image for image in found if image), key=lambda image: image.used)

    def free(self) -> int | None:
        """Bytes free where the engine keeps its images; None when it runs on another machine."""
        place = self._place()
        return None if place is None else shutil.disk_usage(place).free

    def make_room(
        self, min_free: int, *, keep: Iterable[str] = (), progress: Say = quiet
    ) -> list[OwnImage]:
        """Remove own images until `min_free` bytes are free; returns those that were removed.

        Images in `keep` and those used in the last minutes stay. Raises
        SandboxError when that is not enough.
        """
        kept, removed = {familiar(name) for name in keep}, []
        while (free := self.free()) is not None and free < min_free:
            ready = self.removable(unused_for=JUST_USED_SECONDS, keep=kept)
            if not ready:
                raise SandboxError(
                    f"only {free / GIB:.1f} GiB are free at {self._place()}, where Docker keeps "
                    f"its images; {min_free / GIB:.1f} GiB are required and no image of "
                    "cwm-agent's own can be removed. Free some space there, or lower --min-free "
                    "(setting sandbox.min_free)"
                )
            progress(
                f"{free / GIB:.1f} GiB free: removing {ready[0].names[0]}, unused for the longest"
            )
            removed += self.remove(ready[:1])
        return removed

    def removable(self, *, unused_for: float, keep: Iterable[str] = ()) -> list[OwnImage]:
        """Own images that nothing uses now nor used in the last `unused_for` seconds."""
        latest, kept = time.time() - unused_for, set(keep)
        return [
            image
            for image in self.own()
            if not image.busy and image.used <= latest and not kept & set(image.names)
        ]

    def remove(self, images: Sequence[OwnImage]) -> list[OwnImage]:
        """Remove images by their names; returns those that are gone, whoever removed them."""
        from docker.errors import APIError, ImageNotFound

        removed = []
        for image in images:
            try:
                for name in image.names:
                    self.client.api.remove_image(name)
            except ImageNotFound:
                pass  # somebody was faster
            except APIError as error:
                if error.status_code != 409:  # 409: a container took it in the meantime
                    raise SandboxError(
                        f"{image.names[0]} could not be removed ({error.explanation}); "
                        "see `docker image rm`"
                    ) from error
                self.ledger.record(image.names[0], image.id)
                continue
            for name in image.names:
                self.ledger.forget(name)
            removed.append(image)
        return removed

    def _place(self) -> Path | None:
        if not str(self.client.api.base_url).startswith("http+docker://"):
            return None  # an address: perhaps of another machine
        root = Path(str(self.client.info().get("DockerRootDir") or ""))
        return root if root.is_absolute() and root.exists() else None

    def _judge(
        self, row: dict[str, Any], entries: Mapping[str, Use], running: set[str], parents: set[str]
    ) -> OwnImage | None:
        """The row of an image as an OwnImage; None when it is not this tool's."""
        tags = [tag for tag in row.get("RepoTags") or [] if tag != "<none>:<none>"]
        digests = [name for name in row.get("RepoDigests") or [] if not name.startswith("<none>")]
        recorded = [name for name in (*tags, *digests) if _ours(entries.get(name), row["Id"])]
        labelled = LABEL in (row.get("Labels") or {})
        built = [tag for tag in tags if labelled and tag.startswith(self.prefix)]
        names = tuple(dict.fromkeys([*built, *recorded]))
        if not names:
            return None
        busy = ""
        if row["Id"] in running:
            busy = "a container uses it"
        elif row["Id"] in parents:
            busy = "other images are built on it"
        elif foreign := [tag for tag in tags if tag not in names]:
            busy = f"it is also named {foreign[0]}"
        uses = [entries[name].used for name in names if name in entries]
        origin: Origin = "built" if built or labelled else "pulled"
        return OwnImage(
            names, row["Id"], origin, row["Size"], max(uses, default=row["Created"]), busy
        )


def _ours(use: Use | None, image_id: str) -> bool:
    return use is not None and use.origin != "found" and use.id == image_id
