"""The expert: solves a generated task the way the model shall learn, mistakes and repairs included.

Mistakes are played (a search that finds nothing, a malformed call, an edit
that does not apply or changes nothing, a wrong repair) so that the model sees
what comes back and how to go on; the mistaken replies themselves are not learnt.
"""

from __future__ import annotations

import random
from dataclasses import dataclass

from cwm_agent.generated import probes
from cwm_agent.generated.bug import Bug
from cwm_agent.generated.mutation import Mutation, candidates, shuffled
from cwm_agent.generated.task import NanoTask
from cwm_agent.nano.stage import Stage, Turn
from cwm_agent.nano.workspace import PATCH, SAVE_PATCH, UNDO
from tools.texts import Texts

TEST_FILE = "tests/test_fix.py"
MOST_MISTAKES = 3
"""Wrong edits of the first function in a row."""
VERDICTS = ("right", "wrong")
"""What the thought after a check begins with."""


@dataclass(frozen=True, slots=True)
class Odds:
    """How often something happens in a conversation."""

    reproduce: float = 0.05
    malformed: float = 0.03
    empty_search: float = 0.05
    failed_edit: float = 0.06
    mistake: float = 0.4
    blind_mistake: float = 0.75
    write_test: float = 0.05
    replaced: float = 0.015
    replaced_after_edit: float = 0.05


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
        self._tried: set[tuple[int, str]] = set()
        self._unchanged: set[tuple[str, int]] = set()
        self._saved = False

    def solve(self) -> Conversation:
        """The whole conversation."""
        self._find()
        if self._happens(self._odds.reproduce):
            self._check("try")
        for number, bug in enumerate(self._task.bugs):
            self._err(bug, first=number == 0)
            repair = bug.mutation
            self._edit(bug, repair.line, repair.before, learnt=True)
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

    def _check(self, word: str) -> None:
        """Run the calls of the issue; the thought holds what they have to print, line for line.

        So the verdict after it compares what stands side by side.
        """
        wanted = [bug.shown.right.text for bug in self._task.bugs]
        self._bash("\n".join([word, *wanted]), check_command(self._task.bugs))

    def _bash(self, thought: str, command: str, *, learnt: bool = True) -> str:
        reply = act(thought, "bash", command)
        if self._happens(self._odds.malformed):
            broken = self._rng.choice(
                (reply.removesuffix("\n</tool>"), reply + "\n" + reply.partition("</think>\n")[2])
            )
            self._say(broken, learnt=False)
        return self._say(reply, learnt=learnt)

    def _say(self, reply: str, *, learnt: bool = True) -> str:
        """A reply and what comes back; now and then the container is replaced behind it."""
        told = self._stage.say(reply, learnt=learnt)
        edited = "<tool: edit>" in reply
        if self._happens(self._odds.replaced_after_edit if edited else self._odds.replaced):
            self._stage.replace_container(while_thinking=self._happens(0.5))
            self._saved = False
        return told

    def _edit(self, bug: Bug, line: int, new: str, *, learnt: bool) -> None:
        """Replace a line of the wrong function; the thought says what the function should be.

        It is written anew from its first line, docstring included, up to the
        line that comes out differently: so each decision is made where the
        docstring and the lines before are in front of the model, and the place
        of the edit follows from the thought.
        """
        search = self._unique(bug, line)
        thought = "\n".join([*bug.wrong_source.split("\n")[:line], new])
        self._say(self._edit_call(thought, search, [*search[:-1], new]), learnt=learnt)

    def _edit_call(self, thought: str, search: list[str], replacement: list[str]) -> str:
        lines = [self._module, "<<<<<<< SEARCH", *search, "=======", *replacement]
        return act(thought, "edit", "\n".join([*lines, ">>>>>>> REPLACE"]))

    def _unique(self, bug: Bug, line: int) -> list[str]:
        """A line of the function with as many lines above it as make it unique in the file."""
        lines = self._stage.workspace.files[self._module].split("\n")
        first = next(n for n, x in enumerate(lines) if x.startswith(f"def {bug.function.name}("))
        at = first + line
        for above in range(at + 1):
            block = lines[at - above : at + 1]
            starts = range(len(lines) - above)
            if sum(lines[i : i + above + 1] == block for i in starts) == 1:
                return block
        raise AssertionError("a whole file is unique")

    def _err(self, bug: Bug, *, first: bool) -> None:
        """Mistakes before the right repair, like those of a model.

        Only before the first repair may one be undone: that takes everything back.
        """
        odds = self._odds.blind_mistake if self._task.blind else self._odds.mistake
        for _ in range(MOST_MISTAKES):
            if not self._happens(odds):
                break
            if first and self._happens(0.55):
                self._repair_wrongly(bug)
            else:
                self._change_nothing(bug)
        if self._happens(self._odds.failed_edit):
            self._fail_to_edit(bug)

    def _fail_to_edit(self, bug: Bug) -> None:
        """A search that is not in the file: the indentation or a character is off."""
        right, wrong = bug.mutation.before, bug.mutation.after
        search = self._rng.choice((wrong.lstrip(), f"  {wrong}", f"{wrong} ", right))
        if search in self._stage.workspace.files[self._module].split("\n"):
            return
        thought = "\n".join([*bug.wrong_source.split("\n")[: bug.mutation.line], right])
        self._say(self._edit_call(thought, [search], [right]), learnt=False)

    def _change_nothing(self, bug: Bug) -> None:
        """Write a line as it stands there, which is refused; never the same line twice.

        Mostly as a model does it: the thought repairs the right line in passing,
        goes on and stops at a later one.
        """
        lines = bug.wrong_source.split("\n")
        later = range(bug.mutation.line + 1, len(lines))
        if later and self._happens(0.7):
            at = later[-1] if self._happens(0.5) else self._rng.choice(later)
            told = bug.function.source.split("\n") if self._happens(0.7) else lines
        else:
            at, told = self._rng.randrange(_body_start(lines), len(lines)), lines
        if (bug.function.name, at) in self._unchanged:
            return
        self._unchanged.add((bug.function.name, at))
        thought = "\n".join([*told[:at], lines[at]])
        search = self._unique(bug, at)
        self._say(self._edit_call(thought, search, search), learnt=False)

    def _repair_wrongly(self, bug: Bug) -> None:
        """Change something that does not help, see that it does not, and undo it."""
        mutation = self._wrong_repair(bug)
        if mutation is None:
            return
        self._edit(bug, mutation.line, mutation.after, learnt=False)
        self._check("check")
        self._bash("wrong", UNDO)

    def _wrong_repair(self, bug: Bug) -> Mutation | None:
        """A new change of the wrong function after which the quoted call is still wrong.

        Like the mistakes of a model: another change of the right line, or a change of any line.
        """
        source = bug.wrong_source
        if self._happens(0.5):
            there = [m for m in candidates(source) if m.line == bug.mutation.line]
            changes = self._rng.sample(there, len(there))
        else:
            changes = shuffled(source, self._rng)
        for mutation in changes[:4]:
            try:
                (outcome,) = probes.outcomes(
                    mutation.apply(source), bug.function.name, [bug.shown.arguments]
                )
            except (SyntaxError, probes.TooSlowError):
                continue
            if outcome != bug.shown.right and (mutation.line, mutation.after) not in self._tried:
                self._tried.add((mutation.line, mutation.after))
                return mutation
        return None

    def _write_test(self) -> None:
        """A new test file with the calls of the issue."""
        dotted = self._module.removesuffix(".py").replace("/", ".")
        names = ", ".join(bug.function.name for bug in self._task.bugs)
        lines = [TEST_FILE, f"from {dotted} import {names}", "", "", "def test_fix():"]
        lines += [
            f"    assert {bug.function.name}({bug.shown.arguments}) == {bug.shown.right.text}"
            for bug in self._task.bugs
        ]
        self._say(act("right, test", "create", "\n".join([*lines, ""])))

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


def _body_start(lines: list[str]) -> int:
    """The first line after the docstring."""
    return next(i for i, line in enumerate(lines) if line.endswith('"""')) + 1
