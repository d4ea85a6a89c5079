"""Programs with everything that changes the order of lines, drawn from a seed."""

from __future__ import annotations

import random
import re

from more_snippets import MORE
from snippets import PLAIN

SNIPPETS = PLAIN | MORE


def program(seed: int, without: tuple[str, ...] = ()) -> str:
    """A source with a marked entry that runs two or three drawn snippets."""
    rng = random.Random(f"trace program/{seed}")
    names = rng.sample(sorted(set(SNIPPETS) - set(without)), rng.randint(2, 3))
    parts = [_filled(SNIPPETS[name], number, rng) for number, name in enumerate(names)]
    calls = [f"run_{number}()" for number in range(len(names))]
    body = "".join(f"    results.append({call})\n" for call in calls)
    main = f"def main():  # << START_OF_TRACE\n    results = []\n{body}    return results\n"
    return "\n".join(part.strip("\n") + "\n\n" for part in parts) + "\n" + main


def alone(name: str) -> str:
    """A source that runs one snippet."""
    text = _filled(SNIPPETS[name], 0, random.Random(name)).strip("\n")
    return f"{text}\n\n\ndef main():  # << START_OF_TRACE\n    return run_0()\n"


def _filled(snippet: str, number: int, rng: random.Random) -> str:
    numbers = {"A": str(rng.randint(1, 5)), "B": str(rng.randint(1, 5))}
    text = snippet.replace("_N", f"_{number}")
    return re.sub(r"\b[AB]\b", lambda match: numbers[match.group()], text)
