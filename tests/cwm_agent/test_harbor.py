"""Tasks of the Harbor format, from the command line to the verdict of their own tests."""

from __future__ import annotations

import io
import json
import re
import secrets
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

import pytest
from docker import DockerClient

from cwm_agent.cli.main import run
from envs.docker.dockerfile import Context, context_image
from envs.docker.engine import connect_engine
from envs.errors import SandboxError
from envs.images.access import ImageAccess, PullRetries
from envs.images.ledger import Ledger
from envs.images.recipes import base_image
from envs.images.store import ImageStore
from envs.progress import quiet
from results.found import Enforced
from results.records import Judged
from results.store import Store

TASKS = Path(__file__).parents[1] / "envs" / "harbor" / "tasks"
COUNT = r"tr 'A-Z' 'a-z' < text.txt | tr -s ' ' '\n' | sort | uniq -c | sort -rn | head -n 3"
SOLVED = [
    "<tool: bash>\n" + COUNT + " | awk '{print $2}' > top.txt\n</tool>",
    "<tool: submit>\nwrote top.txt\n</tool>",
    "The words are there.",
]
IDLE = ["<tool: bash>\nls\n</tool>", "<tool: submit>\n</tool>", "Nothing was to be done."]

pytestmark = pytest.mark.docker


@pytest.fixture(scope="module")
def tasks(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The tasks, on an image that this machine can make in the place of debian:bookworm-slim.

    Every stage has a label of its own, so its images are no other test's, and are removed.
    """
    label = f"cwm-agent-test={secrets.token_hex(4)}"
    client: DockerClient = connect_engine(timeout=600)
    base = base_image(client)
    folder = tmp_path_factory.mktemp("harbor") / "tasks"
    shutil.copytree(TASKS, folder)
    for file in folder.glob("*/environment/Dockerfile"):
        text = file.read_text().replace("debian:bookworm-slim", base)
        text = text.replace("debian:${RELEASE}-slim", base)
        file.write_text(re.sub("(?m)^FROM .*$", rf"\g<0>\nLABEL {label}", text))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_STATE_HOME", str(folder.parent))
        yield folder
        used = Ledger.of_engine(client).entries()
    made = client.images.list(filters={"label": label})
    assert set(used) >= {tag for image in made for tag in image.tags}  # `images prune` asks it
    for image in made:
        client.images.remove(image.id, force=True)
    assert client.images.list(filters={"label": label}) == []
    client.close()


def run_cli(*arguments: str) -> subprocess.CompletedProcess[str]:
    """The command line, in this process: starting one costs more than a task."""
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        code = run(arguments)
    return subprocess.CompletedProcess(arguments, code, out.getvalue(), err.getvalue())


def control(tasks: Path, kind: str, out: Path, *more: str) -> dict[str, str]:
    """What a control says of each task."""
    target = ["score", str(tasks), "--control", kind, "--out", str(out), "--json", *more]
    done = run_cli(*target)
    assert done.returncode == 0, done.stderr
    lines = json.loads(done.stdout)["lines"]
    return {line["instance"]: line["outcome"] for line in lines}


@pytest.mark.parametrize(("kind", "outcome"), [("gold", "resolved"), ("noop", "unresolved")])
def test_the_oracle_passes_and_doing_nothing_does_not(
    tasks: Path, tmp_path: Path, kind: str, outcome: str
) -> None:
    chosen = ("--id", "chosen-level", "--id", "limits-seen")
    assert set(control(tasks, kind, tmp_path, *chosen).values()) == {outcome}


@pytest.mark.slow
@pytest.mark.parametrize(("kind", "outcome"), [("gold", "resolved"), ("noop", "unresolved")])
def test_every_sample_task_passes_its_controls(
    tasks: Path, tmp_path: Path, kind: str, outcome: str
) -> None:
    said = control(tasks, kind, tmp_path)
    assert said == dict.fromkeys((path.name for path in TASKS.iterdir()), outcome)


def recordings(folder: Path, **replies: list[str]) -> Path:
    """A folder of recordings, one for each task."""
    folder.mkdir()
    for name, said in replies.items():
        text = json.dumps({"description": "a test", "replies": [f"\n</think>\n{s}" for s in said]})
        (folder / f"{name.replace('_', '-')}.yaml").write_text(text)
    return folder


def test_a_run_is_judged_where_the_agent_worked_and_goes_on_in_a_new_container(
    tasks: Path, tmp_path: Path
) -> None:
    replay = recordings(tmp_path / "replay", count_words=SOLVED, fix_total=IDLE)
    words = (
        "run", str(tasks), "--id", "count-words", "--id", "fix-total", "--replay", str(replay),
        "--runs", str(tmp_path), "--name", "one",
    )  # fmt: skip
    done = run_cli(*words)
    assert done.returncode == 0, done.stderr
    kept_run = Store(tmp_path).open("one")
    results = {a.result().instance: a.result() for a in kept_run.attempts()}  # type: ignore[union-attr]
    assert results["count-words"].resolved is True  # type: ignore[union-attr]
    assert results["fix-total"].resolved is False  # type: ignore[union-attr]
    events = [entry.event for entry in kept_run.attempt("count-words", 0).entries()]
    limits = [event for event in events if isinstance(event, Enforced)]
    assert [(e.memory_bytes, e.cpus, e.network) for e in limits] == [(512 * 2**20, 1.0, False)]
    report = run_cli("score", "one", "--runs", str(tmp_path), "--json")
    lines = json.loads(report.stdout)["lines"]
    assert [line["outcome"] for line in lines] == ["resolved", "unresolved"]

    # Cut as by a kill while the tests ran: nothing is judged, and the container is gone.
    attempt = kept_run.attempt("count-words", 0)
    events = attempt.events_path.read_bytes().splitlines(keepends=True)
    kept = [line for line in events if json.loads(line)["kind"] not in ("judged", "ended")]
    assert len(kept) == len(events) - 2
    attempt.events_path.write_bytes(b"".join(kept))
    (attempt.folder / "result.json").unlink()
    assert run_cli(*words).returncode == 0
    again = [
        e.event for e in kept_run.attempt("count-words", 0).entries() if isinstance(e.event, Judged)
    ]
    assert [event.verdict.resolved for event in again] == [True]


FORGING = "(while :; do echo 1 > /logs/verifier/reward.txt; sleep 0.01; done) > /dev/null 2>&1 &"
REWRITING = (
    "(until [ -e /tmp/began ]; do sleep 0.01; done; echo true >> /tests/test.sh) > /dev/null 2>&1 &"
)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("test", "agent", "said"),
    [
        ("exit 3", "true", "wrote no reward"),
        ("sleep 60", "true", "more than 20 s"),
        ("echo many > /logs/verifier/reward.txt", "true", "no number"),
        ("echo 0 > /logs/verifier/reward.txt", FORGING, "writes the reward"),
        (
            "touch /tmp/began; sleep 5; echo 1 > /logs/verifier/reward.txt",
            REWRITING,
            "were changed",
        ),
    ],
)
def test_what_gives_no_honest_reward_is_not_resolved(
    tasks: Path, tmp_path: Path, test: str, agent: str, said: str
) -> None:
    folder = Path(shutil.copytree(tasks / "lock-key", tmp_path / "lock-key"))
    (folder / "task.toml").write_text("[verifier]\ntimeout_sec = 20.0\n")
    (folder / "tests" / "test.sh").write_text(f"#!/bin/bash\n{test}\n")
    (folder / "solution" / "solve.sh").write_text(f"#!/bin/bash\n{agent}\n")
    done = run_cli(
        "score", str(folder), "--control", "gold", "--out", str(tmp_path / "o"), "--json"
    )
    (line,) = json.loads(done.stdout)["lines"]
    assert line["outcome"] == "unresolved"
    assert said in line["detail"]


def test_a_base_image_that_is_not_here_is_refused_with_the_remedy(tmp_path: Path) -> None:
    folder = Path(shutil.copytree(TASKS / "lock-key", tmp_path / "lock-key"))
    (folder / "environment" / "Dockerfile").write_text("FROM nowhere.invalid/cwm-agent/none:1\n")
    client = connect_engine(timeout=60)
    access = ImageAccess(ImageStore.of_engine(client), retries=PullRetries(attempts=1))
    with pytest.raises(SandboxError, match="cwm-agent images base --tag nowhere"):
        context_image(client, Context(folder / "environment"), access, quiet)
    client.close()
