"""`cwm-agent run` from end to end, in real sandboxes, by recordings."""

from __future__ import annotations

import json
import signal
import subprocess
import time
from pathlib import Path

import pytest
import yaml
from helpers import Batch, write_suite

from results.records import Ended, Replied
from results.store import UNFINISHED

LOCAL = ("--sandbox", "bubblewrap")


def begin(batch: Batch, *more: object, seconds: float = 0.3) -> subprocess.Popen[str]:
    suite, recordings = write_suite(batch.folder, range(1, 4), seconds=seconds)
    return batch.start(
        "run", suite, "--replay", recordings, "--name", "run", *LOCAL, "--json", *more
    )


def again(batch: Batch, *more: object) -> tuple[object, ...]:
    suite, recordings = batch.folder / "suite.jsonl", batch.folder / "recordings"
    return ("run", suite, "--replay", recordings, "--name", "run", *LOCAL, *more)


def slow_down(batch: Batch, seconds: float) -> None:
    for path in (batch.folder / "recordings").iterdir():
        document = yaml.safe_load(path.read_text()) | {"seconds": seconds}
        path.write_text(yaml.safe_dump(document))


def test_every_sample_has_its_result_and_the_folder_is_as_solve_leaves_it(batch: Batch) -> None:
    stdout, stderr = begin(batch, "--samples", 2, seconds=0).communicate()
    launch, done = map(json.loads, stdout.splitlines())
    assert (launch["record"], done["record"], done["exit_code"]) == ("launch", "done", 0), stderr
    assert launch["status"]["counts"]["waiting"] == done["status"]["counts"]["resolved"] == 6
    folder = Path(done["folder"])
    names = {path.name for path in (folder / "nano-seen-1" / "0").iterdir()}
    logs = {"tests-before.log", "tests-after.log"}
    assert names == {"job.json", "events.jsonl", "result.json"} | logs
    predictions = [json.loads(line) for line in (folder / "preds.jsonl").read_text().splitlines()]
    assert [line["instance_id"] for line in predictions] == [f"nano-seen-{n}" for n in (1, 2, 3)]
    listed, shown = batch.in_turn(
        [("ls", "--json"), ("view", "run", "-i", "nano-seen-2", "--sample", "1")]
    )
    ended = [(row["exit_reason"], row["resolved"]) for row in json.loads(listed.stdout)]
    assert ended == [("submitted", True)] * 6
    assert (shown.returncode, "resolved" in shown.stdout) == (0, True), shown
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.suffix == ".jsonl"}
    (_, over) = batch.json(*again(batch, "--samples", 2))
    assert over["status"]["counts"]["resolved"] == 6
    assert {path: path.read_bytes() for path in before} == before
    assert batch.left() == []


def test_the_first_signal_drains_and_the_second_stops(batch: Batch) -> None:
    process = begin(batch, "--workers", 2, seconds=1.0)  # none is over when the signal comes
    batch.wait_for_turns("run", 2, process)
    process.send_signal(signal.SIGINT)
    stdout, stderr = process.communicate(timeout=120)
    assert (process.returncode, "finishing the turns" in stderr) == (130, True)
    assert json.loads(stdout.splitlines()[1])["status"]["counts"]["waiting"] == 3
    assert batch.left() == []
    slow_down(batch, 600)
    before = batch.recorded("run")
    process = batch.start(*again(batch, "--accept-changes"))
    batch.wait_until(lambda: batch.recorded("run") > before, process)
    process.send_signal(signal.SIGTERM)
    _, stderr = process.communicate(timeout=120)  # nobody waits for the replies
    assert (process.returncode, "stopping now" in stderr) == (130, True)
    assert batch.left() == []
    slow_down(batch, 0)
    (_, done) = batch.json(*again(batch))
    assert done["status"]["counts"]["resolved"] == 3
    for attempt in batch.run("run").attempts():
        events = [entry.event for entry in attempt.entries()]
        turns = [event.turn for event in events if isinstance(event, Replied)]
        assert turns == list(range(1, len(turns) + 1))
        ends = [event.reason for event in events if isinstance(event, Ended)]
        assert ends.count("submitted") == 1
        assert set(ends[:-1]) <= {"interrupted"}


def test_a_command_under_way_is_ended_by_sigterm_and_acted_on_again(
    batch: Batch, sandbox: str
) -> None:
    suite, recordings = write_suite(batch.folder, range(1, 2))
    path = recordings / "nano-seen-1.yaml"
    document = yaml.safe_load(path.read_text())
    waits = "wait\n</think>\n<tool: bash>\necho once >> log; test -e go || sleep 1000\n</tool>"
    path.write_text(yaml.safe_dump({"replies": [waits, *document["replies"]]}))
    command = ("run", suite, "--replay", recordings, "--name", "run", "--sandbox", sandbox)
    process = batch.start(*command)
    batch.wait_for_turns("run", 1, process)
    time.sleep(1)
    process.send_signal(signal.SIGTERM)
    _, stderr = process.communicate(timeout=120)  # nobody waits for the command
    assert process.returncode == 130, stderr
    (attempt,) = batch.run("run").attempts()
    last = attempt.entries()[-1].event
    assert last == Ended("interrupted", "stopped in the middle of a turn")
    assert batch.left() == []
    limits = ("--set", "limits.command_seconds=2", "--accept-changes")
    (_, done) = batch.json(*command, *limits)
    assert done["status"]["counts"]["resolved"] == 1
    result = attempt.result()
    assert result is not None
    assert result.patch.count("+once") == 1  # in a place restored to what it was before


def test_other_settings_and_tasks_are_shown_and_refused(batch: Batch) -> None:
    begin(batch, "--id", "nano-seen-1", seconds=0).communicate()
    other = again(batch, "--id", "nano-seen-1", "--set", "limits.turns=50")
    # Neither the workers nor the samples change an answer.
    refused, more = batch.in_turn([other, again(batch, "--workers", 7, "--samples", 2)])
    assert (refused.returncode, more.returncode) == (2, 0), (refused, more)
    assert "limits.turns: 128 -> 50 (--set)" in refused.stderr
    suite = batch.folder / "suite.jsonl"
    suite.write_text(suite.read_text().replace('"issue": "', '"issue": "Please. '))
    refused, accepted, same = batch.in_turn([other, (*other, "--accept-changes"), other])
    assert [done.returncode for done in (refused, accepted, same)] == [2, 0, 0], (accepted, same)
    assert "nano-seen-1: issue, repository" in refused.stderr
    record = json.loads((batch.folder / "runs" / "run" / "batch.json").read_text())
    (changes,) = record["changes"]
    assert len(changes["differences"]) == 2


def test_a_failed_attempt_does_not_end_the_others_and_goes_on_later(batch: Batch) -> None:
    suite, recordings = write_suite(batch.folder, range(1, 4))
    path = recordings / "nano-seen-1.yaml"
    whole = path.read_text()
    path.write_text(yaml.safe_dump({"replies": yaml.safe_load(whole)["replies"][:3]}))
    _, stderr = batch(*again(batch), code=5)
    assert "nano-seen-1/0 failed: policy_error: the recording" in stderr
    assert sorted(str(result.resolved) for result in batch.results("run")) == [
        "None",
        "True",
        "True",
    ]
    path.write_text(whole)
    (_, done) = batch.json(*again(batch))
    assert done["status"]["counts"]["resolved"] == 3


def test_when_nothing_works_the_run_ends_early(batch: Batch) -> None:
    _, recordings = write_suite(batch.folder, range(1, 6))
    for path in recordings.iterdir():
        path.write_text(yaml.safe_dump({"replies": ["<tool: bash>\nls\n</tool>"]}))
    limits = ("--workers", 1, "--set", "batch.failures_in_row=2")
    _, stderr = batch(*again(batch, *limits), code=5)
    assert "2 attempts failed in a row" in stderr
    assert len(batch.results("run")) < 5


def test_a_run_of_limited_turns_ends_with_code_6_and_can_go_on(batch: Batch) -> None:
    process = begin(batch, "--workers", 1, "--set", "batch.turns=4", seconds=0.1)
    _, stderr = process.communicate()
    assert (process.returncode, "the run has used its 4 turns" in stderr) == (6, True)
    reasons = {result.exit_reason for result in batch.results("run")}
    assert reasons & UNFINISHED
    (_, done) = batch.json(*again(batch))
    assert done["status"]["counts"]["resolved"] == 3


def test_two_processes_do_not_work_on_one_run(batch: Batch) -> None:
    process = begin(batch, seconds=4.0)
    batch.wait_for_turns("run", 1, process)
    _, stderr = batch(*again(batch), code=4)
    assert "another process is working on run run" in stderr
    process.kill()
    process.communicate()


@pytest.mark.docker
def test_containers_are_gone_after_a_kill_and_a_resumption(batch: Batch) -> None:
    suite, recordings = write_suite(batch.folder, range(1, 3), seconds=0.3)
    command = ("run", suite, "--replay", recordings, "--sandbox", "docker", "--name", "dockers")
    process = batch.start(*command)
    batch.wait_for_turns("dockers", 3, process)
    process.kill()
    process.communicate()
    (_, done) = batch.json(*command)
    assert done["status"]["counts"]["resolved"] == 2
    listed = subprocess.run(
        ["docker", "ps", "--all", "--quiet", "--filter", "label=cwm-agent.run=dockers"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert listed.stdout == ""
