"""A test as evidence: what is run, and what its run says of the code.

Three rules say what a run means. `markers`: the script prints the lines of the
test-generation environment (envs.testgen). `exit`: the exit code. `announced`:
the script prints a value, and its author, or the issue, said what it should be.
"""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass, field
from typing import Literal

from cwm_agent.scaling.normalise import digest
from cwm_agent.scaling.table import Kind, Outcome
from envs.testgen.outcome import classify
from tools.workspace import CommandResult

Rule = Literal["markers", "exit", "announced"]
LONGEST_OUTPUT = 4000
"""Characters of an output that are kept and compared."""
_ADDRESS = re.compile(r"\b0x[0-9a-f]{6,}\b")


@dataclass(frozen=True, slots=True)
class Script:
    """One test. `files` are written below the repository's root before `command` runs there.

    `announced` are the outputs that a solved issue gives. `origin` is the sample
    that wrote it, None for the issue itself.
    """

    kind: Kind
    name: str
    command: str
    rule: Rule
    files: dict[str, str] = field(default_factory=dict)
    announced: tuple[str, ...] = ()
    origin: int | None = None

    @property
    def id(self) -> str:
        """The same for the same test, whoever wrote it."""
        what = (self.command, self.rule, sorted(self.files.items()), sorted(self.announced))
        return f"{self.kind}-{digest(repr(what))}"

    @property
    def source(self) -> str:
        """The test as commands of bash that do the same by hand."""
        parts = [f"# {self.name}"]
        for path, text in self.files.items():
            parts.append(f"cat > {shlex.quote(path)} <<'END_OF_FILE'\n{text}\nEND_OF_FILE")
        parts.append(self.command)
        parts += [f"# solved: prints {text!r}" for text in self.announced]
        return "\n".join(parts) + "\n"

    def outcome(self, result: CommandResult, before: str | None) -> Outcome:
        """What a run says; `before` is the output on the unpatched code, None while that is run."""
        if result.ending == "timeout":
            return "timeout"
        if self.rule == "markers":
            said = classify(result.output)
            return {"resolved": "pass", "reproduced": "fail", "other": "other"}[said]  # type: ignore[return-value]
        if self.rule == "exit":
            return "pass" if result.exit_code == 0 else "fail"
        if before is None:
            return "fail"  # what comes out now is what the issue is about
        printed = shown(result.output)
        return "pass" if printed in self.announced and printed != before else "fail"


def shown(output: str) -> str:
    """An output as it is compared: without addresses of objects and blanks at its ends."""
    return _ADDRESS.sub("0x…", output.strip())[-LONGEST_OUTPUT:]
