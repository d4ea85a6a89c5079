"""What predicted execution says of a candidate: evidence for choosing among several."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from cwm_agent.debug.frames.state import Moment
from cwm_agent.debug.legal.program import Program
from cwm_agent.debug.predict.predictor import PredictionRequest, Predictor
from cwm_agent.errors import UsageError
from model.errors import ContextOverflowError

MOST_STEPS = 400


@dataclass(frozen=True, slots=True)
class Call:
    """A call of a function, as it would be written, and the repr of what it should give."""

    expression: str
    expected: str


@dataclass(frozen=True, slots=True)
class TraceEvidence:
    """`agreed` of `predicted` calls are predicted to give what they should.

    Calls without a predicted result count in neither. `confidence` is the mean,
    over predicted calls, of the least probability of any token in the trace;
    `removed` the largest probability mass that the constraint took away.
    """

    agreed: int
    predicted: int
    calls: int
    confidence: float
    removed: float

    @property
    def share(self) -> float | None:
        """Of the predicted calls; None where nothing was predicted."""
        return self.agreed / self.predicted if self.predicted else None


def trace_evidence(
    predictor: Predictor, source: str, calls: Sequence[Call], *, most: int = MOST_STEPS
) -> TraceEvidence:
    """Predict what each call gives, by a whole legal trace of it; nothing is executed.

    Simulated results may choose among candidates; as feedback to the model they
    do harm (arXiv 2604.03253). A source that is no Python predicts nothing.
    """
    agreed = predicted = 0
    sure: list[float] = []
    removed = 0.0
    for call in calls:
        try:
            result, least, lost = _predict(predictor, source, call.expression, most)
        except UsageError:
            continue
        removed = max(removed, lost)
        if result is not None:
            predicted += 1
            agreed += result == call.expected
            sure.append(least)
    mean = sum(sure) / len(sure) if sure else 0.0
    return TraceEvidence(agreed, predicted, len(calls), mean, removed)


def _predict(
    predictor: Predictor, source: str, expression: str, most: int
) -> tuple[str | None, float, float]:
    """The predicted result, the least probability on the way, and the mass removed."""
    body = f"def main():  # << START_OF_TRACE\n    result = {expression}\n    return result\n"
    program = Program.read(
        f"{source.rstrip()}\n\n\n{body}",
        entry="main",
        comprehensions=predictor.comprehensions,
    )
    here = Moment.start(program)
    least, removed, value = 1.0, 0.0, None
    cursor = predictor.open(program)
    try:
        for _ in range(most):
            said = cursor.predict(here, PredictionRequest())
            least = min(least, said.confidence.least)
            removed = max(removed, said.confidence.removed)
            if said.frame is None:
                return (value if said.ended else None), least, removed
            raised = here.frame is not None and here.frame.event == "exception"
            here = here.after(said.frame)
            value = said.frame.value if here.left and here.depth == 1 and not raised else None
    except ContextOverflowError:
        return None, least, removed
    finally:
        cursor.close()
    return None, least, removed
