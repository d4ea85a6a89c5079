"""Recording in this process: for programs that are ours, generated ones for instance."""

from __future__ import annotations

from cwm_agent.debug.record.recording import Recording, RecordRequest
from cwm_agent.debug.record.tracer import record_call


def record_here(request: RecordRequest) -> Recording:
    """Run a program in the main thread of this process; raises RecordError."""
    return Recording.from_json(record_call(request.to_json()))
