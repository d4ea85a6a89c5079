"""LiveCodeBench's own checker and math-verify called directly, each in a process of its own.

The checker is read from a checkout (https://github.com/LiveCodeBench/LiveCodeBench).
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cwm_agent.bench.graders.pairs import CodePair, MathPair
from cwm_agent.errors import UsageError
from envs.progress import Say

CHECKER = Path("lcb_runner/evaluation/compute_code_generation_metrics.py")
# Run by a Python that has numpy and tqdm; it is given the checkout, a file of pairs, and a limit.
CODE_SCRIPT = """
import json, os, sys
sys.path.insert(0, sys.argv[1])
answers = os.fdopen(os.dup(1), "w")
os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
from lcb_runner.evaluation.compute_code_generation_metrics import evaluate_generations_by_problem
for line in open(sys.argv[2]):
    pair = json.loads(line)
    sample = {"input_output": json.dumps(pair["tests"])}
    asked = ([pair["code"]], sample, False, int(sys.argv[3]))
    results, notes = evaluate_generations_by_problem(asked)
    passed = bool(results[0]) and all(result > 0 for result in results[0])
    print(json.dumps([passed, notes[0].get("error_code")]), file=answers, flush=True)
"""
MATH_SCRIPT = """
import json, logging, sys
from math_verify import parse, verify
logging.disable(logging.CRITICAL)
for line in open(sys.argv[1]):
    gold, answer = json.loads(line)
    same = verify(parse(f"${gold}$"), parse("\\\\boxed{" + answer + "}"))
    print(json.dumps(bool(same)), flush=True)
"""


@dataclass(frozen=True, slots=True)
class Said:
    """What the checker says of a pair; `code` is its error code, None where it passed."""

    passed: bool
    code: int | None


def check_code(checkout: Path, pairs: Sequence[CodePair], seconds: int, say: Say) -> list[Said]:
    """The checker's verdicts in order; raises UsageError where the folder holds none."""
    if not (checkout / CHECKER).is_file():
        raise UsageError(f"{checkout} is no checkout of LiveCodeBench: it has no {CHECKER}")
    rows = [{"code": pair.code, "tests": _tests(pair)} for pair in pairs]
    found = _run(
        CODE_SCRIPT, [str(checkout)], rows, [str(seconds)], say, "pairs checked officially"
    )
    return [Said(passed, code) for passed, code in found]


def check_mathematics(pairs: Sequence[MathPair], say: Say) -> list[bool]:
    """What math-verify says with its own time limits, in order."""
    rows = [[pair.gold, pair.answer] for pair in pairs]
    return [
        bool(same) for same in _run(MATH_SCRIPT, [], rows, [], say, "answers compared directly")
    ]


def _tests(pair: CodePair) -> dict[str, object]:
    name = {"fn_name": pair.function} if pair.function else {}
    return {"inputs": pair.inputs, "outputs": pair.outputs, **name}


def _run(
    script: str, before: list[str], rows: Sequence[object], after: list[str], say: Say, what: str
) -> list[Any]:
    """A line of JSON for each row."""
    found = []
    with tempfile.NamedTemporaryFile("w", suffix=".jsonl") as file:
        file.writelines(f"{json.dumps(row)}\n" for row in rows)
        file.flush()
        command = [sys.executable, "-c", script, *before, file.name, *after]
        process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL
        )
        assert process.stdout is not None
        for line in process.stdout:
            found.append(json.loads(line))
            if len(found) % 50 == 0:
                say(f"{len(found)} of {len(rows)} {what}")
        _, errors = process.communicate()
    if len(found) != len(rows):
        lines = errors.decode(errors="replace").strip().splitlines()
        raise UsageError(f"the reference ended early: {lines[-1] if lines else 'without a word'}")
    return found
