"""How servers are named, and what that means for who answers."""

from __future__ import annotations

from pathlib import Path

import pytest

from cwm_agent.config.layers import ConfigFiles
from cwm_agent.config.resolve import Resolved, load_settings, recorded
from cwm_agent.errors import ConfigError, UsageError
from cwm_agent.policies import bundled
from cwm_agent.policies.choice import PolicyChoice
from cwm_agent.policies.choose import choose_policy
from cwm_agent.tasks.inputs import Request
from cwm_agent.tasks.planning import check_policy_flags, model_settings

NOWHERE = ConfigFiles(Path("/none"), Path("/none"), Path("/none"))
URL = "http://gpu1:8000/v1"


def load(*assignments: str, **environment: str) -> Resolved:
    return load_settings(assignments=assignments, environment=environment, places=NOWHERE)


@pytest.mark.parametrize(
    ("text", "urls"),
    [
        ("", None),
        ("http://gpu1:8000", (URL,)),
        ("http://gpu1:8000/v1/", (URL,)),
        ("http://gpu1:8000, https://b/api/v1", (URL, "https://b/api/v1")),
    ],
)
def test_urls_are_a_list(text: str, urls: tuple[str, ...] | None) -> None:
    settings = load(f"endpoint.urls={text}").settings
    assert settings.endpoint.urls == urls
    again = recorded(load(f"endpoint.urls={text}").records()).settings
    assert again.endpoint.urls == urls


@pytest.mark.parametrize("text", ["gpu1:8000", "ftp://gpu1", "http://", "http://a/v1?key=1"])
def test_what_is_no_url_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match=r"endpoint\.urls.* is not a server URL"):
        load(f"endpoint.urls={text}")


def test_keys_are_kept_out_of_settings() -> None:
    with pytest.raises(ConfigError, match="would be kept with the run"):
        load("endpoint.urls=http://me:secret@gpu1/v1")
    assert load(CWM_AGENT_API_KEY="secret").settings == load().settings


def test_servers_answer_for_the_model_that_is_named() -> None:
    served = load(f"endpoint.urls={URL}", "model=nano")
    folder = str(bundled.folder())
    assert choose_policy(None, False, served.settings) == PolicyChoice("endpoint", folder)
    assert choose_policy(None, False, load().settings) == PolicyChoice("embedded", folder)
    assert choose_policy(None, True, served.settings) == PolicyChoice("human")
    assert model_settings(Request("nano:7"), served).settings.prompt_pack == "nano"


def test_nobody_guesses_the_tokenizer_of_servers() -> None:
    resolved = load(f"endpoint.urls={URL}")
    for issue in ("nano:7", "example:flask-blueprint-name"):
        settings = model_settings(Request(issue), resolved).settings
        assert settings.prompt_pack == "default"
        with pytest.raises(UsageError, match="give --model DIR"):
            choose_policy(None, False, settings)


def test_only_one_can_answer() -> None:
    flags = {"model": "nano", "endpoint.urls": [URL]}
    check_policy_flags(Request(flags=flags))
    with pytest.raises(UsageError, match="only one can answer"):
        check_policy_flags(Request(human=True, flags={"endpoint.urls": [URL]}))
