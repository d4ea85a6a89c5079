"""The line to the engine's process: starts it, starts it again when it dies, carries answers.

Belongs to one event loop. While no engine is there, questions are refused with
EngineAwayError, which says after how many seconds to ask again.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import socket
import subprocess
import sys
from collections.abc import AsyncGenerator
from dataclasses import dataclass, replace
from typing import Literal

from cwm_agent.server.engine.frames import pack, read
from cwm_agent.server.engine.messages import (
    Ask,
    Cancel,
    Command,
    Done,
    EngineSpec,
    Event,
    Failed,
    Forget,
    Hello,
    Look,
    NotLoaded,
    Seen,
    Token,
)
from model.errors import ModelError

State = Literal["loading", "ready", "away", "closed"]
_FIRST_PAUSE, _LONGEST_PAUSE = 0.5, 30.0  # seconds between two tries to start it
_END_TIMEOUT = 5.0  # seconds for the process to end when its line is closed


class EngineAwayError(Exception):
    """No engine answers now; ask again after `seconds`."""

    def __init__(self, text: str, seconds: int) -> None:
        super().__init__(text)
        self.seconds = seconds


@dataclass(slots=True)
class _Process:
    popen: subprocess.Popen[bytes]
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter


class EngineLink:
    """See the module. `hello` is what the engine said of itself when it was last ready."""

    def __init__(self, spec: EngineSpec) -> None:
        self.state: State = "loading"
        self.hello: Hello | None = None
        self.starts = 0
        self._spec = spec
        self._numbers = itertools.count(1)
        self._queues: dict[int, asyncio.Queue[Event]] = {}
        self._process: _Process | None = None
        self._task: asyncio.Task[None] | None = None
        self._outgoing: list[Command] = []

    @property
    def pid(self) -> int | None:
        """Of the engine's process."""
        return self._process.popen.pid if self._process else None

    async def start(self) -> Hello:
        """Load the checkpoint; raises ModelError where that fails."""
        process = await self._spawn()
        try:
            hello = await self._greeted(process)
        except EOFError:
            raise ModelError("the engine's process ended while it loaded; see its output") from None
        self._task = asyncio.create_task(self._tend(process))
        return hello

    async def close(self) -> None:
        """End the process; whoever waits hears that it is away."""
        self.state = "closed"
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
        if self._process is not None:
            await self._end(self._process)
        self._lose("the server is shutting down")

    async def ask(self, ask: Ask) -> AsyncGenerator[list[Token | Done], None]:
        """What has come of the answer, again and again; its number is given here. Closing the
        iterator frees it.

        Raises EngineAwayError, and AnswerFailedError where there will be no answer.
        """
        number = next(self._numbers)
        queue = self._register(number)
        over = False
        try:
            self._send(replace(ask, number=number))
            while not over:
                events = [await queue.get()]
                while not queue.empty():
                    events.append(queue.get_nowait())
                failed = next((e for e in events if isinstance(e, Failed)), None)
                over = failed is not None or any(isinstance(e, Done) for e in events)
                if failed is not None and failed.kind == "gone":
                    raise EngineAwayError(failed.text, 1)
                if failed is not None:
                    raise AnswerFailedError(failed)
                yield [event for event in events if isinstance(event, Token | Done)]
        finally:
            self._queues.pop(number, None)
            if not over:
                with contextlib.suppress(EngineAwayError):
                    self._send(Cancel(number))

    async def look(self) -> Seen:
        """What the engine does now; raises EngineAwayError."""
        return await self._seen(Look(next(self._numbers)))

    async def forget(self) -> Seen:
        """Free what is kept for conversations that rest; raises EngineAwayError."""
        return await self._seen(Forget(next(self._numbers)))

    async def _seen(self, command: Look | Forget) -> Seen:
        queue = self._register(command.number)
        try:
            self._send(command)
            event = await queue.get()
            if isinstance(event, Seen):
                return event
            raise EngineAwayError(event.text if isinstance(event, Failed) else "no answer", 1)
        finally:
            self._queues.pop(command.number, None)

    def _register(self, number: int) -> asyncio.Queue[Event]:
        if self.state != "ready":
            raise EngineAwayError("the engine is not ready; it is being started", 2)
        queue: asyncio.Queue[Event] = asyncio.Queue()
        self._queues[number] = queue
        return queue

    def _send(self, command: Command) -> None:
        """With all others of this turn of the event loop, in one message."""
        if self.state != "ready" or self._process is None:
            raise EngineAwayError("the engine is not ready; it is being started", 2)
        if not self._outgoing:
            asyncio.get_running_loop().call_soon(self._flush)
        self._outgoing.append(command)

    def _flush(self) -> None:
        commands, self._outgoing = self._outgoing, []
        if commands and self._process is not None and self.state == "ready":
            self._process.writer.write(pack(commands))

    async def _tend(self, process: _Process) -> None:
        """Hand out what comes; start a new process when this one is gone."""
        while True:
            with contextlib.suppress(EOFError):
                while True:
                    for event in await read(process.reader):
                        queue = self._queues.get(event.number)
                        if queue is not None:
                            queue.put_nowait(event)
            self.state = "away"
            self._lose("the engine's process ended; it is being started again")
            await self._end(process)
            process = await self._start_again()

    async def _start_again(self) -> _Process:
        pause = _FIRST_PAUSE
        while True:
            process = await self._spawn()
            try:
                await self._greeted(process)
            except (EOFError, ModelError):
                await self._end(process)
                await asyncio.sleep(pause)
                pause = min(2 * pause, _LONGEST_PAUSE)
            else:
                return process

    async def _spawn(self) -> _Process:
        ours, theirs = socket.socketpair()
        self.starts += 1
        with theirs:
            popen = subprocess.Popen(
                [
                    sys.executable,
                    "-P",
                    "-m",
                    "cwm_agent.server.engine.process",
                    str(theirs.fileno()),
                ],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=sys.stderr,
                start_new_session=True,
            )
        ours.setblocking(False)
        reader, writer = await asyncio.open_connection(sock=ours)
        self._process = _Process(popen, reader, writer)
        writer.write(pack(self._spec))
        return self._process

    async def _greeted(self, process: _Process) -> Hello:
        said = await read(process.reader)
        if isinstance(said, NotLoaded):
            raise ModelError(said.text)
        assert isinstance(said, Hello)
        self.hello, self.state = said, "ready"
        return said

    async def _end(self, process: _Process) -> None:
        process.writer.close()
        try:
            await asyncio.to_thread(process.popen.wait, _END_TIMEOUT)
        except subprocess.TimeoutExpired:
            process.popen.kill()
            await asyncio.to_thread(process.popen.wait)

    def _lose(self, text: str) -> None:
        """Tell all who wait that nothing more will come."""
        self._outgoing.clear()
        for number, queue in self._queues.items():
            queue.put_nowait(Failed(number, "gone", text))


class AnswerFailedError(Exception):
    """The engine will not answer this, and why."""

    def __init__(self, failed: Failed) -> None:
        super().__init__(failed.text)
        self.kind = failed.kind
