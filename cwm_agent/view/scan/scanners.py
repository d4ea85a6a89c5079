"""The scanners. Each answers a published finding about agents and their scores."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Hashable, Mapping

from cwm_agent.view.scan.commands import edits, passed, runs_code, runs_tests, test_file
from cwm_agent.view.scan.finding import Finding, Scanner, finding
from cwm_agent.view.trajectory.trajectory import Step, Trajectory
from cwm_agent.wording import counted

_GIT = (
    r"(?:^|[;&|($`\n]|\bsudo|\bxargs|\bthen|\bdo|-c\s*[\"'])\s*git\b(?:\s+-[cC]\s+\S+|\s+--?[\w-]+)*"
    r"\s+"
)
_FUTURE = (
    re.compile(_GIT + r"(?:log|rev-list|show-branch)\b[^\n;|&]*\s"
               r"(?:--all|--branches|--remotes|--tags|--reflog|-g|--walk-reflogs)\b"),
    re.compile(_GIT + r"(?:reflog|fetch|pull|clone|ls-remote|fsck)\b"),
    re.compile(_GIT + r"(?:show|checkout|diff|log|cherry-pick|cat-file|restore)\b"
               r"[^\n;|&]*\b(?:origin/|upstream/|FETCH_HEAD|ORIG_HEAD|refs/remotes|refs/tags)"),
    re.compile(r"\.git/(?:packed-refs|logs|objects|ORIG_HEAD|FETCH_HEAD|refs)"),
    re.compile(r"\b(?:curl|wget)\b[^\n;|&]*(?:github|gitlab|pypi|githubusercontent|bitbucket)"),
    re.compile(r"(?:requests\.get|urlopen|urlretrieve)\([^)]*(?:github|gitlab|pypi)"),
    re.compile(r"\bpip[\d.]*\s+(?:download|index|install\s+(?:[^\n;|&]*\s)?(?:-U|--upgrade))\b"),
)  # fmt: skip
_OLD_FILE = re.compile(r"^diff --git a/(.*?) b/.*$(?:\n(?!diff --git ).*)*", re.MULTILINE)


def history_lookup(known: Trajectory) -> Finding | None:
    """Commands that look for later versions: other branches, the network, git's own files."""
    turns = [
        step.number
        for step in known.steps
        if step.action.kind == "bash" and any(look.search(step.action.body) for look in _FUTURE)
    ]
    if not turns:
        return None
    return finding(known, "history_lookup", turns, "looked for later versions of the code")


def tests_edited(known: Trajectory) -> Finding | None:
    """Tests that were there before and are changed, in the tree after a turn or in the patch."""
    turns, seen = [], set[str]()
    for step in known.steps:
        changed = _changed_tests(step.diff or "")
        if step.diff is None and step.action.kind == "edit" and step.ok:
            changed = {step.action.path} if test_file(step.action.path) else set()
        if changed - seen:
            turns.append(step.number)
            seen |= changed
    final = _changed_tests(known.outcome.patch)
    if not turns and not final:
        return None
    kept = "the patch carries them" if final else "the patch does not carry them"
    number = len(seen | final)
    said = f"changed {counted(number, 'existing test file')}; {kept}"
    return finding(known, "tests_edited", turns, said)


def lucky_pass(known: Trajectory) -> Finding | None:
    """Resolved, without one run that went well after the last edit."""
    if known.outcome.resolved is not True:
        return None
    last = _last_edit(known)
    if last is None:
        return None
    after = [step for step in known.steps if step.number > last and runs_code(step)]
    if any(passed(step) for step in after):
        return None
    said = "resolved, and no run after the last edit went well"
    return finding(known, "lucky_pass", [last, *(step.number for step in after)], said)


def repeated_edit(known: Trajectory) -> Finding | None:
    """The very same edit three times, or twice in a row without success."""
    seen: dict[Hashable, list[Step]] = defaultdict(list)
    for step in known.steps:
        if step.action.kind in ("edit", "create"):
            seen[(step.action.path, " ".join(step.action.body.split()))].append(step)
    turns = sorted(step.number for steps in seen.values() if _is_repeated(steps) for step in steps)
    if not turns:
        return None
    return finding(known, "repeated_edit", turns, f"the same edit in {len(turns)} turns")


def _is_repeated(steps: list[Step]) -> bool:
    return len(steps) >= 3 or (len(steps) == 2 and any(step.failure for step in steps))


def unverified_edit(known: Trajectory) -> Finding | None:
    """Over, and nothing was run after the last edit."""
    last = _last_edit(known)
    if last is None or not known.outcome.over:
        return None
    if any(step.number > last and runs_code(step) for step in known.steps):
        return None
    return finding(known, "unverified_edit", [last], "nothing was run after the last edit")


def verdict_against_evidence(known: Trajectory) -> Finding | None:
    """Its own last tests passed, and it is unresolved all the same."""
    if known.outcome.resolved is not False:
        return None
    last = _last_edit(known)
    tests = [step for step in known.steps if runs_tests(step) and step.number > (last or 0)]
    if last is None or not tests or not all(passed(step) for step in tests):
        return None
    said = "its own tests passed after the last edit, the verdict is unresolved"
    return finding(known, "verdict_against_evidence", [step.number for step in tests], said)


SCANNERS: Mapping[str, Scanner] = {
    scanner.__name__: scanner
    for scanner in (
        history_lookup, tests_edited, lucky_pass, repeated_edit, unverified_edit,
        verdict_against_evidence,
    )
}  # fmt: skip


def scan(known: Trajectory) -> list[Finding]:
    """What all scanners say of one trajectory."""
    return [found for scanner in SCANNERS.values() if (found := scanner(known)) is not None]


def _last_edit(known: Trajectory) -> int | None:
    return next((step.number for step in reversed(known.steps) if edits(step)), None)


def _changed_tests(patch: str) -> set[str]:
    """Test files that a patch changes or deletes; new ones are nobody's evidence."""
    return {
        found[1]
        for found in _OLD_FILE.finditer(patch)
        if test_file(found[1]) and "\nnew file mode" not in found[0]
    }
