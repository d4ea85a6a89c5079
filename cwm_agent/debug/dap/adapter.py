"""Carries out the requests of one client.

Requests are worked on in order by one thread; `pause` and `disconnect` are
heard at once, while a run of predictions is under way.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path
from typing import Any

from cwm_agent.debug.certain.contents import level
from cwm_agent.debug.core.debugger import Debugger
from cwm_agent.debug.core.expressions import written
from cwm_agent.debug.core.jumps import in_steps
from cwm_agent.debug.core.stops import Stop
from cwm_agent.debug.dap import views
from cwm_agent.debug.dap.steps import back, into, out, over
from cwm_agent.debug.dap.wire import Wire
from cwm_agent.debug.faces.line_mode import LineMode
from cwm_agent.debug.faces.opening import Opening
from cwm_agent.debug.record.recording import Recorder
from cwm_agent.errors import CwmAgentError, UsageError
from envs.errors import SandboxError
from model.errors import ModelError

Open = Callable[[Opening], AbstractContextManager[tuple[Debugger, Recorder]]]
_CONSOLE = {"verify", "which", "why", "vars", "where", "help", "list", "ll", "alt", "V", "w", "?"}
"""Line mode's commands that a console may use: those that go nowhere."""


class Adapter:
    """One session, from `initialize` to `disconnect`."""

    def __init__(self, wire: Wire, opening: Open) -> None:
        self._wire = wire
        self._opening = opening
        self._held = ExitStack()
        self._requests: queue.SimpleQueue[dict[str, Any] | None] = queue.SimpleQueue()
        self._debugger: Debugger | None = None
        self._recorder: Recorder | None = None
        self._path = ""
        self._stop_on_entry = True
        self._stop_at_end = False
        self._breakpoints: list[dict[str, Any]] = []

    def serve(self) -> None:
        """Until the client disconnects or is gone; raises ProtocolError."""
        worker = threading.Thread(target=self._work, name="dap", daemon=True)
        worker.start()
        try:
            while (message := self._wire.read()) is not None:
                if message.get("type") != "request":
                    continue
                command = message.get("command")
                if command in ("pause", "disconnect", "terminate") and self._debugger:
                    self._debugger.cancelled = True
                self._requests.put(message)
                if command == "disconnect":
                    break
        finally:
            self._requests.put(None)
            if self._debugger is not None:
                self._debugger.cancelled = True
            worker.join()
            self._held.close()

    def _work(self) -> None:
        while (request := self._requests.get()) is not None:
            action = getattr(self, f"_on_{request.get('command')}", None)
            try:
                if action is None:
                    raise UsageError(f"the request {request.get('command')} is not supported")
                action(request, request.get("arguments") or {})
            except (CwmAgentError, SandboxError, ModelError) as error:
                self._wire.refuse(request, str(error))
            except (KeyError, TypeError, ValueError) as error:
                said = f"arguments of {request.get('command')}: {type(error).__name__}: {error}"
                self._wire.refuse(request, said)

    def _session(self) -> Debugger:
        if self._debugger is None:
            raise UsageError("nothing is launched yet; send launch first")
        return self._debugger

    def _on_initialize(self, request: dict[str, Any], _: dict[str, Any]) -> None:
        self._wire.answer(request, views.CAPABILITIES)
        self._wire.event("initialized")

    def _on_launch(self, request: dict[str, Any], given: dict[str, Any]) -> None:
        arguments = tuple(f"{name}={value}" for name, value in (given.get("args") or {}).items())
        model = given.get("model")
        opening = Opening(
            Path(given["program"]),
            given.get("entry"),
            arguments,
            Path(model) if model else None,
            bool(given.get("legal", True)),
            float(given.get("temperature", 0.0)),
            level(given.get("certain", "moves")),
            bool(given.get("jumps", False)),
        )
        self._path = str(Path(given["program"]).absolute())
        self._stop_on_entry = bool(given.get("stopOnEntry", True))
        self._stop_at_end = bool(given.get("stopAtEnd", False))
        self._debugger, self._recorder = self._held.enter_context(self._opening(opening))
        self._place_breakpoints()
        self._wire.answer(request)

    def _on_setBreakpoints(self, request: dict[str, Any], given: dict[str, Any]) -> None:
        self._breakpoints = list(given.get("breakpoints") or [])
        found = [{"verified": True, "line": int(one["line"])} for one in self._breakpoints]
        if self._debugger is not None:
            found = self._place_breakpoints()
        self._wire.answer(request, {"breakpoints": found})

    def _place_breakpoints(self) -> list[dict[str, Any]]:
        debugger = self._session()
        debugger.stops.remove()
        lines = debugger.program.code_lines
        found = []
        for one in self._breakpoints:
            line = int(one["line"])
            fine = line in lines
            answer: dict[str, Any] = {"verified": fine, "line": line}
            if fine:
                placed = debugger.stops.add(line, str(one.get("condition") or ""))
                answer["id"] = placed.number
            else:
                answer["message"] = "no code of a function begins on this line"
            found.append(answer)
        return found

    def _on_setExceptionBreakpoints(self, request: dict[str, Any], _: dict[str, Any]) -> None:
        self._wire.answer(request)

    def _on_configurationDone(self, request: dict[str, Any], _: dict[str, Any]) -> None:
        self._wire.answer(request)
        self._begin()

    def _begin(self) -> None:
        debugger = self._session()
        stop = debugger.start()
        if stop.reason == "step":
            stop = into(debugger)
        hit = debugger.stops.hit(debugger.here)
        if stop.reason == "step" and not self._stop_on_entry and hit is None:
            stop = debugger.run()
        self._stopped(stop, "entry" if hit is None else "breakpoint")

    def _on_restart(self, request: dict[str, Any], _: dict[str, Any]) -> None:
        self._wire.answer(request)
        self._begin()

    def _on_threads(self, request: dict[str, Any], _: dict[str, Any]) -> None:
        self._wire.answer(request, {"threads": [{"id": views.THREAD, "name": "predicted"}]})

    def _on_stackTrace(self, request: dict[str, Any], given: dict[str, Any]) -> None:
        frames = views.stack(self._session(), self._path)
        first = int(given.get("startFrame") or 0)
        levels = int(given.get("levels") or 0) or len(frames)
        shown = frames[first : first + levels]
        self._wire.answer(request, {"stackFrames": shown, "totalFrames": len(frames)})

    def _on_scopes(self, request: dict[str, Any], given: dict[str, Any]) -> None:
        found = views.scopes(self._session(), int(given["frameId"]))
        self._wire.answer(request, {"scopes": found})

    def _on_variables(self, request: dict[str, Any], given: dict[str, Any]) -> None:
        found = views.variables(self._session(), int(given["variablesReference"]))
        self._wire.answer(request, {"variables": found})

    def _on_setVariable(self, request: dict[str, Any], given: dict[str, Any]) -> None:
        debugger = self._session()
        if int(given["variablesReference"]) != len(debugger.here.scopes):
            raise UsageError("only variables of the running function can be set")
        debugger.set_variable(str(given["name"]), str(given["value"]))
        value = str(given["value"])
        self._wire.answer(request, {"value": value, "type": views.kind(value)})

    def _on_evaluate(self, request: dict[str, Any], given: dict[str, Any]) -> None:
        debugger, expression = self._session(), str(given["expression"])
        if given.get("context") == "repl" and expression.split(" ")[0] in _CONSOLE:
            said: list[str] = []
            assert self._recorder is not None
            LineMode(debugger, self._recorder, said.append).do(expression)
            self._wire.answer(request, {"result": "\n".join(said), "variablesReference": 0})
            return
        place = int(given.get("frameId") or len(debugger.here.scopes))
        if not 1 <= place <= len(debugger.here.scopes):
            raise UsageError("there are no variables here")
        value = written(expression, debugger.here.scopes[place - 1].locals)
        body = {"result": value, "type": views.kind(value), "variablesReference": 0}
        self._wire.answer(request, body)

    def _on_exceptionInfo(self, request: dict[str, Any], _: dict[str, Any]) -> None:
        frame = self._session().here.frame
        said = frame.value if frame is not None and frame.event == "exception" else "none"
        name = said.split(":")[0]
        body = {"exceptionId": name, "description": said, "breakMode": "always"}
        self._wire.answer(request, body)

    def _moving(self, request: dict[str, Any], move: Callable[[], Stop]) -> None:
        self._session()
        body = {"allThreadsContinued": True} if request["command"] == "continue" else None
        self._wire.answer(request, body)
        self._stopped(move())

    def _on_next(self, request: dict[str, Any], _: dict[str, Any]) -> None:
        self._moving(request, lambda: over(self._session()))

    def _on_stepIn(self, request: dict[str, Any], _: dict[str, Any]) -> None:
        self._moving(request, lambda: into(self._session()))

    def _on_stepOut(self, request: dict[str, Any], _: dict[str, Any]) -> None:
        self._moving(request, lambda: out(self._session()))

    def _on_stepBack(self, request: dict[str, Any], _: dict[str, Any]) -> None:
        self._moving(request, lambda: back(self._session()))

    def _on_continue(self, request: dict[str, Any], _: dict[str, Any]) -> None:
        self._moving(request, self._run)

    def _run(self) -> Stop:
        debugger = self._session()
        if debugger.predictor.jumps and (why := in_steps(debugger.stops)):
            self._say(f"step by step: {why}")
        return debugger.run()

    def _say(self, text: str) -> None:
        self._wire.event("output", {"category": "console", "output": f"{text}\n"})

    def _on_reverseContinue(self, request: dict[str, Any], _: dict[str, Any]) -> None:
        self._moving(request, lambda: self._session().run_back())

    def _on_pause(self, request: dict[str, Any], _: dict[str, Any]) -> None:
        self._wire.answer(request)  # the run that it ends tells where it stopped

    def _on_terminate(self, request: dict[str, Any], _: dict[str, Any]) -> None:
        self._wire.answer(request)
        self._wire.event("terminated")

    def _on_disconnect(self, request: dict[str, Any], _: dict[str, Any]) -> None:
        self._wire.answer(request)

    def _stopped(self, stop: Stop, reason: str | None = None) -> None:
        if stop.said and stop.reason != "end":
            self._say(f"{stop.reason}: {stop.said}")
        if stop.reason == "end" and not self._stop_at_end:
            self._wire.event("exited", {"exitCode": 0})
            self._wire.event("terminated")
            return
        names = {"breakpoint": "breakpoint", "watch": "data breakpoint", "cancelled": "pause"}
        names |= {"problem": "exception", "limit": "pause"}
        why = names.get(stop.reason, reason or "step")
        body = {"reason": why, "threadId": views.THREAD, "allThreadsStopped": True}
        if stop.said:
            body["text"] = stop.said
        if stop.jump:
            body["description"] = f"Jump, {stop.jump}"
        self._wire.event("stopped", body)
