"""Drawing a task: a small repository with one or two bugs, an issue about them, hidden tests."""

from __future__ import annotations

import random
from dataclasses import dataclass, field, replace
from typing import Literal

from cwm_agent.generated import issue_text, noise
from cwm_agent.generated import probes as evidence
from cwm_agent.generated.bug import Bug
from cwm_agent.generated.mutation import shuffled
from cwm_agent.generated.probes import Probe, TooSlowError
from cwm_agent.generated.splits import Part, templates_of
from cwm_agent.generated.templates.pools import POOLS
from cwm_agent.generated.templates.template import Function, Template, draw

Split = Literal["train", "seen", "unseen", "phrasing"]
"""Training; then the sets that are measured: new draws of trained templates, held-out
templates, held-out phrasings of the issue over trained templates."""

MEASURED: tuple[Split, ...] = ("seen", "unseen", "phrasing")
TRIVIAL_KIND = "return"
"""A missing return: told by its shape alone, so it is rare and reported apart."""
MODULES = (
    "cart", "totals", "report", "parse", "filters", "search", "stats", "grid", "names", "ranges",
    "rules", "scores", "text", "tools", "units", "views", "orders", "pages", "prices", "teams",
)  # fmt: skip
PACKAGES = (
    "shop", "core", "lib", "app", "store", "base", "game", "bank", "desk", "farm", "mail", "plan",
    "work", "data", "util", "team",
)  # fmt: skip
TWO_BUGS = {"train": 0.3, "measured": 0.06}
"""Share of tasks with two bugs. In training each further one is cheap: the file is read once."""
LONGEST_CALL = 60
"""Characters of a call that an issue may quote."""
LONGEST_MODULE = 1500
"""Characters of the module with the bug, which the model reads whole."""


@dataclass(frozen=True, slots=True)
class NanoTask:
    """A repository with bugs. `files` are as the model finds them, `right_files` without bugs."""

    seed: str
    split: Split
    files: dict[str, str]
    right_files: dict[str, str]
    bugs: tuple[Bug, ...]
    issue: issue_text.Issue
    others: dict[str, tuple[Probe, ...]] = field(default_factory=dict)
    """Probes of the other functions of the wrong modules, by `module:function`."""
    blind: bool = False
    """Whether the docstring of the first wrong function says nothing; in training only."""

    @property
    def trivial(self) -> bool:
        """Whether each bug is of the trivial kind."""
        return all(bug.mutation.kind == TRIVIAL_KIND for bug in self.bugs)


def draw_task(seed: str, split: Split) -> NanoTask:
    """The task of a seed; the same always."""
    rng = random.Random(f"{split}/{seed}")
    while True:
        task = _try(seed, split, rng)
        if task is not None:
            return task


def _try(seed: str, split: Split, rng: random.Random) -> NanoTask | None:
    part: Part = "held_out" if split == "unseen" else "trained"
    package = rng.choice(PACKAGES)
    modules = rng.sample(MODULES, 2 if rng.random() < 0.7 else 3)
    module = f"{package}/{modules[0]}.py"
    functions = _functions(templates_of(part), templates_of("trained"), rng)
    blind = split == "train" and rng.random() < noise.BLIND
    if split == "train":
        functions = [_with_noise(function, rng) for function in functions]
    if blind:
        functions[0] = replace(functions[0], source=noise.blind(functions[0].source, rng))
    two = rng.random() < TWO_BUGS["train" if split == "train" else "measured"]
    bugs: list[Bug] = []
    for function in functions[: 2 if two else 1]:
        bug = _bug(function, module, rng)
        if bug is None:
            return None
        bugs.append(bug)
    order = rng.sample(functions, len(functions))
    wrong = {bug.function.name: bug.wrong_source for bug in bugs}
    right_files = {module: _module(modules[0], [f.source for f in order])}
    files = {module: _module(modules[0], [wrong.get(f.name, f.source) for f in order])}
    if len(files[module]) > LONGEST_MODULE:
        return None
    rest = _surroundings(package, modules[1:], {f.name for f in functions}, rng)
    others = {
        f"{module}:{f.name}": tuple(_sound_probes(f, rng)) for f in order if f.name not in wrong
    }
    rest[f"tests/test_{modules[0]}.py"] = _visible_tests(module, bugs, others)
    noisy = split == "train" and rng.random() < noise.NOISY_ISSUE
    issue = issue_text.write(bugs, rng, held_out=split == "phrasing", noisy=noisy)
    if noisy:
        issue = replace(issue, text=noise.noisy_issue(issue.text, rng))
    found, fixed = files | rest, right_files | rest
    return NanoTask(seed, split, found, fixed, tuple(bugs), issue, others, blind)


def _functions(
    pool: list[Template], distractors: list[Template], rng: random.Random
) -> list[Function]:
    """Two to four functions with different names; the first come from `pool`."""
    chosen: list[Function] = []
    wanted = rng.choice((2, 2, 3, 3, 4))
    while len(chosen) < wanted:
        source = pool if len(chosen) < 2 else distractors
        function = draw(rng.choice(source), rng, POOLS)
        if function.name not in {other.name for other in chosen}:
            chosen.append(function)
    return chosen


def _with_noise(function: Function, rng: random.Random) -> Function:
    if rng.random() >= noise.NOISY_DOCSTRING:
        return function
    return replace(function, source=noise.noisy_docstring(function.source, rng))


def _bug(function: Function, module: str, rng: random.Random) -> Bug | None:
    """A mutation of the function that shows in its results, in a call that can be quoted."""
    arguments = evidence.draw_arguments(function.arguments, rng)
    try:
        right = evidence.outcomes(function.source, function.name, arguments)
    except TooSlowError:
        return None
    for mutation in shuffled(function.source, rng)[:6]:
        probes = _probes_of(mutation.apply(function.source), function, right, arguments)
        found = evidence.changed(probes)
        quotable = [probe for probe in found if _quotable(function.name, probe)]
        if len(found) >= evidence.LEAST_CHANGED and quotable:
            shown = min(rng.sample(quotable, min(3, len(quotable))), key=_telling)
            return Bug(function, mutation, module, tuple(probes), shown)
    return None


def _probes_of(
    source: str, function: Function, right: list[evidence.Outcome], arguments: list[str]
) -> list[Probe]:
    try:
        wrong = evidence.outcomes(source, function.name, arguments)
    except (SyntaxError, TooSlowError):
        return []
    return evidence.compare(right, wrong, arguments)


def _quotable(name: str, probe: Probe) -> bool:
    call = f"{name}({probe.arguments})"
    texts = call + probe.right.text + probe.wrong.text
    return len(call) + len(probe.right.text) <= LONGEST_CALL and not set('"$`\\!') & set(texts)


def _telling(probe: Probe) -> tuple[bool, int]:
    """Results say more than exceptions, short calls more than long ones."""
    return probe.wrong.raised, len(probe.arguments)


def _sound_probes(function: Function, rng: random.Random) -> list[Probe]:
    arguments = evidence.draw_arguments(function.arguments, rng, 8)
    right = evidence.outcomes(function.source, function.name, arguments)
    return [probe for probe in evidence.compare(right, right, arguments) if not probe.right.raised]


def _module(name: str, sources: list[str]) -> str:
    return f'"""{name.capitalize()}."""\n\n\n' + "\n\n\n".join(sources) + "\n"


def _surroundings(
    package: str, modules: list[str], taken: set[str], rng: random.Random
) -> dict[str, str]:
    """The other files: modules that have nothing to do with the issue, and what git ignores."""
    files = {".gitignore": "__pycache__/\n", f"{package}/__init__.py": ""}
    for name in modules:
        sources: list[str] = []
        for _ in range(rng.choice((1, 2))):
            function = draw(rng.choice(templates_of("trained")), rng, POOLS)
            if function.name not in taken:
                taken.add(function.name)
                sources.append(function.source)
        files[f"{package}/{name}.py"] = _module(name, sources)
    return files


def _visible_tests(module: str, bugs: list[Bug], others: dict[str, tuple[Probe, ...]]) -> str:
    """Tests that pass with and without the bug."""
    dotted = module.removesuffix(".py").replace("/", ".")
    tests: list[str] = []
    for bug in bugs:
        same = [probe for probe in bug.probes if probe.right == probe.wrong][:2]
        tests += _test(bug.function.name, [probe for probe in same if not probe.right.raised])
    for key, probes in others.items():
        tests += _test(key.partition(":")[2], list(probes[:2]))
    names = [bug.function.name for bug in bugs] + [key.partition(":")[2] for key in others]
    return f"from {dotted} import {', '.join(sorted(names))}\n" + "".join(tests)


def _test(name: str, probes: list[Probe]) -> list[str]:
    if not probes:
        return []
    lines = "".join(f"    assert {name}({p.arguments}) == {p.right.text}\n" for p in probes)
    return [f"\n\ndef test_{name}():\n{lines}"]
