"""From what a user names to a debugger that is ready."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from cwm_agent.debug.actions.cursor import load_jumping
from cwm_agent.debug.certain.contents import Level
from cwm_agent.debug.core.debugger import Debugger
from cwm_agent.debug.legal.program import Program
from cwm_agent.debug.predict.engine import load_predictor
from cwm_agent.debug.predict.predictor import Predictor
from cwm_agent.debug.record.sandboxed import SandboxRecorder
from cwm_agent.errors import UsageError


@dataclass(frozen=True, slots=True)
class Opening:
    """`arguments` are NAME=VALUE; values are as they would be written. `jumps`: one prediction
    may lead over many steps."""

    source: Path
    entry: str | None = None
    arguments: tuple[str, ...] = ()
    model: Path | None = None
    legal: bool = True
    temperature: float = 0.0
    certain: Level = "moves"
    jumps: bool = False

    def text(self) -> str:
        """The source; raises UsageError."""
        try:
            return self.source.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise UsageError(f"{self.source} cannot be read as Python source: {error}") from error

    def values(self) -> dict[str, str]:
        """The arguments by name; raises UsageError."""
        found = {}
        for pair in self.arguments:
            name, sign, value = pair.partition("=")
            if not sign or not name.isidentifier():
                raise UsageError(f"--arg {pair}: say NAME=VALUE, such as x=3")
            found[name] = value
        return found


def predictor_for(
    model: Path | None, temperature: float = 0.0, *, jumps: bool = False
) -> Predictor:
    """A checkpoint (None: the bundled model) that speaks the wanted grammar.

    Raises UsageError for one that cannot jump, and ModelError.
    """
    load = load_jumping if jumps else load_predictor
    return load(model, temperature=temperature)


def read_for(predictor: Predictor, text: str, entry: str | None) -> Program:
    """A source as the predictor wants it; raises UsageError for one without an entry."""
    program = Program.read(text, entry=entry, comprehensions=predictor.comprehensions)
    return program.unmarked() if predictor.jumps else program


@contextmanager
def opened(opening: Opening) -> Iterator[tuple[Debugger, SandboxRecorder]]:
    """A debugger before its first step, and a recorder for reality.

    Raises UsageError for a source without an entry, and ModelError.
    """
    text, values = opening.text(), opening.values()
    if opening.jumps and opening.certain != "moves":
        raise UsageError("certain values are given in single steps only; turn off either (--jumps)")
    Program.read(text, entry=opening.entry)  # a slip is told before weights are loaded
    predictor = predictor_for(opening.model, opening.temperature, jumps=opening.jumps)
    with closing(predictor), SandboxRecorder() as recorder:
        program = read_for(predictor, text, opening.entry)
        debugger = Debugger(
            predictor, program, legal=opening.legal, certain=opening.certain, arguments=values
        )
        with debugger:
            yield debugger, recorder
