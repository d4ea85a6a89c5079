"""What the model predicts that a candidate does with the calls of the issue: nothing is executed.

A call that the issue quotes is traced by the model through the candidate's source. The prediction
is evidence of its own kind beside the execution of the same call, and weighted by how reliable
it shows itself to be, like every verifier (arXiv 2510.02387 has CWM predict tests so).
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping, Sequence

from cwm_agent.debug.evaluate.evidence import PredictedCall
from cwm_agent.scaling.evidence.code import PatchedCode
from cwm_agent.scaling.evidence.executions import Execution, Executions
from cwm_agent.scaling.evidence.functions import module_of
from cwm_agent.scaling.evidence.issue import BEFORE
from cwm_agent.scaling.evidence.quoted import call_of
from cwm_agent.scaling.evidence.scripts import Script
from cwm_agent.scaling.normalise import digest

Predict = Callable[[str, Sequence[str]], Sequence[PredictedCall]]
"""Predicts the results of some calls in a source."""


def traceable_calls(
    scripts: Sequence[Script], functions: Mapping[str, str], files: Mapping[str, str], most: int
) -> list[tuple[str, str]]:
    """The calls of the issue's `scripts`, each with the path of the file to trace it through.

    `functions` has the module of each function's name, `files` the texts by path.
    """
    paths = {module_of(path): path for path in sorted(files)}
    found = []
    for call in filter(None, map(call_of, scripts)):
        path = paths.get(functions.get(call.partition("(")[0], ""))
        if path is not None:
            found.append((path, call))
    return found[:most]


def traces_name(calls: Sequence[tuple[str, ...]]) -> str:
    """The name of the set of predicted calls, "" where there are none."""
    return f"traces-{digest(repr(calls))}" if calls else ""


def predicted(code: PatchedCode, calls: Sequence[tuple[str, ...]], predict: Predict) -> Execution:
    """The calls whose result is predicted, each as `[result, confidence]` in JSON."""
    began = time.monotonic()
    texts = code.read(sorted({path for path, _ in calls}))
    outputs = {}
    for path, text in texts.items():
        wanted = [call for where, call in calls if where == path]
        for found in predict(text, wanted):
            if found.result is not None:
                outputs[found.expression] = json.dumps([found.result, found.confidence])
    seconds = round(time.monotonic() - began, 3)
    return Execution(code.state, traces_name(calls), 0, {}, outputs, seconds)


def score(found: Execution, before: Executions, scripts: Sequence[Script]) -> float | None:
    """From 0, surely unsolved, to 1; 1/2 says nothing, and None that no result is predicted.

    A prediction agrees if the issue names its value and the unpatched code gave another one
    when `scripts` ran the calls there. It counts as far as the model is sure of it.
    """
    scores = []
    for script in scripts:
        written, earlier = (
            found.outputs.get(call_of(script) or ""),
            before.get(BEFORE, script.id, 0),
        )
        if written is not None and earlier is not None:
            result, confidence = json.loads(written)
            agrees = result in script.announced and result != earlier.outputs[""]
            scores.append((1 + confidence) / 2 if agrees else (1 - confidence) / 2)
    return sum(scores) / len(scores) if scores else None
