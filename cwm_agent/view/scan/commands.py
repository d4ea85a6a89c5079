"""What shell commands do, as far as their text shows: runs, edits, looks into history."""

from __future__ import annotations

import re

from cwm_agent.view.trajectory.trajectory import Step

_QUOTED = re.compile(r"<<-?\s*['\"]?(\w+)['\"]?.*?\n\1\b", re.DOTALL)
_RUNS = re.compile(
    r"(?:^|[;&|(]|\b(?:time|timeout(?: -\S+)* \S+|env(?: \w+=\S+)*|xvfb-run|exec|then|do)\s)\s*"
    r"(?:\w+=\S+\s+)*(?:\./)?"
    r"(?:python[\d.]*\b(?!\s+-m\s+(?:pip|venv|json\.tool)\b)(?!\s+(?:-V|--version))|"
    r"py\.test\b|pytest\b|tox\b|nox\b|make\s+(?:test|check)\b|(?:\S*/)?runtests\.py\b|"
    r"manage\.py\s+test\b|bin/test\b|go\s+test\b|cargo\s+test\b|npm\s+(?:run\s+)?test\b|"
    r"mvn\b|gradle\b|ctest\b|node\b)",
    re.MULTILINE,
)
_TESTS = re.compile(
    r"\b(?:pytest|py\.test|tox|nox|unittest|runtests(?:\.py)?|ctest)\b|\bmanage\.py\s+test\b|"
    r"\bmake\s+(?:test|check)\b|\b(?:go|cargo|npm)\s+(?:run\s+)?test\b|\bbin/test\b"
)
_ONLY_HELP = re.compile(r"\b(?:pytest|python[\d.]*)\s+(?:--version|--help|-h)\b|--collect-only")
_SHELL_EDIT = re.compile(
    r"\bsed\s+(?:-\S+\s+)*-i|\bsed\s+--in-place|\bperl\s+-\S*i|\bgit\s+(?:apply|checkout|restore|"
    r"stash|reset|revert|am)\b|\bpatch\s+-p|\btee\s+(?!/tmp/|/dev/)\S+|"
    r"(?<![<>&\d-])>{1,2}\s*(?!/tmp/|/dev/|&)[\w./-]+|\b(?:mv|rm|cp)\s+(?!-\S+\s+/tmp/|/tmp/)\S+"
)


def runs_code(step: Step) -> bool:
    """Whether a command runs the program or its tests."""
    return (
        step.action.kind == "bash"
        and bool(_RUNS.search(step.action.body))
        and not _ONLY_HELP.search(step.action.body)
    )


def runs_tests(step: Step) -> bool:
    """Whether it runs tests with a test runner, or checks of its own with `assert`."""
    if not runs_code(step):
        return False
    return bool(_TESTS.search(step.action.body)) or "assert" in step.action.body


def passed(step: Step) -> bool:
    """Whether a run ended well: exit code 0 and no sign of a failure in what it printed."""
    if step.failure is not None or (step.exit_code or 0) != 0:
        return False
    return not re.search(
        r"\b[1-9]\d* (?:failed|error)|\bFAILED\b|Traceback \(most", step.observation
    )


def edits(step: Step) -> bool:
    """Whether a step changes files of the repository."""
    if step.action.kind in ("edit", "create"):
        return step.ok
    if step.action.kind != "bash":
        return False
    if step.diff is not None:
        return True
    without = _QUOTED.sub("", step.action.body)
    return bool(_SHELL_EDIT.search(re.sub(r"'[^']*'|\"[^\"]*\"", "''", without)))


def test_file(path: str) -> bool:
    """Whether a path is that of a test."""
    parts = path.strip("/").split("/")
    name = parts[-1]
    return (
        name.startswith("test_")
        or bool(re.search(r"_tests?\.\w+$|\.(?:test|spec)\.\w+$", name))
        or name in ("tests.py", "conftest.py")
        or any(part in ("tests", "test", "testing", "__tests__") for part in parts[:-1])
    )
