"""Images that have the repository at another place, and sandboxes that need more than an image."""

from __future__ import annotations

import json
import secrets
import subprocess
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from cases import CONVERSATION, Solve, make_repository, write_recording

from envs.images.recipes import base_image
from results.records import Observed

if TYPE_CHECKING:
    from pathlib import Path

    from docker import DockerClient

pytestmark = [pytest.mark.docker, pytest.mark.timeout(600)]
SEEN = "<tool: bash>\npwd; echo $COLOUR $PLACE; cat /tmp/made\n</tool>"
TALK = (SEEN, *(reply.replace("python -c", "python3 -c") for reply in CONVERSATION))
DOCKERFILES = {
    "one": "COPY repository /srv/deep/app\n",
    "two": "COPY repository /app\nCOPY repository /other\n",
    "working": "COPY repository /app\nCOPY repository /other\nWORKDIR /app\n",
    "plain": "COPY repository /app\nRUN rm -rf /app/.git\nWORKDIR /app\n",
    "none": "WORKDIR /app\n",
}
ACTIVATE = "RUN echo 'export PLACE=bashrc' >> /root/.bashrc\n"


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    import docker

    client: DockerClient = docker.from_env(timeout=600)
    folder = tmp_path_factory.mktemp("context")
    make_repository(folder / "repository")
    tags = {}
    for name, lines in DOCKERFILES.items():
        (folder / "Dockerfile").write_text(f"FROM {base_image(client)}\n{ACTIVATE}{lines}")
        tags[name] = f"cwm-agent-test/place-{secrets.token_hex(4)}:{name}"
        client.images.build(path=str(folder), tag=tags[name], rm=True)
    yield tags
    for tag in tags.values():
        client.images.remove(tag, force=True)
    client.close()


def observed(solve: Solve, run: str) -> str:
    """What the model was shown."""
    events = [event for event in solve.events(run) if isinstance(event, Observed)]
    return "\n".join(message.text for event in events for message in event.messages)


def job(folder: Path) -> dict[str, Any]:
    (path,) = folder.glob("runs/*/*/0/job.json")
    found: dict[str, Any] = json.loads(path.read_text())
    return found


@pytest.mark.parametrize(
    ("image", "options", "root"),
    [
        ("one", (), "/srv/deep/app"),
        ("working", (), "/app"),
        ("plain", (), "/app"),
        ("two", ("--workdir", "/other/"), "/other"),
    ],
)
def test_the_repository_is_found_or_named(
    solve: Solve, images: dict[str, str], image: str, options: tuple[str, ...], root: str
) -> None:
    answer = solve.json(
        *("add subtracts", "--image", images[image], "--name", "it", *options),
        *("--env", "COLOUR=deep blue", "--setup", "echo from $PLACE > /tmp/made"),
        *("--replay", write_recording(solve.folder / "talk.yaml", *TALK)),
    )
    assert "+    return a + b" in answer["patch"]
    told = observed(solve, "it")
    assert f"{root}\ndeep blue bashrc\nfrom bashrc\n" in told
    assert job(solve.folder)["root"] == root


@pytest.mark.parametrize(
    ("image", "options", "reason"),
    [
        ("two", (), "2 git repositories (/app, /other); name the one to work in with --workdir"),
        ("none", (), "no git repository; name the folder of the code with --workdir"),
        ("one", ("--workdir", "/app"), "there is nothing at /app in the image"),
        ("one", ("--setup", "echo why; exit 3"), "(exit code 3); fix it or leave it out"),
    ],
)
def test_what_is_unclear_is_refused_with_the_remedy(
    solve: Solve, images: dict[str, str], image: str, options: tuple[str, ...], reason: str
) -> None:
    finished = solve(
        *("add subtracts", "--image", images[image], *options),
        *("--replay", write_recording(solve.folder / "talk.yaml", *TALK)),
    )
    assert finished.returncode == 4, finished.stderr
    assert reason in " ".join((finished.stderr + finished.stdout).split())


@pytest.mark.parametrize("wrong", [("--workdir", "app"), ("--workdir", "/"), ("--env", "X")])
def test_nonsense_is_refused(solve: Solve, wrong: tuple[str, str]) -> None:
    finished = solve("add subtracts", "--repo", "repository", *wrong)
    assert finished.returncode == 2
    assert "use " in finished.stderr


def test_a_task_file_names_image_place_variables_and_setup(
    solve: Solve, images: dict[str, str]
) -> None:
    write_recording(solve.folder / "talk.yaml", *TALK)
    common = {"issue": "add subtracts", "replay": "talk.yaml"}
    tasks = [
        {
            **common, "instance": "a", "image": images["two"], "workdir": "/other",
            "env": {"COLOUR": "red"}, "setup": ["echo a >> /tmp/made"],
        },
        {**common, "instance": "b", "image": images["one"]},
    ]  # fmt: skip
    (solve.folder / "tasks.yaml").write_text(yaml.safe_dump(tasks))
    options = ("--env", "COLOUR=blue", "--setup", "echo all > /tmp/made", "--name", "run", "--json")
    done = subprocess.run(
        [sys.executable, "-m", "cwm_agent", "run", "tasks.yaml", *options],
        cwd=solve.folder, env=solve.environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    told = {
        name: (solve.folder / f"runs/run/{name}/0/events.jsonl").read_text() for name in ("a", "b")
    }
    assert "/other\\nred bashrc\\nall\\na\\n" in told["a"]
    assert "/srv/deep/app\\nblue bashrc\\nall\\n" in told["b"]
    again = subprocess.run(
        [sys.executable, "-m", "cwm_agent", "run", "tasks.yaml", *options],
        cwd=solve.folder, env=solve.environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert again.returncode == 0, again.stderr
