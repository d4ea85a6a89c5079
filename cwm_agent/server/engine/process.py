"""The engine's process: loads a checkpoint, answers over the socket it was started with.

It ends when the other end closes, so it never outlives the process that speaks HTTP.
"""

from __future__ import annotations

import os
import signal
import socket
import sys
import threading
from concurrent.futures import Future
from contextlib import suppress
from functools import partial
from pathlib import Path
from queue import SimpleQueue

from cwm_agent.policies.choose import engine_options
from cwm_agent.server.engine.answers import Answers
from cwm_agent.server.engine.frames import pack, receive
from cwm_agent.server.engine.kept import KeptSessions
from cwm_agent.server.engine.messages import (
    Ask,
    Cancel,
    Command,
    EngineSpec,
    Event,
    Forget,
    Hello,
    Look,
    NotLoaded,
)
from model.checkpoint.open import open_checkpoint
from model.engine.build import build_engine
from model.errors import ModelError


def main() -> None:
    """Serve the socket whose number is the first argument."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a terminal's Ctrl-C is for the other process
    line = socket.socket(fileno=int(sys.argv[1]))
    with suppress(EOFError, OSError):
        _serve(line, receive(line))
    os._exit(0)  # whoever closed the line has no use for what still runs


def _serve(line: socket.socket, spec: EngineSpec) -> None:
    folder, wanted = Path(spec.folder), spec.settings
    try:
        files = open_checkpoint(
            folder, device=wanted.device, dtype=wanted.dtype, quantize=wanted.quantize
        )
        engine = build_engine(files.config, files.source, engine_options(wanted))
    except ModelError as error:
        line.sendall(pack(NotLoaded(str(error))))
        return
    engine.start()
    limits, config = engine.limits, files.config
    line.sendall(pack(Hello(limits.context, limits.vocabulary, config.bos_id, config.eos_ids)))
    events: SimpleQueue[Event] = SimpleQueue()
    threading.Thread(target=_tell, args=(line, events), name="teller", daemon=True).start()
    kept = KeptSessions(spec.keep, spec.keep_seconds)
    answers = Answers(engine, files.tokenizer, kept, events.put)
    while True:
        for command in receive(line):
            # All at once in the engine's thread, instead of a step for each small question.
            done = engine.call(partial(_carry_out, answers, command, events))
            done.add_done_callback(_end_with_engine)


def _carry_out(answers: Answers, command: Command, events: SimpleQueue[Event]) -> None:
    match command:
        case Ask():
            answers.begin(command)
        case Cancel(number):
            answers.cancel(number)
        case Look(number):
            events.put(answers.look(number))
        case Forget(number):
            events.put(answers.forget(number))


def _end_with_engine(done: Future[None]) -> None:
    """An engine that does not answer any more is replaced with its process."""
    if done.exception() is not None:
        print(f"the engine failed: {done.exception()}", file=sys.stderr, flush=True)
        os._exit(1)


def _tell(line: socket.socket, events: SimpleQueue[Event]) -> None:
    """Send what has come, all of it in one message."""
    with suppress(OSError):
        while True:
            batch = [events.get()]
            while not events.empty():
                batch.append(events.get())
            line.sendall(pack(batch))
    os._exit(0)


if __name__ == "__main__":
    main()
