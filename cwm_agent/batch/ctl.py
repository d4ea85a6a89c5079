"""What the control socket answers: requests of other processes, passed on to the runner."""

from __future__ import annotations

from cwm_agent.batch.control import Answer, Request
from cwm_agent.batch.runner import Runner
from cwm_agent.batch.status import Status, StatusReporter
from cwm_agent.errors import UsageError
from results.codec import decode

COMMANDS = ("status", "pause", "resume", "cancel", "requeue", "workers")


class ControlHandler:
    """Answers requests about one run."""

    def __init__(self, runner: Runner, reporter: StatusReporter) -> None:
        self._runner = runner
        self._reporter = reporter

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
        return {**done, "status": self._reporter.status().as_json()}


def request_of(action: str, value: str | None, *, now: bool) -> Request:
    """The request that the words of a command line mean; raises UsageError."""
    if action not in COMMANDS:
        raise UsageError(f"ctl has no action {action!r}; use one of {', '.join(COMMANDS)}")
    attempt = "an attempt: INSTANCE or INSTANCE/SAMPLE"
    wants = {"cancel": attempt, "requeue": attempt, "workers": "a number"}
    if (action in wants) != (value is not None):
        raise UsageError(
            f"{action} needs {wants[action]}" if action in wants else f"{action} takes no {value!r}"
        )
    if now and action != "pause":
        raise UsageError("--now only works with pause")
    if action != "workers":
        return {"command": action, "id": value, "now": now}
    if value is None or not value.isdecimal():
        raise UsageError(f"workers needs a number, not {value!r}")
    return {"command": action, "count": int(value)}


def status_of(answer: Answer) -> Status:
    """The status that came with an answer."""
    return decode(Status, answer["status"])
