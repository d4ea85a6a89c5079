"""What cannot work is refused in one line with the remedy and the documented exit code."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from cases import CONVERSATION, Solve, git, write_recording

from ..envs.registry import serving

REPLAY = ("--replay", "talk.yaml")
HERE = ("--repo", "repository", *REPLAY)

CASES: dict[str, tuple[int, str, tuple[str, ...]]] = {
    "no issue": (2, "no issue; give the issue as text, as a file, or '-'", HERE),
    "empty text": (2, "the issue is empty", ("  ", *HERE)),
    "empty file": (2, r"the issue is empty \(empty\.md\)", ("empty.md", *HERE)),
    "missing file": (2, r"no file docs/none\.md", ("docs/none.md", *HERE)),
    "no repository": (2, "not a git repository; .*--repo", ("x y", "--repo", "plain", *REPLAY)),
    "no folder": (2, "no folder .*--repo", ("x y", "--repo", "none", *REPLAY)),
    "dirty": (2, r"uncommitted changes \(new\.txt\).*--dirty", ("x y", "--repo", "dirty", *REPLAY)),
    "no such set": (2, "unknown set of generated tasks 'easy'; choose from seen", ("nano:easy/1",)),
    "no checkpoint": (
        4,
        "no checkpoint folder none/such.*hf download",
        ("x y", *HERE[:2], "--model", "none/such"),
    ),
    "no such prefix": (
        4,
        "no kind of model 'bogus'.*openai:x or anthropic:x.*nano.*folder",
        ("x y", *HERE[:2], "--model", "bogus:x"),
    ),
    "damaged checkpoint": (5, r"model\.safetensors", ("x y", *HERE[:2], "--model", "damaged")),
    "no weights": (
        5,
        r"holds neither model\.safetensors",
        ("x y", *HERE[:2], "--model", "weightless"),
    ),
    "empty checkpoint": (5, r"config\.json", ("x y", *HERE[:2], "--model", "plain")),
    "two readers": (2, "--human reads your replies", ("-", "--repo", "repository", "--human")),
    "two policies": (2, "only one can answer: .*--replay, --human", ("x y", *HERE, "--human")),
    "no recording": (
        2,
        r"no recording at .*none\.yaml; a recording is",
        ("x y", "--repo", "repository", "--replay", "none.yaml"),
    ),
    "bad recording": (2, "has no replies", ("x y", "--repo", "repository", "--replay", "bad.yaml")),
    "bad number": (
        2,
        r"'limits\.turns' = 'many' \(--set\)",
        ("x y", *HERE, "--set", "limits.turns=many"),
    ),
    "bad range": (2, r"'limits\.turns' = '0'", ("x y", *HERE, "--set", "limits.turns=0")),
    "unknown setting": (
        2,
        r"did you mean 'limits\.turns'",
        ("x y", *HERE, "--set", "limits.turn=3"),
    ),
    "unknown mode": (2, "'mode' = 'fast'", ("x y", *HERE, "--mode", "fast")),
    "unknown switch": (
        2,
        "unknown switch 'edit_whole_line'; did you mean",
        ("x y", *HERE, "--set", "switches.edit_whole_line=true"),
    ),
    "unknown pack": (2, "no prompt pack 'none'", ("x y", *HERE, "--set", "prompt_pack=none")),
    "unknown sandbox": (2, r"'sandbox\.kind' = 'chroot'", ("x y", *HERE, "--sandbox", "chroot")),
    "image for bubblewrap": (
        2,
        "bubblewrap takes no image",
        ("x y", *HERE, "--sandbox", "bubblewrap", "--image", "a"),
    ),
    "list for bubblewrap": (
        2,
        "bubblewrap has no proxy",
        ("x y", *HERE, "--sandbox", "bubblewrap", "--set", "sandbox.allow_hosts=a.org"),
    ),
    "unwritable runs": (4, "cannot create .*--runs", ("x y", *HERE, "--runs", "empty.md/runs")),
    "bad run name": (4, "not a valid run name", ("x y", *HERE, "--name", "../up")),
    "unknown run": (2, "no run 'none'", ("--resume", "none")),
    "resume with issue": (
        2,
        "keeps its task: leave out an issue, --repo",
        ("x y", "--resume", "none", "--repo", "repository"),
    ),
    "two judges": (
        2,
        "give --test or --tests, not both",
        ("x y", *HERE, "--test", "true", "--tests", "tests.yaml"),
    ),
    "unknown report": (
        2,
        "--test-report: unknown test report 'xunit': choose pytest, junit:PATH",
        ("x y", *HERE, "--test", "true", "--test-report", "xunit"),
    ),
    "report of nothing": (
        2,
        "give --test COMMAND, too",
        ("x y", *HERE, "--test-report", "exit-code"),
    ),
    "report in a tests file": (
        2,
        r"report\.yaml: report: a JUnit report needs its path",
        ("x y", *HERE, "--tests", "report.yaml"),
    ),
    "no test named": (
        2,
        r"unnamed\.yaml: fail_to_pass names no test",
        ("x y", *HERE, "--tests", "unnamed.yaml"),
    ),
    "bad tests": (
        2,
        r"bad\.yaml: command: .*a tests file has",
        ("x y", *HERE, "--tests", "bad.yaml"),
    ),
    "unknown example": (2, "no example 'none'; there are: boltons", ("example:none",)),
    "unknown option": (2, "No such option", ("--fast",)),
}


def test_bad_input(solve: Solve, make_checkpoint: Callable[..., Path]) -> None:
    folder = solve.folder
    weights = make_checkpoint("damaged") / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1000])
    (make_checkpoint("weightless") / "model.safetensors").unlink()
    write_recording(folder / "talk.yaml", *CONVERSATION)
    (folder / "bad.yaml").write_text("replies: []\n")
    (folder / "report.yaml").write_text("command: make\nreport: junit\n")
    (folder / "unnamed.yaml").write_text("command: make\n")
    (folder / "empty.md").write_text("\n \n")
    (folder / "plain").mkdir()
    git(folder, "clone", "--quiet", "repository", "dirty")
    (folder / "dirty" / "new.txt").write_text("mine\n")
    answers = solve.in_turn([arguments for _, _, arguments in CASES.values()])
    for (name, (code, pattern, _)), answer in zip(CASES.items(), answers, strict=True):
        got, out, err = answer.returncode, answer.stdout, answer.stderr
        errors = [line for line in err.splitlines() if line.startswith("error: ")]
        assert (got, out, len(errors)) == (code, "", 1), (name, got, out, err)
        assert re.search(pattern, errors[0]), (name, err)
        assert "Traceback" not in err
    assert not (folder / "runs").exists() or not list((folder / "runs").iterdir())


def test_an_empty_standard_input_is_no_issue(solve: Solve) -> None:
    finished = solve("-", "--repo", "repository", "--model", "none")
    assert finished.returncode == 2
    assert "the issue is empty (standard input)" in finished.stderr


@pytest.mark.docker
def test_a_missing_image(solve: Solve) -> None:
    recording = write_recording(solve.folder / "talk.yaml", *CONVERSATION)
    with serving() as registry:
        image = registry.name("missing")
        finished = solve("add subtracts", "--image", image, "--replay", recording)
    assert finished.returncode == 4
    assert f"no image {image}" in finished.stderr
    assert "check the name" in finished.stderr
    assert "Traceback" not in finished.stderr
    assert not list((solve.folder / "runs").iterdir())
