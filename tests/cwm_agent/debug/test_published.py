"""Outputs of the real model, where somebody has them.

Set CWM_TRACE_REPORTS to the folder that holds cruxeval_failure_report.html of
Babak70/code-world-models-blog at 12e3cd6.
"""

from __future__ import annotations

import html
import os
import re
from pathlib import Path

import pytest

from cwm_agent.debug.frames.bare import read_bare
from cwm_agent.debug.legal.program import Program
from cwm_agent.debug.record.here import record_here
from cwm_agent.debug.record.recording import request_of
from model.text.traces import Frame

FOLDER = os.environ.get("CWM_TRACE_REPORTS", "")


def test_a_trace_without_control_tokens_is_read() -> None:
    text = '{}def main(): # << START_OF_TRACE\n{"x": "1"}    return x\n    return x\n"1"\n\nNow'
    assert read_bare(text) == (
        [
            Frame("call", "def main(): # << START_OF_TRACE"),
            Frame("line", "    return x", (("x", "1"),)),
            Frame("return", "    return x", value="1"),
        ],
        True,
    )
    assert read_bare('{"x": "1"}    ret') == ([], False)
    assert read_bare('{"x": "1') == ([], False)


@pytest.mark.slow  # needs the report
@pytest.mark.skipif(not FOLDER, reason="CWM_TRACE_REPORTS names no folder")
def test_published_outputs_are_read_and_their_divergences_found() -> None:
    report = (Path(FOLDER) / "cruxeval_failure_report.html").read_text()
    parted = count = 0
    for part in report.split('<details id="raw-')[1:]:
        blocks = [
            html.unescape(text) for text in re.findall(r"<pre[^>]*>(.*?)</pre>", part, re.DOTALL)
        ]
        prompt, output = blocks[0], blocks[1]
        source = prompt.rpartition("START_OF_TRACE marker.")[2].strip("\n") + "\n"
        frames, _ = read_bare(output)
        real = record_here(request_of(Program.read(source), most=3000)).frames
        count += 1
        parted += any(
            (one.line.strip(), one.locals, one.value) != (two.line.strip(), two.locals, two.value)
            for one, two in zip(frames, real, strict=False)
        )
    assert count == 120
    assert parted >= 110
