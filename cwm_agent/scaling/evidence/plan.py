"""What is to be run for an issue: the repository's tests, scripts, calls of touched functions.

It is made once, on the unpatched code, and kept in a file: a run that goes on
after a crash runs exactly the same.
"""

from __future__ import annotations

import posixpath
import re
import shlex
from collections.abc import Sequence
from dataclasses import dataclass, field

from cwm_agent.scaling.evidence.code import PatchedCode
from cwm_agent.scaling.evidence.functions import (
    Function,
    draw_calls,
    literal_calls,
    public_functions,
    touched_files,
    touched_functions,
)
from cwm_agent.scaling.evidence.harvest import harvest, merged
from cwm_agent.scaling.evidence.inside import TEST_RUNNER
from cwm_agent.scaling.evidence.issue import SampledIssue
from cwm_agent.scaling.evidence.quoted import issue_scripts, quoted_calls
from cwm_agent.scaling.evidence.scripts import Script
from cwm_agent.scaling.evidence.traced import traceable_calls
from cwm_agent.scaling.normalise import digest

FILE = "plan.json"
MOST_TEST_FILES = 60
MOST_CALLS = 240
"""Calls of touched functions, of all together."""
MOST_HARVESTED = 40
_TEST_FILE = re.compile(r"(test_[^/]*|[^/]*_tests?|tests)\.py")
_PYTEST = "python -m pytest -rA -q --tb=short -p no:cacheprovider -W ignore::DeprecationWarning"


@dataclass(frozen=True, slots=True)
class Options:
    """How much evidence to make. `existing` is the command of the repository's tests, "" to find
    one; `generated` counts tests that the model writes, `calls` those of each touched function,
    `traces` the issue's calls whose result the model predicts."""

    existing: str = ""
    generated: int = 0
    calls: int = 48
    repeats: int = 2
    traces: int = 0


@dataclass(frozen=True, slots=True)
class Plan:
    """`suite` prints pytest's summary, "" where there are no tests. `calls` are (module,
    function, arguments), `traces` (path, call). `origin` names what it was made from: samples,
    options, written tests."""

    origin: str
    suite: str = ""
    scripts: tuple[Script, ...] = ()
    calls: tuple[tuple[str, ...], ...] = field(default=())
    traces: tuple[tuple[str, ...], ...] = field(default=())


def make_plan(
    issue: SampledIssue, code: PatchedCode, options: Options, generated: Sequence[Script]
) -> Plan:
    """Look at the unpatched code in its open sandbox; raises SandboxError."""
    pytest = code.has("pytest")
    runner = f"{_PYTEST} -o addopts=" if pytest else f"python {TEST_RUNNER}"
    patches = list(issue.states.values())
    files = code.read(touched_files(patches))
    functions = touched_functions(patches, files)
    defining = _defining_files(issue, code, files)
    defined = public_functions(defining)
    quoted = list(issue_scripts(issue.job.issue, defined))
    traces = traceable_calls(quoted, defined, defining, options.traces)
    scripts = [*generated, *quoted]
    harvested = [
        script
        for sample in issue.samples
        for script in harvest(sample.events, sample.number, root=issue.job.root, run_tests=runner)
    ]
    scripts += merged(harvested)[:MOST_HARVESTED]
    suite = options.existing or _suite(code, files, pytest=pytest)
    calls = _calls(issue, code, functions, options.calls, [s.source for s in harvested])
    origin = origin_of(issue, options, generated)
    return Plan(origin, suite, tuple(scripts), tuple(calls), tuple(traces))


def origin_of(issue: SampledIssue, options: Options, generated: Sequence[Script]) -> str:
    """A name for what a plan is made from; another one needs another plan."""
    samples = [(sample.number, sample.result.patch) for sample in issue.samples]
    counts = (options.calls, options.traces)
    made = (samples, options.existing, counts, [script.id for script in generated])
    return digest(repr(made))


def _suite(code: PatchedCode, touched: Sequence[str] | dict[str, str], *, pytest: bool) -> str:
    """A command that runs the tests of the repository, or those that are about touched files."""
    tests = [path for path in _listed(code, "git ls-files -z -- '*.py'") if _is_test(path)]
    if len(tests) > MOST_TEST_FILES:
        names = {posixpath.basename(path).removesuffix(".py") for path in touched}
        near = _listed(code, f"git grep -zlw {_either(names)} -- '*.py'") if names else []
        tests = [path for path in near if _is_test(path)][:MOST_TEST_FILES]
    if pytest:
        tests = _collectable(code, tests)
    if not tests:
        return ""
    listed = " ".join(map(shlex.quote, tests))
    if pytest:
        return f"{_PYTEST} --continue-on-collection-errors {listed}"
    return f"python {TEST_RUNNER} {listed}"


def _collectable(code: PatchedCode, tests: Sequence[str]) -> list[str]:
    """Those in folders whose conftest.py can be imported: one that cannot ends the whole run."""
    folders = sorted({posixpath.dirname(path) for path in tests})
    if len(folders) < 2:
        return list(tests)
    good = {folder for folder in folders if code.collects(folder or ".")}
    return [path for path in tests if posixpath.dirname(path) in good]


def _defining_files(
    issue: SampledIssue, code: PatchedCode, files: dict[str, str]
) -> dict[str, str]:
    """The files that define functions which the issue calls, and the touched ones."""
    names = {call.partition("(")[0] for call in quoted_calls(issue.job.issue)}
    if not names:
        return {}
    heads = [f"^def {name}(" for name in sorted(names)] + [f"^class {n}[(:]" for n in sorted(names)]
    patterns = " ".join(f"-e {shlex.quote(head)}" for head in heads)
    places = _listed(code, f"git grep -zl {patterns} -- '*.py'")[:MOST_TEST_FILES]
    return code.read(places) | files


def _calls(
    issue: SampledIssue,
    code: PatchedCode,
    functions: Sequence[Function],
    count: int,
    harvested: Sequence[str],
) -> list[tuple[str, str, str]]:
    if not functions or not count:
        return []
    names = {function.called for function in functions}
    near = _listed(code, f"git grep -zlw {_either(names)} -- '*.py'")[:MOST_TEST_FILES]
    texts = list(code.read(near).values())
    texts += quoted_calls(issue.job.issue)
    texts += [found for source in harvested for found in quoted_calls(source)]
    each = max(8, min(count, MOST_CALLS // len(functions)))
    return [
        (function.module, function.name, arguments)
        for function in functions
        for arguments in draw_calls(function, literal_calls(texts, function.called), each)
    ][:MOST_CALLS]


def _listed(code: PatchedCode, command: str) -> list[str]:
    """The paths that a command of git names, ended by NUL."""
    result = code.control(f"{command} | tr '\\0' '\\n'")
    return sorted(path for path in result.output.splitlines() if path)


def _either(names: set[str]) -> str:
    return " ".join(f"-e {shlex.quote(name)}" for name in sorted(names))


def _is_test(path: str) -> bool:
    return _TEST_FILE.fullmatch(posixpath.basename(path)) is not None
