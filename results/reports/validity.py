"""The ledger of validity: what a score would be without what may not count, and why.

Audits found instances of SWE-bench whose tests refuse right patches or take
wrong ones, and graders say different things of one patch. So a report says
beside its score what it is without such instances, and how many there are.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from results.codec import parse_json
from results.errors import PredictionError
from results.reports.metrics import Share, share

SHIPPED = Path(__file__).with_name("flawed.json")
_LAYOUT = (
    'a list of flawed instances is JSON {"name": ..., "instances": {"ID": "why", ...}}, '
    "or text with an id a line and the reason behind it"
)


@dataclass(frozen=True, slots=True)
class Flawed:
    """Instances that an audit calls flawed, each with the reason. `digest` is of the file."""

    name: str
    digest: str
    instances: Mapping[str, str]

    def __str__(self) -> str:
        """The name and the first digits of the digest."""
        return f"{self.name} (sha256 {self.digest[:12]})"


@dataclass(frozen=True, slots=True)
class Without:
    """The headline without the named instances; `why` says what they are."""

    why: str
    instances: tuple[str, ...]
    resolved: Share


@dataclass(frozen=True, slots=True)
class Validity:
    """`flawed` names the list. `regraded` counts instances with a patch graded more than once;
    `flipped` those whose verdict was not always the same. `scanners` is the share of the run's
    attempts that each scanner names, nothing without trajectories. `places` counts attempts by
    what their sandboxes enforced, `graders` patches by what theirs did.
    """

    flawed: str
    without: tuple[Without, ...]
    regraded: int = 0
    flipped: tuple[str, ...] = ()
    scanners: dict[str, Share] = field(default_factory=dict)
    places: dict[str, int] = field(default_factory=dict)
    graders: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Evidence:
    """What a ledger is made of, beside the lines of the report."""

    flawed: Flawed
    regraded: Collection[str] = ()
    flipped: Collection[str] = ()
    scanners: Mapping[str, Share] = field(default_factory=dict)
    places: Mapping[str, int] = field(default_factory=dict)
    graders: Mapping[str, int] = field(default_factory=dict)


class Counted(Protocol):
    """What the ledger reads of a line of the report."""

    @property
    def instance(self) -> str:
        """The instance id."""
        ...

    @property
    def resolved(self) -> bool:
        """Whether it counts as resolved."""
        ...


def build_validity(counted: Sequence[Counted], evidence: Evidence) -> Validity:
    """The ledger for the lines that the headline counts."""
    here = {line.instance for line in counted}
    flawed = sorted(here & evidence.flawed.instances.keys())
    flipped = sorted(here & set(evidence.flipped))
    kinds = (
        ("named by the list of flawed instances", flawed),
        ("whose verdict flipped when graded again", flipped),
        ("of either kind", sorted({*flawed, *flipped})),
    )
    return Validity(
        str(evidence.flawed),
        tuple(Without(why, tuple(names), _share_without(counted, names)) for why, names in kinds),
        len(here & set(evidence.regraded)),
        tuple(flipped),
        dict(evidence.scanners),
        dict(evidence.places),
        dict(evidence.graders),
    )


def read_flawed(path: Path = SHIPPED) -> Flawed:
    """A list of flawed instances; raises PredictionError with the layout."""
    try:
        data = path.read_bytes()
        text = data.decode("utf-8")
    except OSError as error:
        raise PredictionError(f"cannot read {path}: {error.strerror}; {_LAYOUT}") from error
    except ValueError as error:
        raise PredictionError(f"{path} is not UTF-8; {_LAYOUT}") from error
    digest = hashlib.sha256(data).hexdigest()
    if text.lstrip()[:1] not in ("{", "["):
        return Flawed(path.name, digest, dict(_of_lines(text)))
    try:
        document = parse_json(text)
    except ValueError as error:
        raise PredictionError(f"{path} is not JSON: {error}; {_LAYOUT}") from error
    if isinstance(document, list):
        document = {"instances": dict.fromkeys(map(str, document), "")}
    named = document.get("instances")
    if isinstance(named, list):
        named = dict.fromkeys(map(str, named), "")
    if not isinstance(named, dict):
        raise PredictionError(f"{path} has no instances; {_LAYOUT}")
    return Flawed(str(document.get("name") or path.name), digest, named)


def _of_lines(text: str) -> Iterable[tuple[str, str]]:
    for line in text.splitlines():
        words = line.split("#")[0].split(maxsplit=1)
        if words:
            yield words[0], words[1].strip() if len(words) > 1 else ""


def _share_without(counted: Sequence[Counted], names: Collection[str]) -> Share:
    left = [line for line in counted if line.instance not in set(names)]
    return share(sum(line.resolved for line in left), len(left))
