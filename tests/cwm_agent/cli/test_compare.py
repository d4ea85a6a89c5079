"""`compare`: two scored runs."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

from cwm_agent.exit_codes import ExitCode
from results.records import RunInfo
from results.scores import ScoreOutcome
from results.store import Store

from .conftest import Command
from .scored import make_run, write_rows

INFO = RunInfo("2026-11-24T10:00:00Z", ("cwm-agent", "run"))
OUTCOMES: dict[str, ScoreOutcome] = {
    "a__x-0": "resolved", "a__x-1": "unresolved", "a__x-2": "timeout", "a__x-3": "not_applied",
}  # fmt: skip


def test_compare_pairs_instances_and_lists_the_flips(
    cwm_agent: Command, store: Store, tmp_path: Path
) -> None:
    rows = str(write_rows(tmp_path))
    other: dict[str, ScoreOutcome] = {
        "a__x-0": "unresolved",
        "a__x-1": "resolved",
        "a__x-2": "resolved",
    }
    for name, outcomes in (("one", OUTCOMES), ("two", other)):
        make_run(store, replace(INFO), name, outcomes)
        assert cwm_agent("compare", "one", name).returncode == ExitCode.USAGE  # not scored yet
        assert cwm_agent("score", name, "--dataset", rows).returncode == ExitCode.SUCCESS
    done = cwm_agent("compare", "one", str(store.root / "two"))
    assert done.stdout.splitlines() == [
        "A one: 1 of 3, 33.3 % [6.2, 79.2]",
        "B two: 2 of 3, 66.7 % [20.8, 93.8]",
        "both 0, only A 1, only B 2, neither 0; McNemar's exact test p = 1",
        "only A resolves:",
        "  a__x-0",
        "only B resolves:",
        "  a__x-1",
        "  a__x-2",
        "left out, in one report only:",
        "  a__x-3",
    ]
    table = json.loads(cwm_agent("compare", "one", "two", "--json").stdout)
    assert (table["same_suite"], table["p_value"]) == (True, 1.0)
