"""`bench graders`: pairs of our own making, by our graders and by the official ones."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from cwm_agent.bench.graders.code_pairs import code_pairs
from cwm_agent.bench.graders.math_pairs import math_pairs
from cwm_agent.bench.graders.measure import GraderBench, grader_lines, measure_graders
from cwm_agent.bench.graders.official import check_code
from cwm_agent.errors import UsageError
from envs.contest.places import grading_sandboxes, processors

CHECKOUT = os.environ.get("CWM_AGENT_TEST_LIVECODEBENCH", "")


def quiet(_line: str) -> None:
    pass


def test_there_are_enough_pairs_of_every_kind() -> None:
    code, answers = code_pairs(), math_pairs()
    assert (len(code) >= 300, len(answers) >= 200) == (True, True)
    assert len({pair.name for pair in code}) == len(code)
    assert len(set(answers)) == len(answers)
    kinds = {pair.name.split(" ")[0] for pair in code}
    assert kinds == {"printed", "read", "ending", "state", "stream", "function", "huge", "slow"}
    assert sum(bool(pair.function) for pair in code) > 80


def test_a_folder_without_the_checker_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no checkout of LiveCodeBench"):
        check_code(tmp_path, [], 1, quiet)


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_our_verdicts_are_the_official_ones() -> None:
    official = Path(CHECKOUT) if CHECKOUT else None
    bench = GraderBench(official, 2, processors(2))
    found = measure_graders(bench, grading_sandboxes("bubblewrap", quiet), quiet)
    assert found.math_disagreements == 0, found.differences
    assert 100 < found.math_right < found.math_pairs
    assert 100 < found.code_right < found.code_pairs
    if official is None:
        assert found.code_disagreements is None
        assert "--official" in found.reason
        assert found.reason in grader_lines(found)[0]
        pytest.skip("NO COMPARISON OF CODE: name a checkout in CWM_AGENT_TEST_LIVECODEBENCH")
    assert found.code_disagreements == 0, found.differences
