"""What has to be graded for a list of predictions, each thing once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Literal

from cwm_agent.errors import UsageError
from envs.images.access import by_image
from envs.repository.patches import StrippedPatch, strip_patch
from envs.swebench.rows import Instance
from results.predictions import Prediction, digest
from results.records import Verdict
from results.scores import Conditions, Key, Score, ScoreBook

Control = Literal["gold", "noop"]


UNKNOWN = Conditions("", 0, network=True, grader="")


@dataclass(frozen=True, slots=True)
class Candidate:
    """A prediction and what of it is scored, and `under` what.

    `apply` is off for the repository as it is.
    """

    instance: Instance
    prediction: Prediction
    scored: str
    apply: bool = True
    under: Conditions = UNKNOWN

    @property
    def key(self) -> Key:
        """What its score is looked up by."""
        return (self.instance.id, digest(self.scored), self.instance.key)


def candidates(
    predictions: Iterable[Prediction], instances: Mapping[str, Instance], *, strip: bool = False
) -> list[Candidate]:
    """Each prediction with its instance; raises UsageError for one that the suite lacks.

    With `strip`, test files, files that steer a test run, binary and scratch files
    are left out of what is scored.
    """
    found = []
    for prediction in predictions:
        instance = instances.get(prediction.instance)
        if instance is None:
            raise UsageError(
                f"the suite has no instance {prediction.instance}, which was predicted; name the "
                "data set of these predictions with --dataset"
            )
        scored = unwanted(prediction.patch).patch if strip else prediction.patch
        found.append(Candidate(instance, prediction, scored))
    return found


def control_candidates(control: Control, instances: Iterable[Instance]) -> list[Candidate]:
    """The reference patches, which must be resolved, or none, which must not be."""
    found = []
    for instance in instances:
        patch = instance.gold if control == "gold" else ""
        prediction = Prediction(instance.id, patch, control)
        found.append(Candidate(instance, prediction, patch, apply=control == "gold"))
    return found


def placed(
    work: Iterable[Candidate], under: Conditions, images: Mapping[str, str]
) -> list[Candidate]:
    """The candidates under these conditions, each with the id of its image where it is known."""
    return [
        replace(item, under=replace(under, image=images.get(item.instance.image, "")))
        for item in work
    ]


def labels(work: Iterable[Candidate]) -> dict[Key, str]:
    """What to call each thing that is graded: the instance and the samples that share it."""
    samples: dict[Key, list[int]] = defaultdict(list)
    for item in work:
        samples[item.key].append(item.prediction.sample)
    return {
        key: f"{key[0]} #{', #'.join(map(str, sorted(set(found))))}"
        for key, found in samples.items()
    }


def unwanted(patch: str) -> StrippedPatch:
    """The patch without what no patch should carry into its own scoring, and what that is."""
    return strip_patch(patch, tests=True, config=True, binary=True, scratch=True)


def to_grade(
    all_candidates: Iterable[Candidate], book: ScoreBook, *, again: bool = False
) -> list[Candidate]:
    """Those without a final score, each (instance, patch) once, those of one image together.

    With `again` those that have one, too.
    """
    open_ones: dict[Key, Candidate] = {}
    for candidate in all_candidates:
        if again or book.final(candidate.key, candidate.under) is None:
            open_ones.setdefault(candidate.key, candidate)
    groups = by_image(open_ones.values(), lambda candidate: candidate.instance.image)
    return [candidate for group in groups for candidate in group]


def empty_score(candidate: Candidate) -> Score | None:
    """The score of a patch that needs no grading, because there is none."""
    if candidate.scored.strip() or not candidate.apply:
        return None
    stripped = bool(candidate.prediction.patch.strip())
    said = "nothing is left of the patch" if stripped else "there is no patch"
    return Score(*candidate.key, "empty", Verdict(False, detail=said), tries=0)
