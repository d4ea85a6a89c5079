"""A source as a program that can be predicted: its code objects, lines, and entry point."""

from __future__ import annotations

import ast
import builtins
import inspect
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from types import CodeType

from cwm_agent.debug.legal.flow import Flow
from cwm_agent.debug.legal.names import Names
from cwm_agent.errors import UsageError

FILE = "<trace>"
MARK = "<< START_OF_TRACE"
_SHARED = inspect.CO_GENERATOR | inspect.CO_COROUTINE | inspect.CO_ASYNC_GENERATOR


@dataclass(frozen=True)
class Program:
    """`entry` is the function whose execution is predicted, by its line.

    `comprehensions` tells whether their frames, those of lambdas and generator
    expressions are part of a trace: those of CWM have them, nano's have not.
    """

    source: str
    entry_line: int
    comprehensions: bool
    module: CodeType
    tree: ast.Module

    @classmethod
    def read(cls, source: str, *, entry: str | None = None, comprehensions: bool = True) -> Program:
        """The program of a source, whose entry is marked, or named by `entry` (`Class.method`).

        Raises UsageError for a source that is no Python, or has no such entry.
        """
        try:
            tree = ast.parse(source)
            module = compile(source, FILE, "exec")
        except SyntaxError as error:
            where = f"line {error.lineno}: {error.msg}"
            raise UsageError(f"the source is not valid Python: {where}") from error
        except ValueError as error:
            raise UsageError(f"the source is not valid Python: {error}") from error
        return cls(source, _entry_line(source, tree, entry), comprehensions, module, tree)

    def unmarked(self) -> Program:
        """The same without the mark at the entry."""
        lines = list(self.lines)
        lines[self.entry_line - 1] = lines[self.entry_line - 1].split(f"# {MARK}")[0].rstrip()
        source = "\n".join(lines)
        module = compile(source, FILE, "exec")
        return Program(source, self.entry_line, self.comprehensions, module, ast.parse(source))

    def at(self, entry: str) -> Program:
        """The same with another entry; raises UsageError where there is none of that name."""
        return replace(self, entry_line=_entry_line(self.source, self.tree, entry))

    @cached_property
    def lines(self) -> tuple[str, ...]:
        """The source lines; line 1 is `lines[0]`."""
        return tuple(self.source.split("\n"))

    def text(self, line: int) -> str:
        """The text of a line as frames show it."""
        return self.lines[line - 1]

    @cached_property
    def flows(self) -> tuple[Flow, ...]:
        """The code objects whose frames a trace shows."""
        return tuple(Flow.of(code) for code in _codes(self.module) if self._shown(code))

    @cached_property
    def names(self) -> Names:
        """What may be called from where."""
        return Names.of(self.tree)

    @cached_property
    def entry(self) -> int:
        """The entry's place in `flows`; raises UsageError."""
        for number, flow in enumerate(self.flows):
            node = self._definitions.get(flow.code.co_firstlineno)
            if node == self.entry_line and not flow.code.co_name.startswith("<"):
                return number
        raise UsageError(
            f"line {self.entry_line} is marked as the entry but defines no function; "
            f"put `# {MARK}` on a def line"
        )

    @cached_property
    def code_lines(self) -> frozenset[int]:
        """Lines on which code of a function begins."""
        found = {one.line for flow in self.flows for one in flow.instructions.values()}
        return frozenset(line for line in found if line is not None)

    @property
    def entry_name(self) -> str:
        """How the entry is called from outside, such as `Class.method`."""
        return self.flows[self.entry].code.co_qualname

    @property
    def parameters(self) -> tuple[str, ...]:
        """Names of the entry's parameters."""
        code = self.flows[self.entry].code
        flags = int(bool(code.co_flags & inspect.CO_VARARGS))
        flags += bool(code.co_flags & inspect.CO_VARKEYWORDS)
        return code.co_varnames[: code.co_argcount + code.co_kwonlyargcount + flags]

    @cached_property
    def sure_globals(self) -> frozenset[str]:
        """Names that can be read anywhere: those of the language, and of the top level's own."""
        own = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
        return frozenset(
            {*dir(builtins), *(one.name for one in self.tree.body if isinstance(one, own))}
        )

    def callees(self, code: int, offset: int) -> tuple[int, ...]:
        """Places in `flows` of what may be called by an instruction of the `code`-th."""
        key = (code, offset)
        if key not in self._callees:
            self._callees[key] = tuple(self._find_callees(code, offset))
        return self._callees[key]

    @cached_property
    def _callees(self) -> dict[tuple[int, int], tuple[int, ...]]:
        return {}

    def _find_callees(self, code: int, offset: int) -> Iterator[int]:
        instruction = self.flows[code].instructions[offset]
        for number, one in enumerate(self.flows):
            name, shared = one.code.co_name, bool(one.code.co_flags & _SHARED)
            if not instruction.calls:  # what it drops may be closed
                if shared or name == "__del__":
                    yield number
            elif name.startswith("<") or shared or self.names.reachable(instruction.line, name):
                yield number

    @cached_property
    def _definitions(self) -> dict[int, int]:
        """First line of a function, decorators included, -> its `def` line."""
        found = {}
        for node in ast.walk(self.tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                first = min([node.lineno, *(one.lineno for one in node.decorator_list)])
                found[first] = node.lineno
        return found

    def _shown(self, code: CodeType) -> bool:
        return code.co_name != "<module>" and (
            self.comprehensions or not code.co_name.startswith("<")
        )


def _codes(code: CodeType) -> Iterator[CodeType]:
    yield code
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _codes(constant)


def _entry_line(source: str, tree: ast.Module, entry: str | None) -> int:
    if entry is None:
        for number, line in enumerate(source.split("\n"), 1):
            if MARK in line:
                return number
        raise UsageError(
            f"no function is marked as the entry; put `# {MARK}` at the end of its def line, "
            "or name it (--entry NAME)"
        )
    node: ast.AST = tree
    for name in entry.split("."):
        found = [
            one
            for one in ast.iter_child_nodes(node)
            if isinstance(one, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
            and one.name == name
        ]
        if not found:
            there = ", ".join(_named(tree)) or "none"
            raise UsageError(f"the source defines no '{entry}'; its functions are: {there}")
        node = found[-1]
    assert isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
    return node.lineno


def _named(tree: ast.Module) -> list[str]:
    """The functions of the top level and of its classes, as --entry names them."""
    functions = (ast.FunctionDef, ast.AsyncFunctionDef)
    found = []
    for one in tree.body:
        if isinstance(one, functions):
            found.append(one.name)
        elif isinstance(one, ast.ClassDef):
            found += [f"{one.name}.{two.name}" for two in one.body if isinstance(two, functions)]
    return found
