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
_NAMES = ("main", *(f"main_{number}" for number in range(1000)))


@dataclass(frozen=True, slots=True)
class PredictedCall:
    """A call of a function, as it would be written, and the predicted repr of its result.

    `result` is None where the trace predicts none. `confidence` is the least probability of any
    token in the trace; `removed` the largest probability mass that the constraint took away.
    """

    expression: str
    result: str | None
    confidence: float = 0.0
    removed: float = 0.0


def predict_calls(
    predictor: Predictor, source: str, expressions: Sequence[str], *, most: int = MOST_STEPS
) -> list[PredictedCall]:
    """Predict what each call gives, by a whole legal trace of it; nothing is executed.

    Simulated results may choose among candidates; as feedback to the model they
    do harm (arXiv 2604.03253). A source that is no Python predicts nothing.
    """
    found = []
    for expression in expressions:
        try:
            found.append(PredictedCall(expression, *_predict(predictor, source, expression, most)))
        except (UsageError, ContextOverflowError):
            found.append(PredictedCall(expression, None))
    return found


def _predict(
    predictor: Predictor, source: str, expression: str, most: int
) -> tuple[str | None, float, float]:
    """The predicted result, the least probability on the way, and the mass removed."""
    entry = next(name for name in _NAMES if name not in source)
    body = f"def {entry}():  # << START_OF_TRACE\n    result = {expression}\n    return result\n"
    program = Program.read(
        f"{source.rstrip()}\n\n\n{body}",
        entry=entry,
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
    finally:
        cursor.close()
    return None, least, removed
