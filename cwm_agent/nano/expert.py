"""The expert: solves a generated task the way the model shall learn, mistakes and repairs included.

Mistakes are played (a search that finds nothing, a malformed call, an edit
that does not apply, a wrong repair) so that the model sees what comes back and
how to go on; the mistaken replies themselves are not learnt.
"""

from __future__ import annotations

import random
from dataclasses import dataclass

from cwm_agent.nano import evidence
from cwm_agent.nano.mutation import Mutation, candidates, shuffled
from cwm_agent.nano.stage import Stage, Turn
from cwm_agent.nano.task import Bug, NanoTask
from cwm_agent.nano.workspace import PATCH, SAVE_PATCH, UNDO
from tools.texts import Texts

TEST_FILE = "tests/test_fix.py"
MOST_WRONG_REPAIRS = 3
VERDICTS = ("right", "wrong")
"""What the thought after a check begins with."""


@dataclass(frozen=True, slots=True)
class Odds:
    """How often something happens in a conversation."""

    reproduce: float = 0.05
    malformed: float = 0.03
    empty_search: float = 0.05
    failed_edit: float = 0.04
    wrong_repair: float = 0.25
    write_test: float = 0.08
    replaced: float = 0.02


@dataclass(frozen=True, slots=True)
class Conversation:
    """All turns. Turn `check` is the check of the last repair; from `routine` on comes only what
    every solved task ends with."""

    turns: tuple[Turn, ...]
    check: int
    routine: int


def converse(
    task: NanoTask, rng: random.Random, texts: Texts, odds: Odds | None = None
) -> Conversation:
    """Solve the task in memory."""
    return _Expert(task, rng, texts, odds or Odds()).solve()


def act(thought: str, tool: str, body: str) -> str:
    """A reply: a thought and one call."""
    return f"{thought}\n</think>\n<tool: {tool}>\n{body}\n</tool>"


def check_command(bugs: tuple[Bug, ...]) -> str:
    """Run the calls that the issue quotes, one a line."""
    dotted = bugs[0].module.removesuffix(".py").replace("/", ".")
    return "\n".join(
        f'python -c "from {dotted} import {bug.function.name}; '
        f'print(repr({bug.function.name}({bug.shown.arguments})))" 2>&1 | tail -n 1'
        for bug in bugs
    )


class _Expert:
    def __init__(self, task: NanoTask, rng: random.Random, texts: Texts, odds: Odds) -> None:
        self._task = task
        self._rng = rng
        self._odds = odds
        self._stage = Stage(task.files, task.issue.text, texts)
        self._module = task.bugs[0].module
        self._tried: set[str] = set()
        self._saved = False

    def solve(self) -> Conversation:
        """The whole conversation."""
        self._find()
        if self._happens(self._odds.reproduce):
            self._check("try")
        for _ in range(MOST_WRONG_REPAIRS):
            if not self._happens(self._odds.wrong_repair):
                break
            self._repair_wrongly()
        for bug in self._task.bugs:
            if self._happens(self._odds.failed_edit):
                self._fail_to_edit(bug)
            repair = bug.mutation
            self._edit(bug, repair.line, old=repair.after, new=repair.before, learnt=True)
        check = len(self._stage.turns)
        self._check("check")
        routine = len(self._stage.turns) + 1
        if self._happens(self._odds.write_test):
            self._write_test()
        self._hand_in()
        return Conversation(tuple(self._stage.turns), check, routine)

    def _happens(self, probability: float) -> bool:
        return self._rng.random() < probability

    def _find(self) -> None:
        """Read the module, by the path in the issue or by a search."""
        issue = self._task.issue
        if issue.place != "none":
            found = self._bash("look", f"cat {issue.path}")
            if not found.endswith("No such file or directory\n"):
                return
        name = self._task.bugs[0].function.name
        if self._happens(self._odds.empty_search):
            typo = self._rng.choice((f"def {name}s(", f"def {name[:-1]}(", f"class {name}"))
            self._bash("find", f'git grep -n "{typo}"', learnt=False)
        self._bash("find", f'git grep -n "def {name}("')
        self._bash("look", f"cat {self._module}")

    def _check(self, thought: str) -> None:
        self._bash(thought, check_command(self._task.bugs))

    def _bash(self, thought: str, command: str, *, learnt: bool = True) -> str:
        reply = act(thought, "bash", command)
        if self._happens(self._odds.malformed):
            broken = self._rng.choice(
                (reply.removesuffix("\n</tool>"), reply + "\n" + reply.partition("</think>\n")[2])
            )
            self._stage.say(broken, learnt=False)
        told = self._stage.say(reply, learnt=learnt)
        if self._happens(self._odds.replaced):
            self._stage.replace_container(while_thinking=self._happens(0.5))
            self._saved = False
        return told

    def _edit(self, bug: Bug, line: int, *, old: str, new: str, learnt: bool) -> None:
        """Replace a line of the wrong function; the thought says what the function should be.

        It is written anew from its first line, docstring included, up to the
        line that comes out differently: so each decision is made where the
        docstring and the lines before are in front of the model, and the place
        of the edit follows from the thought.
        """
        search = self._unique(old)
        thought = "\n".join([*bug.wrong_source.split("\n")[:line], new])
        self._stage.say(self._edit_call(thought, search, [*search[:-1], new]), learnt=learnt)

    def _edit_call(self, thought: str, search: list[str], replacement: list[str]) -> str:
        lines = [self._module, "<<<<<<< SEARCH", *search, "=======", *replacement]
        return act(thought, "edit", "\n".join([*lines, ">>>>>>> REPLACE"]))

    def _unique(self, line: str) -> list[str]:
        """The line with as many lines above it as make it unique in the file.

        Of equal lines the one in the function that is being repaired is meant;
        the file in memory tells which.
        """
        lines = self._stage.workspace.files[self._module].split("\n")
        at = self._position(line, lines)
        for above in range(at + 1):
            block = lines[at - above : at + 1]
            starts = range(len(lines) - above)
            if sum(lines[i : i + above + 1] == block for i in starts) == 1:
                return block
        raise AssertionError("a whole file is unique")

    def _position(self, line: str, lines: list[str]) -> int:
        for bug in self._task.bugs:
            start = lines.index(next(x for x in lines if x.startswith(f"def {bug.function.name}(")))
            length = len(bug.function.source.split("\n"))
            for at in range(start, start + length):
                if lines[at] == line:
                    return at
        raise AssertionError(f"no wrong function holds the line {line!r}")

    def _fail_to_edit(self, bug: Bug) -> None:
        """A search that is not in the file: the indentation or a character is off."""
        right, wrong = bug.mutation.before, bug.mutation.after
        search = self._rng.choice((wrong.lstrip(), f"  {wrong}", f"{wrong} ", right))
        if search in self._stage.workspace.files[self._module].split("\n"):
            return
        call = self._edit_call("again", [search], [right])
        self._stage.say(call, learnt=False)

    def _repair_wrongly(self) -> None:
        """Change something that does not help, see that it does not, and undo it."""
        bug = self._task.bugs[0]
        mutation = self._wrong_repair(bug)
        if mutation is None:
            return
        self._edit(bug, mutation.line, old=mutation.before, new=mutation.after, learnt=False)
        self._check("check")
        self._bash("wrong", UNDO)

    def _wrong_repair(self, bug: Bug) -> Mutation | None:
        """A change of the wrong function after which the quoted call is still wrong.

        Like the mistakes of a model: a line written as it was, another change
        of the right line, a change of any line.
        """
        source = bug.wrong_source
        kind = self._rng.choice(("none", "there", "anywhere"))
        if kind == "none":
            return self._no_change(source)
        if kind == "there":
            there = [m for m in candidates(source) if m.line == bug.mutation.line]
            changes = self._rng.sample(there, len(there))
        else:
            changes = shuffled(source, self._rng)
        for mutation in changes[:4]:
            try:
                (outcome,) = evidence.outcomes(
                    mutation.apply(source), bug.function.name, [bug.shown.arguments]
                )
            except (SyntaxError, evidence.TooSlowError):
                continue
            if outcome != bug.shown.right and mutation.after not in self._tried:
                self._tried.add(mutation.after)
                return mutation
        return None

    def _no_change(self, source: str) -> Mutation:
        lines = source.split("\n")
        start = next(i for i, line in enumerate(lines) if line.endswith('"""')) + 1
        at = self._rng.randrange(start, len(lines))
        return Mutation(at, lines[at], lines[at], "none")

    def _write_test(self) -> None:
        """A new test file with the calls of the issue."""
        dotted = self._module.removesuffix(".py").replace("/", ".")
        names = ", ".join(bug.function.name for bug in self._task.bugs)
        lines = [TEST_FILE, f"from {dotted} import {names}", "", "", "def test_fix():"]
        lines += [
            f"    assert {bug.function.name}({bug.shown.arguments}) == {bug.shown.right.text}"
            for bug in self._task.bugs
        ]
        self._stage.say(act("right, test", "create", "\n".join([*lines, ""])))

    def _hand_in(self) -> None:
        """Save the patch and submit it; what a replaced container lost is saved again."""
        while True:
            while not self._saved:
                self._saved = True
                self._bash("right", SAVE_PATCH)
            lost = self._happens(self._odds.replaced)
            if lost:
                self._stage.workspace.lose()
            self._stage.say(act("submit", "submit", PATCH))
            if not lost:
                break
            self._stage.replace_container(while_thinking=False)
            self._saved = False
        names = ", ".join(bug.function.name for bug in self._task.bugs)
        self._stage.close(f"done\n</think>\nFixed {names}.")
