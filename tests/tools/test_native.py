"""Tools as functions of a chat API, whatever words a prompt pack has for them."""

from __future__ import annotations

import pytest

from cwm_agent.prompts.packs import load
from tools.native import body_of, functions

EDIT = "a.py\n<<<<<<< SEARCH\nx\n=======\ny\n>>>>>>> REPLACE"


@pytest.mark.parametrize("pack", ["default", "nano"])
def test_arguments_become_the_body_of_the_grammar(pack: str) -> None:
    bash, edit, create, submit = functions(("bash", "edit", "create", "submit"), load(pack))
    assert body_of(bash, {"commands": "ls\npwd"}) == "ls\npwd"
    assert body_of(edit, {"path": "a.py", "old_lines": "x\n", "new_lines": "y"}) == EDIT
    assert body_of(create, {"path": "a.py", "content": "x\n"}) == "a.py\nx\n"
    assert body_of(submit, {"result": "/tmp/p"}) == "/tmp/p"
    assert all(function.description for function in (bash, edit, create, submit))
