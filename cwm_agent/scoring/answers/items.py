"""What has to be graded of a run's answers, each thing once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from cwm_agent.errors import UsageError
from cwm_agent.scoring.predictions_source import Source
from envs.problem.problem import Problem
from results.predictions import Prediction, digest
from results.records import Submitted
from results.scores import Conditions, Key, ScoreBook


@dataclass(frozen=True, slots=True)
class Item:
    """A sample of a problem. `answer` counts by the published rule; `lenient` seems to be one.

    Both are the same where the rule is kept. "" is none.
    """

    problem: Problem
    prediction: Prediction
    answer: str
    lenient: str

    @property
    def place(self) -> tuple[str, int]:
        """Its problem and sample."""
        return self.problem.id, self.prediction.sample

    def key(self, answer: str) -> Key:
        """What the score of an answer is looked up by."""
        return (self.problem.id, digest(answer), self.problem.key)


def items_of(
    source: Source, predictions: Iterable[Prediction], problems: Mapping[str, Problem]
) -> list[Item]:
    """Each prediction with its problem; raises UsageError for one that the suite lacks."""
    found = []
    for prediction in predictions:
        problem = problems.get(prediction.instance)
        if problem is None:
            raise UsageError(
                f"the suite has no problem {prediction.instance}, which was answered; name the "
                "rows of these answers with --dataset, such as livecodebench:rows.jsonl"
            )
        answer = prediction.patch
        found.append(Item(problem, prediction, answer, answer or _submitted(source, prediction)))
    return found


def to_grade(
    items: Iterable[Item], book: ScoreBook, under: Conditions, *, again: bool
) -> dict[Key, tuple[Problem, str]]:
    """The answers without a final score, once each, those of one problem together."""
    found: dict[Key, tuple[Problem, str]] = {}
    for item in sorted(items, key=lambda item: item.place):
        for answer in (item.answer, item.lenient):
            key = item.key(answer)
            if again or book.final(key, under) is None:
                found.setdefault(key, (item.problem, answer))
    return found


def _submitted(source: Source, prediction: Prediction) -> str:
    """What an attempt of a run seems to answer, though its reply breaks the rule."""
    if source.run is None:
        return ""
    attempt = source.run.find(prediction.instance, prediction.sample)
    events = [entry.event for entry in attempt.entries()]
    return next((e.patch for e in reversed(events) if isinstance(e, Submitted)), "")
