"""Where patches are graded: on this machine, or (cwm_agent.cluster.grading) on a cluster."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from cwm_agent.scoring.pool import HaveImage, PatchGrader
from envs.errors import SandboxError
from envs.progress import Say
from envs.swebench.grader import GradeOptions, Grader


@dataclass(frozen=True, slots=True)
class GradingTools:
    """Makes graders, and has an image there before it is needed."""

    make_grader: Callable[[], PatchGrader]
    have_image: HaveImage


@dataclass(frozen=True, slots=True)
class GradingSetup:
    """`folder` takes the grader's files; `min_free` bytes are left free by image pulls."""

    folder: Path
    grade: GradeOptions
    min_free: int


OpenBackend = Callable[[GradingSetup, Say], AbstractContextManager[GradingTools]]
ImageIds = Callable[[Iterable[str]], Mapping[str, str]]
ENGINE_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class GradingBackend:
    """Where to grade. `image_ids` are those that names stand for now, as far as it is known."""

    open: OpenBackend
    image_ids: ImageIds


@contextmanager
def open_here(setup: GradingSetup, progress: Say) -> Iterator[GradingTools]:
    """This machine's engine, cleared of orphans, before and after."""
    from envs.cleanup import sweep

    with images_here(setup.min_free, progress) as have_image:
        for orphan in sweep():
            progress(f"removed an orphan {orphan.kind}: {orphan.name}")
        try:
            yield GradingTools(lambda: Grader(setup.folder, setup.grade), have_image)
        finally:
            sweep()  # a killed worker may have asked for its container just before


def image_ids_here(names: Iterable[str]) -> dict[str, str]:
    """The ids of the images that this machine's engine has; nothing without an engine."""
    from docker.errors import DockerException

    from envs.docker.engine import connect_engine

    found = {}
    try:
        with closing(connect_engine(timeout=ENGINE_SECONDS)) as client:
            for name in dict.fromkeys(names):
                with suppress(DockerException):  # not here: then it cannot have been changed here
                    found[name] = str(client.api.inspect_image(name)["Id"])
    except (SandboxError, OSError):
        return {}
    return found


LOCAL = GradingBackend(open_here, image_ids_here)


@contextmanager
def images_here(min_free: int, progress: Say) -> Iterator[HaveImage]:
    """Pulls images with retries; the official grader would give up at the first refusal."""
    from envs.docker.engine import connect_engine
    from envs.docker.kind import BUILD_SECONDS
    from envs.images.access import ImageAccess
    from envs.images.store import ImageStore

    with closing(connect_engine(timeout=BUILD_SECONDS)) as client:
        access = ImageAccess(ImageStore.of_engine(client), min_free, progress=progress)
        yield access.have
