"""The process in which answers are compared, so that it can be ended: a JSON object a line.

in:  {"gold": "...", "answer": "...", "integer": false}
out: {"same": true, "seconds": 0.01}   or   {"error": "..."}
"""

from __future__ import annotations

import json
import resource
import sys
import time

from envs.mathematics.equality import be_quiet, same_answer, same_integer


def main(memory: int) -> None:
    """Compare until the input ends, within `memory` bytes."""
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    answers, sys.stdout = sys.stdout, sys.stderr  # what a library prints is no answer
    be_quiet()
    for line in sys.stdin:
        print(json.dumps(_compared(json.loads(line))), file=answers, flush=True)


def _compared(asked: dict[str, str]) -> dict[str, object]:
    began = time.process_time()
    try:
        same = (same_integer if asked["integer"] else same_answer)(asked["gold"], asked["answer"])
    except (Exception, RecursionError) as error:  # noqa: BLE001 - any text may come, and did
        return {"error": f"{type(error).__name__}: {error}"[:300]}
    return {"same": same, "seconds": round(time.process_time() - began, 4)}


if __name__ == "__main__":
    main(int(sys.argv[1]))
