"""Made-up tables with known answers: what would selection gain if samples and tests were so?

A model of how evidence fails, not of any program. Right samples agree; wrong ones are wrong in
ways of their own; a test is valid or not; and with `correlation` the mistakes are shared: a
wrong candidate passes the tests of the same misreading, and hard issues get worse tests.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from random import Random

from cwm_agent.scaling.clusters import clustered
from cwm_agent.scaling.labels import Case, Labels
from cwm_agent.scaling.table import Candidate, Cell, Column, Table


@dataclass(frozen=True, slots=True)
class World:
    """What is assumed. All but the counts and concentrations are chances, from 0 to 1.

    Left alone it has the shape that was published of CWM: 53.9 % for one sample, 80 % with
    an oracle over 40, about 58 by a vote and 66 by its protocol over 16.

    A sample is right with a chance that over issues has the mean `solve` and, as a Beta
    distribution, the strength `spread` (small: most issues are always or never solved).
    `right_kinds` and `wrong_kinds`: how many different patches there are, as the
    concentration of a Chinese restaurant. `quality`: a test that a model writes is valid;
    a wrong sample passes a valid one with `false_pass`, and breaks an existing test with
    `breaks`. `slip`: a right sample fails a valid test. `judge`: the
    distance between the mean grades of right and wrong samples. `missing`: a cell is missing.
    """

    solve: float = 0.539
    spread: float = 0.4
    right_kinds: float = 1.7
    wrong_kinds: float = 5.0
    existing: int = 10
    generated: int = 10
    harvested: int = 1
    inputs: int = 2
    quality: float = 0.65
    false_pass: float = 0.5
    breaks: float = 0.1
    slip: float = 0.02
    correlation: float = 0.15
    judge: float = 0.2
    missing: float = 0.0


def simulate(world: World, *, issues: int, samples: int, seed: int = 0) -> list[Case]:
    """Tables and their labels; the same for the same arguments."""
    return [
        _case(world, samples, Random(f"{seed}:{number}"), f"issue-{number}")
        for number in range(issues)
    ]


@dataclass(frozen=True, slots=True)
class _Issue:
    """`kinds` names the patch of each sample: "r0", "r1" are right, "w0", "w1" wrong.

    `ease` is the chance of a sample to be right, `bent` a number of each patch between 0 and 1
    that decides all shared luck, `misread` the commonest wrong patch.
    """

    world: World
    random: Random
    ease: float
    kinds: list[str]
    bent: dict[str, float]
    misread: str

    def often(self, chance: float) -> bool:
        return self.random.random() < chance


def _case(world: World, samples: int, random: Random, name: str) -> Case:
    issue = _draw(world, samples, random)
    sizes = {kind: random.randint(200, 2000) + 300 * _wrong(kind) for kind in issue.bent}
    candidates = tuple(
        Candidate(
            f"s{number}",
            number,
            patch=kind,
            normalised=kind,
            text=f"{kind}.{random.randrange(3)}",
            ast=kind,
            size=sizes[kind] + random.randrange(50),
            tokens=random.randint(5_000, 40_000) + 5_000 * _wrong(kind),
        )
        for number, kind in enumerate(issue.kinds)
    )
    columns = [*_tests(issue), *_harvested(issue), *_inputs(issue), _grades(issue)]
    cells: dict[str, dict[str, Cell]] = {candidate.id: {} for candidate in candidates}
    for column, row in columns:
        for candidate, cell in zip(candidates, row, strict=True):
            if not issue.often(world.missing):
                cells[candidate.id][column.id] = cell
    table = Table(name, candidates, tuple(column for column, _ in columns), cells)
    right = {candidate.id: not _wrong(candidate.ast) for candidate in candidates}
    return clustered(table), Labels(name, right)


def _wrong(kind: str) -> bool:
    return kind.startswith("w")


def _draw(world: World, samples: int, random: Random) -> _Issue:
    ease = random.betavariate(world.solve * world.spread, (1 - world.solve) * world.spread)
    kinds: list[str] = []
    for _ in range(samples):
        letter = "r" if random.random() < ease else "w"
        alike = [kind for kind in kinds if kind.startswith(letter)]
        alpha = world.right_kinds if letter == "r" else world.wrong_kinds
        new = random.random() * (len(alike) + alpha) < alpha
        kinds.append(f"{letter}{len(set(alike))}" if new or not alike else random.choice(alike))
    wrong = sorted({kind for kind in kinds if _wrong(kind)})
    misread = max(wrong, key=kinds.count, default="")
    return _Issue(world, random, ease, kinds, {kind: random.random() for kind in kinds}, misread)


def _cells(outcomes: Mapping[str, bool], issue: _Issue) -> list[Cell]:
    return [_cell(outcomes[kind]) for kind in issue.kinds]


def _cell(passed: bool) -> Cell:
    return Cell("pass" if passed else "fail", passes=int(passed))


def _outcomes(issue: _Issue, *, valid: bool, false_pass: float) -> dict[str, bool]:
    """What each patch does under one test."""
    world = issue.world
    found = {}
    for kind in issue.bent:
        shared = issue.often(world.correlation)
        if valid:
            luck = issue.bent[kind] if shared else issue.random.random()
            found[kind] = luck < false_pass if _wrong(kind) else not issue.often(world.slip)
        else:
            found[kind] = kind == issue.misread if shared else issue.often(0.3)
    return found


def _tests(issue: _Issue) -> Iterator[tuple[Column, list[Cell]]]:
    world = issue.world
    for number in range(world.existing):
        outcomes = _outcomes(issue, valid=True, false_pass=1 - world.breaks)
        yield Column(f"e{number}", "existing", before="pass"), _cells(outcomes, issue)
    quality = world.quality + world.correlation * (issue.ease - world.solve)
    for number in range(world.generated):
        outcomes = _outcomes(issue, valid=issue.often(quality), false_pass=world.false_pass)
        yield Column(f"g{number}", "generated", number, "fail"), _cells(outcomes, issue)


def _harvested(issue: _Issue) -> Iterator[tuple[Column, list[Cell]]]:
    """Tests that samples wrote: a wrong sample's are seldom valid, and all pass at home."""
    world = issue.world
    for sample, kind in enumerate(issue.kinds):
        for number in range(world.harvested):
            valid = issue.often(world.quality * (0.3 if _wrong(kind) else 1.5))
            outcomes = _outcomes(issue, valid=valid, false_pass=world.false_pass) | {kind: True}
            yield (
                Column(f"h{sample}.{number}", "harvested", sample, "fail"),
                _cells(outcomes, issue),
            )


def _inputs(issue: _Issue) -> Iterator[tuple[Column, list[Cell]]]:
    for number in range(issue.world.inputs):
        same = issue.world.false_pass
        outputs = {k: k if _wrong(k) and not issue.often(same) else "right" for k in issue.bent}
        row = [Cell("pass", output=outputs[kind], passes=1) for kind in issue.kinds]
        yield Column(f"d{number}", "distinguishing"), row


def _grades(issue: _Issue) -> tuple[Column, list[Cell]]:
    row = []
    for kind in issue.kinds:
        mean = 0.5 + issue.world.judge / 2 * (-1 if _wrong(kind) else 1)
        score = min(1.0, max(0.0, issue.random.gauss(mean, 0.25)))
        row.append(Cell("pass" if score >= 0.5 else "fail", score=score))
    return Column("grade", "grade"), row
