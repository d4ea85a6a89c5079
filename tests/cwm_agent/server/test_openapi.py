"""Requests made up from the server's own OpenAPI document: none may fail on our side."""

from __future__ import annotations

from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from live import Live
from schemathesis import GenerationMode

EXAMPLES = 60
LIMITS = ("max_tokens", "max_completion_tokens", "max_output_tokens")


@pytest.mark.slow
@pytest.mark.timeout(1500)
@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE])
def test_no_request_fails_on_our_side(server: Live, mode: GenerationMode) -> None:
    document = schemathesis.openapi.from_url(f"{server.url}/openapi.json")
    tried = 0
    for found in document.get_all_operations():
        operation = found.ok()

        @given(case=operation.as_strategy(generation_mode=mode))
        @settings(
            max_examples=EXAMPLES,
            deadline=None,
            database=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        def ask(case: Any) -> None:
            if isinstance(case.body, dict):  # long answers to nonsense would show nothing more
                case.body.update(dict.fromkeys(LIMITS, 2))
            answer = case.call(timeout=120)
            assert answer.status_code < 500, (case, answer.text[:500])
            assert b"/site-packages/" not in answer.content

        try:
            ask()
            tried += 1
        except Exception as error:
            if type(error).__name__ not in ("Unsatisfiable", "SkipTest"):
                raise
    assert tried > (10 if mode is GenerationMode.POSITIVE else 3)
