"""What has to be graded for a list of predictions, each thing once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from cwm_agent.errors import UsageError
from envs.imageaccess import by_image
from envs.patches import StrippedPatch, strip_patch
from envs.swebench import Instance
from results.predictions import Prediction, digest
from results.records import Verdict
from results.scores import Key, Score, ScoreBook

Control = Literal["gold", "noop"]


@dataclass(frozen=True, slots=True)
class Candidate:
    """A prediction and what of it is scored; `apply` is off for the repository as it is."""

    instance: Instance
    prediction: Prediction
    scored: str
    apply: bool = True

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


def unwanted(patch: str) -> StrippedPatch:
    """The patch without what no patch should carry into its own scoring, and what that is."""
    return strip_patch(patch, tests=True, config=True, binary=True, scratch=True)


def to_grade(all_candidates: Iterable[Candidate], book: ScoreBook) -> list[Candidate]:
    """Those without a final score, each (instance, patch) once, those of one image together."""
    open_ones: dict[Key, Candidate] = {}
    for candidate in all_candidates:
        if book.final(candidate.key) is None:
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
