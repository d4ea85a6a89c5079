"""Runs a function and records its frames as CWM writes them.

This file uses the standard library only and imports nothing of ours: it is also
sent into sandboxes, as a program of its own (see `main`).
"""

from __future__ import annotations

import json
import os
import re
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import CodeType, FrameType
from typing import Any

UNCHANGED = ".."
LONGEST = 400
"""A written value of more characters is cut in its middle."""
_ADDRESS = re.compile(r" at 0x[0-9a-fA-F]+")


class TooLongError(Exception):
    """More frames than were asked for, or no time left."""


class _StopError(BaseException):
    """Ends the recorded program from inside; it does not catch what is no Exception."""


class Tracer:
    """Records frames as [event, line number, text of the line, locals or None, value].

    Only frames of code in `file` count; those of comprehensions, lambdas and
    generator expressions only with `comprehensions`.
    """

    def __init__(
        self,
        source: str,
        file: str,
        *,
        most: int,
        comprehensions: bool = True,
        longest: int = LONGEST,
    ) -> None:
        self._lines = source.split("\n")
        self._file = file
        self._most = most
        self._comprehensions = comprehensions
        self._longest = longest
        self._shown: dict[int, tuple[FrameType, dict[str, str], int]] = {}
        self.frames: list[list[Any]] = []
        self.cut = False
        self.raised = False

    def run(self, function: Callable[[], object]) -> None:
        """Call the function under the trace; what it raises is recorded, not passed on.

        `cut` tells afterwards whether it was stopped after `most` frames, `raised`
        whether it ended by an exception.
        """
        before = sys.gettrace()
        sys.settrace(self._trace)
        try:
            function()
        except _StopError:
            self.cut = True
        except (KeyboardInterrupt, TooLongError):
            raise
        except BaseException:  # noqa: BLE001 - its frames are recorded
            self.raised = True
        finally:
            sys.settrace(before)

    def _trace(self, frame: FrameType, event: str, value: Any) -> Any:
        if not self._is_ours(frame.f_code):
            return None
        if len(self.frames) >= self._most:
            sys.settrace(None)
            raise _StopError
        if event in ("call", "line"):
            written: Any = self._locals(frame, fresh=event == "call")
            result = ""
        elif event == "exception":
            name, said = value[0].__name__, self._said(value[1])
            written, result = None, f"{name}: {said}" if said else name
        else:
            written, result = None, self.write(value)
        line = self._line(frame)
        self.frames.append([event, line, self._lines[line - 1], written, result])
        if event == "return":
            known = self._shown.get(id(frame))
            if known is not None and not frame.f_code.co_flags & 0x2A0:  # it may be resumed
                del self._shown[id(frame)]
        return self._trace

    def _is_ours(self, code: CodeType) -> bool:
        if code.co_filename != self._file or code.co_name == "<module>":
            return False
        return self._comprehensions or not code.co_name.startswith("<")

    def _line(self, frame: FrameType) -> int:
        known = self._shown.get(id(frame))
        line = frame.f_lineno
        if line is None:  # an instruction that belongs to no line
            line = known[2] if known else frame.f_code.co_firstlineno
        if known is not None:
            self._shown[id(frame)] = (known[0], known[1], line)
        return line

    def _locals(self, frame: FrameType, *, fresh: bool) -> dict[str, str]:
        """Locals of a frame; what was shown of it last and has not changed is `..`."""
        known = self._shown.get(id(frame))
        shown = known[1] if known is not None and not fresh else {}
        now = {name: self.write(value) for name, value in frame.f_locals.items()}
        self._shown[id(frame)] = (frame, now, frame.f_lineno or 0)
        return {name: UNCHANGED if shown.get(name) == text else text for name, text in now.items()}

    def write(self, value: object) -> str:
        """The repr of a value without addresses, cut in the middle; never raises."""
        try:
            text = _ADDRESS.sub("", repr(value))
        except (KeyboardInterrupt, TooLongError, _StopError):
            raise
        except BaseException as error:  # noqa: BLE001 - a repr of the program may fail
            text = f"<{type(value).__name__} whose repr raises {type(error).__name__}>"
        if len(text) <= self._longest:
            return text
        half = (self._longest - 3) // 2
        return f"{text[:half]}...{text[len(text) - half :]}"

    def _said(self, error: object) -> str:
        try:
            return _ADDRESS.sub("", str(error))[: self._longest]
        except BaseException:  # noqa: BLE001 - a str of the program may fail
            return ""


def record_call(request: dict[str, Any]) -> dict[str, Any]:
    """Run what a request names; {"frames", "cut", "raised"} or {"error"}.

    Keys: source, file, entry ("function" or "Class.method"), arguments (as they
    stand between the parentheses), most, comprehensions, longest, seconds.
    """
    tracer = Tracer(
        request["source"],
        request["file"],
        most=request["most"],
        comprehensions=request["comprehensions"],
        longest=request["longest"],
    )
    space: dict[str, Any] = {"__name__": "__traced__"}

    try:
        with _time_limit(request["seconds"]):
            exec(compile(request["source"], request["file"], "exec"), space)
            called = eval(f"lambda: {request['entry']}({request['arguments']})", space)
            tracer.run(called)
    except TooLongError:
        return {"frames": tracer.frames, "cut": True, "raised": False}
    except BaseException as error:  # noqa: BLE001 - what the program's top level raises
        return {"error": f"{type(error).__name__}: {error}"}
    return {"frames": tracer.frames, "cut": tracer.cut, "raised": tracer.raised}


@contextmanager
def _time_limit(seconds: float) -> Iterator[None]:
    """Raise TooLongError after so much CPU time; only the main thread can be stopped so."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def late(*_: object) -> None:
        sys.settrace(None)
        raise TooLongError

    before = signal.signal(signal.SIGVTALRM, late)
    signal.setitimer(signal.ITIMER_VIRTUAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)


def main() -> None:
    """Read a request from the file named by the first argument, write the answer to the second.

    Ends at once then: threads of the program may go on for ever. A child process
    of the program comes here, too, and writes nothing.
    """
    own = os.getpid()
    with open(sys.argv[1], encoding="utf-8") as file:  # noqa: PTH123 - no more imports than needed
        request = json.load(file)
    answer = record_call(request)
    if os.getpid() != own:
        os._exit(0)
    with open(sys.argv[2], "w", encoding="utf-8") as file:  # noqa: PTH123
        json.dump(answer, file)
    os._exit(0)


if __name__ == "__main__":
    main()
