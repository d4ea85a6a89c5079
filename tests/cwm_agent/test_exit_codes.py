"""Every error of ours that a command may end with has an exit code of its own."""

from __future__ import annotations

import importlib
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from cwm_agent.exit_codes import code_of_error

ROOT = Path(__file__).parents[2]
CAUGHT = {
    "cwm_agent.errors.CwmAgentError",
    "cwm_agent.generated.probes.TooSlowError",
    "cwm_agent.nano.workspace.UnknownCommandError",
    "cwm_agent.policies.endpoint.transport.ServerFailedError",
    "cwm_agent.policies.endpoint.transport.ServerGoneError",
    "cwm_agent.policies.endpoint.transport.ServerBusyError",
    "cwm_agent.policies.chat.openai.StoppedInThoughtError",
    "cwm_agent.bench.gpu.conductor.NoDeviceError",
    "cwm_agent.bench.gpu.report.OtherReportError",
    "cwm_agent.debug.plain.limits.RaisedError",
    "cwm_agent.debug.plain.limits.UnknownError",
    "cwm_agent.debug.dap.wire.ProtocolError",
    "cwm_agent.debug.record.tracer.TooLongError",
    "cwm_agent.server.api.sse.ClientLeftError",
    "cwm_agent.server.engine.link.EngineAwayError",
    "cwm_agent.server.engine.link.AnswerFailedError",
    "cwm_agent.server.errors.RequestError",
    "cwm_agent.batch.semaphores.StoppedError",
}
"""Errors that never leave the package that raises them, and the base of many."""


def errors() -> Iterator[str]:
    """Names of the public classes that are errors by their names."""
    for package in ("cwm_agent", "envs", "model", "results", "tools"):
        for path in sorted((ROOT / package).rglob("*.py")):
            module = ".".join(path.relative_to(ROOT).with_suffix("").parts)
            for name in re.findall(r"^class (\w*Error)\b", path.read_text(), re.MULTILINE):
                yield f"{module}.{name}"


@pytest.mark.parametrize("name", [n for n in errors() if "._" not in n and n not in CAUGHT])
def test_it_has_an_exit_code(name: str) -> None:
    module, _, kind = name.rpartition(".")
    error = getattr(importlib.import_module(module), kind)
    assert code_of_error(error.__new__(error)) is not None
