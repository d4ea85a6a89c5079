"""The example notebook says what it said when it was committed; stops show themselves as HTML."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient
from scripted import truthful

from cwm_agent.debug.faces.notebook import NotebookDebugger
from cwm_agent.debug.record.here import record_here

NOTEBOOK = Path(__file__).parents[3] / "docs" / "predicted-execution.ipynb"
SOURCE = "def f(x):  # << START_OF_TRACE\n    y = '<b>'\n    return y\n"


def shown(book: Any) -> list[str]:
    found = [output for cell in book.cells for output in cell.get("outputs", [])]
    return [one.get("text") or one["data"]["text/plain"] for one in found]


def test_the_committed_notebook_has_outputs() -> None:
    texts = shown(nbformat.read(NOTEBOOK, 4))
    assert len(texts) >= 6
    assert any("false from step" in text for text in texts)


@pytest.mark.slow  # two engines in a kernel, and a sandbox
@pytest.mark.timeout(1800)
def test_the_notebook_runs_and_says_the_same() -> None:
    book = nbformat.read(NOTEBOOK, 4)
    before = shown(book)
    NotebookClient(book, timeout=900, kernel_name="python3").execute()
    assert shown(book) == before


def test_stops_listings_and_branches_show_themselves() -> None:
    model, read, _ = truthful(SOURCE, arguments="3")
    with NotebookDebugger(model, read, record_here) as debugger:
        debugger.step()
        assert "true" in repr(debugger.which_return("<b>"))
        stop = debugger.step()
        page = stop._repr_html_()
        assert "&lt;b&gt;" in page
        assert "<b>" not in page
        assert "-> return y" in repr(stop)
        assert "true: all" in repr(debugger.verify())
        found = debugger.alternatives(2)
        assert len(found) == 1
        assert "line return y" in repr(found)
        assert "return y" in repr(debugger.take(found[0]))
        assert "y" in repr(debugger.set(y=5))
        assert "y=5" in debugger.path()._repr_html_()
        assert "true" in repr(debugger.which(2))
