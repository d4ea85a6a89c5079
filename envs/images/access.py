"""Having an image on this machine: found, or pulled with retries, while there is room for it."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar

from envs.errors import SandboxError
from envs.images.keys import image_lock
from envs.images.ledger import Origin
from envs.images.pull import STALL_SECONDS, PullStatus, Watch, pull_once, slowly
from envs.images.pull_errors import PullError
from envs.images.store import ImageStore
from envs.progress import Say, quiet

if TYPE_CHECKING:
    from tenacity import RetryCallState

Item = TypeVar("Item")
LINE_SECONDS = 5.0
ROOM_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class PullRetries:
    """How often and how long a pull is tried again. Times are in seconds.

    A registry that counts requests opens again after minutes or hours, so its
    refusals are met with longer waits, `rate_total` in all; everything else
    that may pass is tried `attempts` times.
    """

    attempts: int = 5
    first_wait: float = 1.0
    longest_wait: float = 30.0
    rate_first_wait: float = 60.0
    rate_longest_wait: float = 900.0
    rate_total: float = 1800.0
    stall_seconds: float = STALL_SECONDS


@dataclass(frozen=True)
class ImageAccess:
    """Gets images for one engine, never below `min_free` bytes of free space."""

    store: ImageStore
    min_free: int = 0
    retries: PullRetries = field(default_factory=PullRetries)
    progress: Say = quiet
    watch: Watch | None = None
    """Sees how far a pull is; without it, `progress` gets a line now and then."""

    def have(self, name: str, *, keep: Iterable[str] = ()) -> bool:
        """Have the image here and record that it is used; whether it had to be pulled.

        Images in `keep` are not removed to make room. Raises PullError (a
        SandboxError) with the reason, or SandboxError when there is no room.
        """
        from docker.errors import DockerException

        try:
            if self._found(name):
                return False
            with image_lock(name):
                if self._found(name):
                    return False
                self.store.make_room(self.min_free, keep=keep, progress=self.progress)
                self._pull(name, list(keep))
                self._record(name, self.store.client.images.get(name).id, "pulled")
            return True
        except (DockerException, OSError) as error:
            raise SandboxError(
                f"the engine cannot say whether it has {name} ({error}); see `docker info`"
            ) from error

    def _found(self, name: str) -> bool:
        from docker.errors import ImageNotFound

        try:
            image = self.store.client.images.get(name)
        except ImageNotFound:
            return False
        self._record(name, image.id, "found")
        return True

    def _record(self, name: str, image_id: str, origin: Origin) -> None:
        """A folder that cannot be written to is no reason to do without the image."""
        try:
            self.store.ledger.record(name, image_id, origin)
        except SandboxError as error:
            self.progress(str(error))

    def _pull(self, name: str, keep: list[str]) -> None:
        from tenacity import Retrying, retry_if_exception

        waits = _Waits(self.retries, self.progress)
        retrying = Retrying(
            retry=retry_if_exception(lambda error: isinstance(error, PullError) and error.passing),
            wait=waits.next,
            stop=waits.enough,
            before_sleep=waits.announce,
            reraise=True,
        )
        watch = self._watching(name, keep)
        retrying(
            pull_once,
            self.store.client,
            name,
            watch,
            stall_seconds=self.retries.stall_seconds,
        )

    def _watching(self, name: str, keep: list[str]) -> Watch:
        """Show the pull, and look once a second whether there still is room for it."""
        show = self.watch or slowly(lambda status: self.progress(status.line()), every=LINE_SECONDS)

        def room(_: PullStatus) -> None:
            self.store.make_room(self.min_free, keep=[name, *keep], progress=self.progress)

        check = slowly(room, every=ROOM_SECONDS)

        def both(status: PullStatus) -> None:
            show(status)
            check(status)

        return both


@dataclass
class _Waits:
    """Counts refusals of each kind, for one pull."""

    retries: PullRetries
    progress: Say
    rate_limits: int = 0
    others: int = 0
    rate_waited: float = 0.0

    def next(self, state: RetryCallState) -> float:
        from tenacity import wait_random_exponential

        retries = self.retries
        if _error(state).reason == "rate_limit":
            self.rate_limits += 1
            wait = min(
                retries.rate_first_wait * 2.0 ** (self.rate_limits - 1), retries.rate_longest_wait
            )
            self.rate_waited += wait
            return wait
        self.others += 1
        draw = wait_random_exponential(retries.first_wait, retries.longest_wait)
        return float(draw(state))

    def enough(self, state: RetryCallState) -> bool:
        if _error(state).reason == "rate_limit":
            return self.rate_waited > self.retries.rate_total
        return self.others >= self.retries.attempts

    def announce(self, state: RetryCallState) -> None:
        error = _error(state)
        what = "the registry's rate limit" if error.reason == "rate_limit" else error.said
        self.progress(
            f"pulling {error.name} failed ({what}); trying again in {state.upcoming_sleep:.0f} s"
        )


def _error(state: RetryCallState) -> PullError:
    error = state.outcome.exception() if state.outcome else None
    assert isinstance(error, PullError)
    return error


def by_image(items: Iterable[Item], image_of: Callable[[Item], Hashable]) -> list[list[Item]]:
    """Work in the order in which each image is needed for one stretch only.

    The groups and their members keep the order in which they came, so all
    samples of an issue share one pull, and its image may go afterwards.
    """
    groups: dict[Hashable, list[Item]] = {}
    for item in items:
        groups.setdefault(image_of(item), []).append(item)
    return list(groups.values())
