"""What the control socket answers: wishes of other processes, passed on to the runner."""

from __future__ import annotations

from cwm_agent.batch.board import Board
from cwm_agent.batch.control import Answer, Request
from cwm_agent.batch.runner import Runner
from cwm_agent.errors import UsageError

COMMANDS = ("status", "pause", "resume", "cancel", "requeue", "workers")


class Desk:
    """Answers requests about one run."""

    def __init__(self, runner: Runner, board: Board) -> None:
        self._runner = runner
        self._board = board

    def answer(self, request: Request) -> Answer:
        """Do what is asked and say how the run stands; raises UsageError."""
        runner = self._runner
        done: Answer = {}
        match request:
            case {"command": "status"}:
                pass
            case {"command": "pause"}:
                runner.pause(now=bool(request.get("now")))
            case {"command": "resume"}:
                runner.resume()
            case {"command": "cancel", "id": str(name)}:
                done["changed"] = runner.cancel(name)
            case {"command": "requeue", "id": str(name)}:
                done["changed"] = runner.requeue(name)
            case {"command": "workers", "count": int(count)}:
                runner.set_workers(count)
            case _:
                raise UsageError(f"this run understands {', '.join(COMMANDS)}")
        return {**done, "status": self._board.status().as_json()}
