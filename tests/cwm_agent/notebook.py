"""The smallest real environment: each reply is a line written into a file that can be lost."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

from cwm_agent.policies.recording import Recording
from envs.environment import ReplyLimits, Step
from envs.errors import SandboxError
from results.records import (
    AttemptStarted,
    Event,
    Message,
    Observed,
    Replied,
    Reply,
    Snapshot,
    ToolRan,
)

STARTED = AttemptStarted(
    instance="notebook",
    sample=0,
    policy="replay:test",
    sandbox="none",
    prompt_pack="none",
    mode="improved",
    pid=1,
    boot_id="boot",
)


def recording(*replies: str) -> Recording:
    return Recording(Path("test.yaml"), replies)


@dataclass
class Notebook:
    """Reply "end" ends the episode, "lost" loses the place, "wait N" takes N seconds.

    "full" is written and answered, but there is no turn after it.
    """

    page: Path
    turn: int = 0

    def start(self) -> tuple[Message, ...]:
        self.page.write_text("")
        return (Message("system", "Write lines."), Message("user", "Begin."))

    def limits(self) -> ReplyLimits:
        return ReplyLimits(max_tokens=100)

    def step(self, reply: Reply) -> Step:
        self.turn += 1
        if reply.text == "lost":
            raise SandboxError("the notebook is lost; find it and resume")
        if reply.text.startswith("wait "):
            time.sleep(float(reply.text.removeprefix("wait ")))
        with self.page.open("a") as page:
            page.write(f"{reply.text}\n")
        ran = ToolRan(self.turn, "write", True, 0.0)
        state = Snapshot(self.turn, "", self.page.read_text(), "/")
        if reply.text == "end":
            return Step((), (ran, state), exit="submitted")
        exit = "turn_limit" if reply.text == "full" else None
        told = Message("tool: write", f"wrote line {self.turn}")
        return Step((told,), (ran, state), exit=exit)

    def restore(self, events: tuple[Event, ...]) -> tuple[Message, ...]:
        replies = [event.reply.text for event in events if isinstance(event, Replied)]
        assert sum(isinstance(event, Observed) for event in events) >= 1
        self.turn = len(replies)
        self.page.write_text("".join(f"{line}\n" for line in replies))
        return (Message("user", "You were interrupted."),)

    def patch(self) -> str:
        return self.page.read_text()

    def close(self) -> None:
        pass
