"""Tests that samples wrote and ran while they solved the issue.

A sample's journal holds every file it created and every command it ran. What
runs Python and changes nothing is a test that costs nothing: files with tests
in them, scripts that were run, `python -c` and `python - <<EOF` commands. Who
wrote it also said, mostly, what it should print: in the thought before it.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from cwm_agent.scaling.evidence.quoted import values
from cwm_agent.scaling.evidence.scripts import Script
from results.records import Event, Replied
from tools.errors import CallError
from tools.parsing import THINK_END, Call, parse_call
from tools.registry import TOOLS

MOST_LINES = 400
"""Longer files are no tests that somebody wrote in passing."""
MOST_ANNOUNCED = 40
END_CHARACTERS = 300
"""Of a thought: farther from the command numbers are mostly about something else."""
_NAMES = tuple(spec.name for spec in TOOLS)
_HEREDOC_FILE = re.compile(
    r"""cat\s*>\s*(?P<path>[\w./-]+\.py)\s*<<-?\s*(?P<quote>['"]?)(?P<end>\w+)(?P=quote)\n"""
    r"(?P<text>.*?)\n(?P=end)(?:\n|$)",
    re.DOTALL,
)
_RUNS_PYTHON = re.compile(r"\bpython3?\s+(-c\b|-\s*<<|-W|-X|-m\s+unittest|[\w./-]+\.py)|\bpytest\b")
_RUN_FILE = re.compile(r"\bpython3?\s+(?:-[WXu]\s*\S*\s+)*(?P<path>[\w./-]+\.py)\b")
_CHANGES = re.compile(
    r"(^|[\s;&|(])(git|sed\s+-i|rm|mv|cp|pip3?|conda|apt|apt-get|patch|touch|mkdir|chmod|tee|curl"
    r"|wget|kill)\b|(?<![<0-9&])>(?!\s*/dev/null|&)"
)
_TEST_FUNCTION = re.compile(r"^\s*(async\s+)?def test|^class \w*Test", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class _Turn:
    """One call with the thought before it."""

    call: Call
    thought: str


def harvest(events: Sequence[Event], sample: int, *, root: str, run_tests: str) -> list[Script]:
    """The tests of one sample, in the order in which they were first written.

    `run_tests` is a command that runs the files named after it as this
    repository's tests are run. Paths outside of `root` and /tmp are left alone.
    """
    files: dict[str, str] = {}
    found: list[Script] = []
    for turn in _turns(events):
        body = turn.call.body
        if turn.call.name == "create":
            path, _, text = body.partition("\n")
            _keep(files, path.strip(), text, root)
        elif turn.call.name == "bash":
            for match in _HEREDOC_FILE.finditer(body):
                _keep(files, match["path"], match["text"] + "\n", root)
            command = _HEREDOC_FILE.sub("", body).strip()
            found += _commands(command, turn.thought, files, sample)
    found += _test_files(files, sample, run_tests)
    return list({script.id: script for script in reversed(found)}.values())[::-1]


def merged(scripts: Sequence[Script]) -> list[Script]:
    """Each test once, with the first who wrote it; announcements of the same command add up."""
    kept: dict[str, Script] = {}
    for script in scripts:
        key = replace(script, announced=(), origin=None).id
        first = kept.setdefault(key, script)
        announced = tuple(dict.fromkeys((*first.announced, *script.announced)))
        kept[key] = replace(first, announced=announced)
    return list(kept.values())


def _turns(events: Sequence[Event]) -> Iterator[_Turn]:
    for event in events:
        if isinstance(event, Replied):
            text = event.reply.text
            thinking = THINK_END in text
            try:
                call = parse_call(text, thinking=thinking, names=_NAMES)
            except CallError:
                continue
            yield _Turn(call, text.partition(THINK_END)[0] if thinking else "")


def _keep(files: dict[str, str], path: str, text: str, root: str) -> None:
    """Remember a new Python file by its path below the root, or in /tmp."""
    full = posixpath.normpath(posixpath.join(root, path))
    if full.endswith(".py") and text.count("\n") <= MOST_LINES:
        if full.startswith(f"{root}/"):
            files[full.removeprefix(f"{root}/")] = text
        elif full.startswith("/tmp/"):
            files[full] = text


def _commands(command: str, thought: str, files: dict[str, str], sample: int) -> Iterator[Script]:
    if not _RUNS_PYTHON.search(command) or _CHANGES.search(_without_quotes(command)):
        return
    named = {path: text for path, text in files.items() if posixpath.basename(path) in command}
    if any(_TEST_FUNCTION.search(text) for text in named.values()):
        return  # a file of tests is run as such
    if not named and _RUN_FILE.search(command):
        return  # a file of the repository
    yield Script(
        kind="harvested",
        name=_title(command),
        command=command,
        rule="announced" if _prints(command, named) else "exit",
        files=named,
        announced=tuple(_announced(thought)),
        origin=sample,
    )


def _test_files(files: dict[str, str], sample: int, run_tests: str) -> Iterator[Script]:
    for path, text in files.items():
        if _TEST_FUNCTION.search(text):
            yield Script(
                kind="harvested",
                name=f"tests in {path}",
                command=f"{run_tests} {path}",
                rule="exit",
                files={path: text},
                origin=sample,
            )


def _prints(command: str, files: dict[str, str]) -> bool:
    """Whether a script shows values instead of checking them."""
    text = command + "".join(files.values())
    return "print(" in text and "assert" not in text


def _announced(thought: str) -> Iterator[str]:
    """What the thought names as output: every run of its last lines, and what it quotes, and the
    values in its end."""
    lines = [line.strip() for line in thought.strip().splitlines() if line.strip()][
        -MOST_ANNOUNCED:
    ]
    for first in range(len(lines)):
        yield "\n".join(lines[first:])
    yield from re.findall(r"`([^`\n]+)`", thought)[:MOST_ANNOUNCED]
    yield from values(thought[-END_CHARACTERS:], "")


def _without_quotes(command: str) -> str:
    """The command without what stands in quotes or in here-documents: code, not shell."""
    text = re.sub(r"<<-?\s*(['\"]?)(\w+)\1\n.*?\n\2(?=\n|$)", "", command, flags=re.DOTALL)
    return re.sub(r"\"(?:\\.|[^\"\\])*\"|'[^']*'", "''", text).replace("2>&1", "")


def _title(command: str) -> str:
    line = command.partition("\n")[0]
    return line if len(line) <= 80 else f"{line[:79]}…"
