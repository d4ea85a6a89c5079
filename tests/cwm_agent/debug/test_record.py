"""Programs that do not end as functions do leave a recording, or a message and the recorder."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from cwm_agent.debug.record import tracer
from cwm_agent.debug.record.here import record_here
from cwm_agent.debug.record.recording import RecordError, RecordRequest
from cwm_agent.debug.record.sandboxed import SandboxRecorder

FORKED = """\
import os
import threading


def main():
    parent = os.getpid()
    if os.fork():
        threading.Thread(target=threading.Event().wait).start()
        return 'parent'
    while os.getppid() == parent:
        pass
    return 'child'
"""
ENDED = {
    "import os\ndef main():\n    x = 1\n    os._exit(7)\n": "with status 7",
    "import os, signal\ndef main():\n    os.kill(os.getpid(), signal.SIGKILL)\n": "was killed",
}


def test_a_child_process_writes_no_recording_and_a_thread_holds_none_up(tmp_path: Path) -> None:
    asked, answer = tmp_path / "in.json", tmp_path / "out.json"
    asked.write_text(json.dumps(RecordRequest(FORKED, "main").to_json()))
    command = [sys.executable, tracer.__file__, str(asked), str(answer)]
    # Its output ends when the child has ended, too.
    subprocess.run(command, stdout=subprocess.PIPE, check=True, timeout=120)
    assert json.loads(answer.read_text())["frames"][-1][4] == "'parent'"


@pytest.mark.skipif(shutil.which("bwrap") is None, reason="no bubblewrap")
def test_a_program_that_ends_its_process_is_a_message_and_the_recorder_goes_on() -> None:
    with SandboxRecorder("bubblewrap") as recorder:
        for source, said in ENDED.items():
            with pytest.raises(RecordError, match=said):
                recorder(RecordRequest(source, "main"))
        again = recorder(RecordRequest("def main():\n    raise SystemExit(3)\n", "main"))
    assert [frame.value for frame in again.frames[-2:]] == ["SystemExit: 3", "None"]


def test_what_an_exception_says_has_no_address() -> None:
    source = "def main():\n    raise LookupError(object(), main)\n"
    frames = record_here(RecordRequest(source, "main")).frames
    assert frames[-2].value == "LookupError: (<object object>, <function main>)"
