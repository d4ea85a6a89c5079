"""Chooses attempts of a run and shows them, finished or live."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass

from rich.text import Text

from cwm_agent.errors import UsageError
from cwm_agent.view.console import console
from cwm_agent.view.plain import Detail, PlainView
from cwm_agent.view.sanitize import clean_line
from envs.sandbox.owner import boot_id, start_time
from results.codec import encode
from results.errors import RunNotFoundError
from results.journal import Entry, Lines, follow_journal, kind_of
from results.predictions import digest
from results.records import AttemptResult, AttemptStarted
from results.scores import Score, Verdicts
from results.store import Attempt, Run


@dataclass(frozen=True, slots=True)
class Chosen:
    """The attempts of `run` that the user asked for; never empty."""

    run: Run
    attempts: tuple[Attempt, ...]


def choose(run: Run, instance: str | None, sample: int | None) -> Chosen:
    """The attempts of one instance, one sample, both, or all; raises RunNotFoundError."""
    everything = list(run.attempts())
    attempts = tuple(
        attempt
        for attempt in everything
        if (instance is None or attempt.instance == instance)
        and (sample is None or attempt.sample == sample)
    )
    if not attempts:
        names = sorted({attempt.instance for attempt in everything})
        known = f"it has {', '.join(names[:5])}" if names else "it has none yet"
        raise RunNotFoundError(f"run {run.name} has no such attempt; {known}")
    return Chosen(run, attempts)


def choose_one(run: Run, instance: str | None, sample: int | None) -> Attempt:
    """The one attempt that fits; raises UsageError when several do, RunNotFoundError for none."""
    attempts = choose(run, instance, sample).attempts
    if len(attempts) > 1:
        names = ", ".join(f"{attempt.instance} #{attempt.sample}" for attempt in attempts[:5])
        raise UsageError(
            f"{len(attempts)} attempts match ({names}); choose one with --instance and --sample"
        )
    return attempts[0]


def show_attempts(chosen: Chosen, detail: Detail, *, as_json: bool) -> None:
    """Print attempts as they are now; with `as_json` one object."""
    verdicts = Verdicts(chosen.run.scores)
    if as_json:
        attempts = [attempt_json(attempt, verdicts) for attempt in chosen.attempts]
        print(json.dumps({"run": chosen.run.name, "attempts": attempts}, indent=2))
        return
    for attempt in chosen.attempts:
        if attempt.events_path.stat().st_size == 0:  # no image, no environment, or killed before
            name = clean_line(f"{attempt.instance} #{attempt.sample}: not begun")
            console().print(Text(name, "yellow"))
            continue
        view = PlainView(console(), detail)
        view.events(Lines(attempt.events_path).entries())  # what is good before any damage
        result = attempt.result()
        view.outcome(result, score_of(result, verdicts), attempt.test_output())


def follow_attempt(
    chosen: Chosen,
    detail: Detail,
    *,
    as_json: bool,
    pause: Callable[[float], object] = time.sleep,
) -> None:
    """Print one attempt as it goes on, then its outcome; with `as_json` an entry a line."""
    attempt = _the_one(chosen)
    view = PlainView(console(), detail)
    seen: list[Entry] = []
    for entry in follow_journal(attempt.events_path, pause=pause):
        seen.append(entry)
        if as_json:
            print(json.dumps(entry_json(entry)), flush=True)
        else:
            view.events([entry])
    result = _await_result(attempt, seen, pause)
    if as_json:
        print(json.dumps({"result": encode(result)}), flush=True)
    else:
        score = score_of(result, Verdicts(chosen.run.scores))
        view.outcome(result, score, attempt.test_output())


def _the_one(chosen: Chosen) -> Attempt:
    live = [attempt for attempt in chosen.attempts if attempt.live]
    candidates = live or list(chosen.attempts)
    if len(candidates) > 1:
        names = ", ".join(f"{a.instance} #{a.sample}" for a in candidates[:5])
        raise UsageError(
            f"--follow shows one attempt, and {len(candidates)} match ({names}); "
            f"choose with --instance and --sample"
        )
    return candidates[0]


def _await_result(
    attempt: Attempt, seen: list[Entry], pause: Callable[[float], object]
) -> AttemptResult | None:
    """The result, waited for while the process that made the attempt lives (it may be scoring)."""
    starts = [entry.event for entry in seen if isinstance(entry.event, AttemptStarted)]
    while True:
        alive = bool(starts) and process_lives(starts[-1].pid, starts[-1].boot_id)
        result = attempt.result()
        if result is not None or not alive:
            return result
        pause(0.2)


def process_lives(pid: int, boot: str) -> bool:
    """Whether a process of that number runs in that boot of this machine."""
    return boot == boot_id() and start_time(pid) is not None


def score_of(result: AttemptResult | None, verdicts: Verdicts) -> Score | None:
    """What `score` said of an attempt's patch, the last time."""
    return verdicts.score(result.instance, digest(result.patch)) if result else None


def attempt_json(attempt: Attempt, verdicts: Verdicts) -> dict[str, object]:
    """Everything on disk of one attempt, and the official score of its patch."""
    result, output = attempt.result(), attempt.test_output()
    return {
        "instance": attempt.instance,
        "sample": attempt.sample,
        "live": attempt.live,
        "events": [entry_json(entry) for entry in attempt.entries()],
        "result": encode(result),
        "test_output": None if output is None else str(output),
        "score": encode(score_of(result, verdicts)),
    }


def entry_json(entry: Entry) -> dict[str, object]:
    """An entry with the keys of its journal line."""
    return {
        "seq": entry.seq,
        "time": entry.time,
        "kind": kind_of(type(entry.event)),
        "data": encode(entry.event),
    }
