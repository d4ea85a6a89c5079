"""Requests made up from the server's own OpenAPI document: none may fail on our side."""

from __future__ import annotations

from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from live import Live

pytestmark = pytest.mark.slow


@pytest.fixture
def document(server: Live) -> Any:
    return schemathesis.openapi.from_url(f"{server.url}/openapi.json")


schema = schemathesis.pytest.from_fixture("document")


@schema.parametrize()
@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
def test_no_request_fails_on_our_side(case: Any) -> None:
    if isinstance(case.body, dict):  # long answers to nonsense would show nothing more
        limits = dict.fromkeys(["max_tokens", "max_completion_tokens", "max_output_tokens"], 2)
        case.body.update(limits)
    answer = case.call(timeout=120)
    assert answer.status_code < 500, (case, answer.text[:500])
    assert b"/site-packages/" not in answer.content
