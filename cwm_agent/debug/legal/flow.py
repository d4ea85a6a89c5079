"""The control flow of one code object, with the points at which its lines begin."""

from __future__ import annotations

import dis
import inspect
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from types import CodeType

from cwm_agent.debug.legal.exception_table import handlers

_JUMPS = frozenset(dis.hasjrel) | frozenset(dis.hasjabs)
_ALWAYS = {"JUMP_FORWARD", "JUMP_BACKWARD", "JUMP_BACKWARD_NO_INTERRUPT", "JUMP_ABSOLUTE"}
_RETURNS = {"RETURN_VALUE", "RETURN_CONST"}
YIELDS = {"YIELD_VALUE"}
_ENDS = {*_RETURNS, "RAISE_VARARGS", "RERAISE"}
_BARE = "RAISE_VARARGS 0"
"""A `raise` without an exception. Source: do_raise in Python/ceval.c of CPython 3.11."""
_QUIET_RAISES = {"RERAISE", "END_ASYNC_FOR", _BARE}
"""They pass an exception on without an event of their own."""
_SWALLOW = {"FOR_ITER", "SEND", "END_SEND", "CLEANUP_THROW"}
"""They may meet a StopIteration, tell of it, and go on."""
_SAFE = {
    *_ALWAYS,
    *_RETURNS,
    *YIELDS,
    *{"RESUME", "NOP", "POP_TOP", "LOAD_CONST", "STORE_FAST", "COPY", "SWAP", "PUSH_NULL"},
    *{"CACHE", "PRECALL", "KW_NAMES", "RETURN_GENERATOR", "MAKE_CELL", "COPY_FREE_VARS"},
    *{"PUSH_EXC_INFO", "POP_EXCEPT", "IS_OP", "EXTENDED_ARG", "LOAD_CLOSURE", "BUILD_TUPLE"},
    *{"BUILD_LIST", "MAKE_FUNCTION", "LOAD_BUILD_CLASS", "END_FOR", "POP_JUMP_FORWARD_IF_NONE"},
    *{"POP_JUMP_FORWARD_IF_NOT_NONE", "POP_JUMP_BACKWARD_IF_NONE", "SET_FUNCTION_ATTRIBUTE"},
    *{"POP_JUMP_BACKWARD_IF_NOT_NONE", "POP_JUMP_IF_NONE", "POP_JUMP_IF_NOT_NONE", "RERAISE"},
    *{"STORE_DEREF", "LIST_APPEND", "BUILD_STRING", "NOT_TAKEN", "POP_ITER", "LOAD_SMALL_INT"},
    *{"STORE_FAST_STORE_FAST", "STORE_FAST_LOAD_FAST", "LOAD_FAST_BORROW"},
}
"""Instructions that neither raise nor run other code, destructors aside."""
_LOADS = {"LOAD_FAST", "LOAD_FAST_CHECK", "LOAD_DEREF", "LOAD_GLOBAL"}
_NEVER_CALL = {
    *_SAFE,
    *{"LOAD_FAST", "LOAD_FAST_CHECK", "DELETE_FAST", "LOAD_GLOBAL", "LOAD_DEREF", "STORE_GLOBAL"},
    *{"LOAD_CLASSDEREF", "DELETE_DEREF", "LOAD_ASSERTION_ERROR", "LOAD_FAST_AND_CLEAR"},
}


@dataclass(frozen=True, slots=True)
class Instruction:
    """One instruction; `line` is None where it belongs to none. `calls`: it may run Python code."""

    offset: int
    name: str
    line: int | None
    successors: tuple[int, ...]
    variable: str | None
    calls: bool

    @property
    def returns(self) -> bool:
        """Whether a frame of a return may come of it (a yield is one)."""
        return self.name in _RETURNS or self.name in YIELDS

    @property
    def reraises(self) -> bool:
        """Whether it passes an exception on without an event."""
        return self.name in _QUIET_RAISES

    @property
    def swallows(self) -> bool:
        """Whether the flow may go on after an exception here without a handler."""
        return self.name in _SWALLOW


@dataclass(frozen=True)
class Flow:
    """The instructions of a code object by offset, and where each goes when it raises."""

    code: CodeType
    instructions: dict[int, Instruction]
    handlers: dict[int, int]

    @classmethod
    def of(cls, code: CodeType) -> Flow:
        """Read a code object."""
        return cls(code, _read(code), handlers(code))

    @cached_property
    def resumes(self) -> tuple[int, ...]:
        """Where a call enters: the start, and after each yield."""
        return tuple(i.offset for i in self.instructions.values() if i.name == "RESUME")

    @cached_property
    def yields(self) -> tuple[int, ...]:
        """Where an exception can be thrown in."""
        return tuple(i.offset for i in self.instructions.values() if i.name in YIELDS)

    @cached_property
    def arguments(self) -> frozenset[str]:
        """Parameters that always have a value."""
        deleted = {i.variable for i in self.instructions.values() if i.name.startswith("DELETE_")}
        count = self.code.co_argcount + self.code.co_kwonlyargcount
        flags = self.code.co_flags
        count += bool(flags & inspect.CO_VARARGS) + bool(flags & inspect.CO_VARKEYWORDS)
        return frozenset(self.code.co_varnames[:count]) - deleted

    @cached_property
    def start(self) -> int:
        """The instruction at which the first call stands."""
        return next(i.offset for i in self.instructions.values() if i.name == "RESUME")

    @property
    def lines(self) -> frozenset[int]:
        """Lines of its instructions."""
        found = {one.line for one in self.instructions.values()}
        return frozenset(line for line in found if line is not None)

    @property
    def first_line(self) -> int | None:
        """Where its call is shown."""
        return self.instructions[self.start].line

    def at(self, line: int) -> frozenset[int]:
        """Offsets of the instructions of a line."""
        return frozenset(o for o, one in self.instructions.items() if one.line == line)

    def begins_line(self, before: int, after: int) -> bool:
        """Whether going from one instruction to another is a line event.

        Source: maybe_call_line_trace in Python/ceval.c of CPython 3.11: the line
        changes, or the jump goes backwards (except to a SEND); what follows the
        start of the function always begins a line.
        """
        here = self.instructions[after]
        if here.line is None or here.name == "RESUME":
            return False
        if before <= self.start or here.line != self.instructions[before].line:
            return True
        return after < before and here.name != "SEND"

    def followers(self, offset: int) -> tuple[int, ...]:
        """Where the flow goes from an instruction without an exception event."""
        here = self.instructions[offset]
        if here.reraises and offset in self.handlers:
            return (*here.successors, self.handlers[offset])
        return here.successors

    def closure(self, offsets: Iterable[int]) -> frozenset[int]:
        """All instructions that may run from these on before a line begins, themselves too."""
        found = set(offsets)
        waiting = list(found)
        while waiting:
            here = waiting.pop()
            for after in self.followers(here):
                if after not in found and not self.begins_line(here, after):
                    found.add(after)
                    waiting.append(after)
        return frozenset(found)

    def raises(self, offset: int, bound: frozenset[str]) -> bool:
        """Whether an exception event may come of it, where the names in `bound` have values."""
        instruction = self.instructions[offset]
        if instruction.name in _LOADS:
            return instruction.variable not in bound
        return instruction.name not in _SAFE


def _read(code: CodeType) -> dict[int, Instruction]:
    lines = [start for start, *_ in code.co_positions()]
    listed = list(dis.get_instructions(code))
    after = {one.offset: two.offset for one, two in pairwise(listed)}
    found = {}
    for one in listed:
        to: list[int] = []
        if one.opname not in _ALWAYS and one.opname not in _ENDS and one.offset in after:
            to.append(after[one.offset])
        if one.opcode in _JUMPS:
            to.append(int(one.argval))
        variable = one.argval if isinstance(one.argval, str) else None
        found[one.offset] = Instruction(
            one.offset,
            _BARE if one.opname == "RAISE_VARARGS" and one.arg == 0 else one.opname,
            lines[one.offset // 2],
            tuple(to),
            variable,
            one.opname not in _NEVER_CALL,
        )
    return found
