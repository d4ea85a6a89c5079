"""OpenAI's older protocols, spoken by OpenAI's own client."""

from __future__ import annotations

import httpx
import openai
import pytest
from live import Live

from model.checkpoint.open import open_checkpoint
from model.engine.build import build_engine
from model.engine.generation import Request
from model.engine.session import Session
from model.step.sampler import Sampling
from model.text.stops import IdWatcher

HELLO = [{"role": "user", "content": "The function add in calc.py is wrong."}]


@pytest.fixture(scope="module")
def client(server: Live) -> openai.OpenAI:
    return openai.OpenAI(base_url=server.api, api_key="any", max_retries=0)


def test_a_chat_answer_has_what_clients_read(client: openai.OpenAI) -> None:
    answer = client.chat.completions.create(model="nano", messages=HELLO, max_tokens=12, seed=1)
    choice, usage = answer.choices[0], answer.usage
    assert choice.finish_reason == "length"
    assert choice.message.reasoning == choice.message.reasoning_content
    assert usage is not None
    assert usage.completion_tokens == 12
    assert 0 < usage.completion_tokens_details.reasoning_tokens <= 12
    assert usage.total_tokens == usage.prompt_tokens + 12


def test_streamed_and_whole_say_the_same(client: openai.OpenAI) -> None:
    asked = {"model": "nano", "messages": HELLO, "max_tokens": 40, "temperature": 1, "seed": 7}
    whole = client.chat.completions.create(**asked)
    chunks = list(
        client.chat.completions.create(**asked, stream=True, stream_options={"include_usage": True})
    )
    thought = "".join(
        getattr(c.choices[0].delta, "reasoning", None) or "" for c in chunks if c.choices
    )
    said = "".join(c.choices[0].delta.content or "" for c in chunks if c.choices)
    assert thought == (whole.choices[0].message.reasoning or "")
    assert said == (whole.choices[0].message.content or "")
    assert chunks[0].choices[0].delta.role == "assistant"
    assert chunks[-2].choices[0].finish_reason == whole.choices[0].finish_reason
    assert chunks[-1].usage is not None
    assert chunks[-1].usage.completion_tokens == whole.usage.completion_tokens


@pytest.mark.parametrize(("temperature", "seed"), [(0, 0), (1, 11)])
def test_the_tokens_are_those_of_the_embedded_engine(
    client: openai.OpenAI, server: Live, temperature: float, seed: int
) -> None:
    prompt = [2033, *server.running.service.tokenizer.encode_text("def add(a, b):\n    return a")]
    answer = client.completions.create(
        model="nano",
        prompt=prompt,
        max_tokens=24,
        temperature=temperature,
        top_p=0.95 if temperature else 1,
        seed=seed,
        extra_body={"return_token_ids": True},
    )
    files = open_checkpoint(server.running.service.options.folder)
    with build_engine(files.config, files.source) as engine:
        session = Session(engine)
        session.append(prompt)
        sampling = Sampling(temperature, 0.95 if temperature else 1.0, seed=seed)
        stops = IdWatcher(files.config.eos_ids)
        future = session.generate(Request(24, sampling), stops)
        engine.run_until_idle()
        expected = list(future.result().ids)
    choice = answer.choices[0]
    assert choice.token_ids == expected
    assert choice.prompt_token_ids == prompt


def test_errors_have_openais_form(server: Live, client: openai.OpenAI) -> None:
    with pytest.raises(openai.NotFoundError, match="not served here"):
        client.chat.completions.create(model="gpt-5", messages=HELLO)
    with pytest.raises(openai.BadRequestError) as caught:
        client.completions.create(model="nano", prompt=[5] * 5000)
    assert caught.value.code == "context_length_exceeded"
    answer = httpx.post(f"{server.api}/chat/completions", json={"messages": []})
    assert answer.status_code == 400
    assert set(answer.json()["error"]) == {"message", "type", "param", "code"}


def test_the_process_that_speaks_http_never_loads_torch(server: Live) -> None:
    import subprocess
    import sys

    code = (
        "import sys, cwm_agent.server.running, cwm_agent.server.command as c\n"
        "import cwm_agent.server.service, model.text.chat_template\n"
        "assert 'torch' not in sys.modules, 'torch'"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
