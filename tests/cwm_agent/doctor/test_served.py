"""Checks of servers that are there, away, or have another model; and of the tokenizer."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from chat_server import ChatServer, chatting
from completion_server import Model, Server, serving

from cwm_agent.config.settings import EndpointSettings, Settings
from cwm_agent.doctor import served

AWAY = "http://127.0.0.1:9/v1"


@pytest.fixture
def url(make_checkpoint: Callable[..., Path]) -> Iterator[str]:
    model = Model(make_checkpoint())
    with closing(model.engine), serving(Server(model, name="cwm")) as server:
        yield server.url


def of(*urls: str, model: str | None = None) -> list[tuple[str, str]]:
    checks = served.servers(Settings(endpoint=EndpointSettings(urls=urls, model=model)))
    assert all(bool(check.remedy) == (check.status != "ok") for check in checks)
    return [(check.status, check.found) for check in checks]


def test_servers_say_what_they_offer(url: str) -> None:
    assert of(url) == [("ok", f"{url} offers cwm")]
    assert of(url, model="llama") == [("fail", f"{url} offers cwm, not llama")]
    (wrong,) = of(url.removesuffix("/v1") + "/other")
    assert wrong[0] == "fail"


def test_one_that_is_away_matters_when_no_other_is_there(url: str) -> None:
    away, here = of(AWAY, url)
    assert (away[0], here[0]) == ("warn", "ok")
    assert AWAY in away[1]
    assert of(AWAY)[0][0] == "fail"


def test_the_tokenizer_needs_no_weights(make_checkpoint: Callable[..., Path]) -> None:
    folder = make_checkpoint()
    (folder / "model.safetensors").unlink()
    check = served.tokenizer(Settings(model=str(folder)))
    assert (check.status, check.found) == ("ok", f"{folder}, 536 tokens, context 512")
    (folder / "tokenizer.json").unlink()
    assert served.tokenizer(Settings(model=str(folder))).status == "fail"
    assert served.tokenizer(Settings()).remedy


@pytest.mark.parametrize("api", ["openai", "anthropic"])
def test_a_model_behind_a_chat_api_needs_its_server_and_its_key(
    api: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("CWM_AGENT_API_KEY", "OPENAI_API_KEY", "ANTHROPIC_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    key = tmp_path / "key"
    key.write_text("sk-right")

    def check(model: str, url: str, key_file: Path | None = key) -> tuple[str, str, str]:
        endpoint = EndpointSettings(urls=(url,), key_file=str(key_file) if key_file else None)
        found = served.model(Settings(model=f"{api}:{model}", endpoint=endpoint))
        assert found is not None
        (only,) = found
        assert "sk-right" not in f"{only}"
        return only.status, only.found, only.remedy

    with chatting(ChatServer(key="sk-right")) as server:
        url = server.url
        assert check("scripted", url) == ("ok", f"{url} offers scripted", "")
        status, found, _ = check("other", url)
        assert (status, found) == ("warn", f"{url} offers scripted, not other")
        status, _, remedy = check("scripted", url, None)
        assert (status, remedy) == ("fail", "set CWM_AGENT_API_KEY or endpoint.key_file")
        status, found, _ = check("scripted", url, tmp_path / "none")
        assert status == "fail"
        assert "endpoint.key_file" in found
        server.models = None
        assert check("scripted", url)[0] == "warn"
        assert check("", url)[0] == "fail"
    assert check("scripted", url)[0] == "fail"
