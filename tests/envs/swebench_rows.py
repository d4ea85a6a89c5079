"""A row as the public data sets have it, synthetic."""

from __future__ import annotations

import json
from typing import Any

GOLD = "diff --git a/greet.py b/greet.py\n--- a/greet.py\n+++ b/greet.py\n@@ -1 +1 @@\n-x\n+y\n"


def row(instance: str = "somebody__greet-1", **changes: Any) -> dict[str, Any]:
    """All fields of a row of SWE-bench Verified with the four of swebench 5."""
    return {
        "repo": "somebody/greet",
        "instance_id": instance,
        "base_commit": "0" * 40,
        "patch": GOLD,
        "test_patch": "",
        "problem_statement": "Greetings shout.",
        "hints_text": "Look at upper().",
        "created_at": "2026-01-01T00:00:00Z",
        "version": "1.0",
        "FAIL_TO_PASS": json.dumps(["tests/test_greet.py::test_greets"]),
        "PASS_TO_PASS": json.dumps([]),
        "environment_setup_commit": "0" * 40,
        "difficulty": "<15 min fix",
        "image": f"swebench/sweb.eval.x86_64.{instance.replace('__', '_1776_')}:latest",
        "eval_script": "#!/bin/bash\npytest",
        "log_parser": "parse_log_pytest",
        "eval_type": "pass_and_fail",
    } | changes
