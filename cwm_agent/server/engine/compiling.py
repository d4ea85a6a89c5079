"""Grammars in llguidance's own form, and a look at each in a process that may be ended.

Some grammars take llguidance minutes before it gives up, and nothing can stop it
there. `Checks` let a process of its own try first. No torch here.
"""

from __future__ import annotations

import asyncio
import json
import resource
import sys
from collections import OrderedDict
from dataclasses import asdict

from cwm_agent.server.engine.messages import JSON_OPTIONS, Grammar
from cwm_agent.server.errors import RequestError
from model.errors import SamplingError

_WALL_SECONDS = 60.0  # of a busy machine
_MEMORY = 2 * 2**30  # bytes
_AT_ONCE = 2  # processes
_REMEMBERED = 256  # grammars
_MOST_TEXT = 500  # characters of a reason


def compiled(grammar: Grammar) -> str:
    """The grammar in llguidance's own form; raises SamplingError."""
    from llguidance import LLMatcher

    try:
        match grammar.kind:
            case "json":
                return _of_schema('{"type": "object"}')
            case "json_schema":
                return _of_schema(grammar.text)
            case "regex":
                return str(LLMatcher.grammar_from_regex(grammar.text))
            case "lark":
                return str(LLMatcher.grammar_from_lark(grammar.text))
    except ValueError as error:
        raise SamplingError(f"the grammar cannot be used: {error}") from error


def _of_schema(schema: str) -> str:
    """Blanks are bounded: small models may like them too much to go on."""
    from llguidance import LLMatcher

    bounded = {"x-guidance": JSON_OPTIONS, **json.loads(schema)}
    return str(LLMatcher.grammar_from_json_schema(json.dumps(bounded)))


class Checks:
    """Remembers what was good; belongs to one event loop."""

    cpu_seconds = 5

    def __init__(self) -> None:
        self._good: OrderedDict[Grammar, None] = OrderedDict()
        self._few = asyncio.Semaphore(_AT_ONCE)

    async def require(self, grammar: Grammar) -> None:
        """Raise RequestError for a grammar that is wrong, or takes too long to prepare."""
        if grammar.kind == "json" or grammar in self._good:
            return
        async with self._few:
            await _check(grammar, self.cpu_seconds)
        self._good[grammar] = None
        if len(self._good) > _REMEMBERED:
            self._good.popitem(last=False)


async def _check(grammar: Grammar, cpu_seconds: int) -> None:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-P", "-m", __name__, str(cpu_seconds)),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        asked = process.communicate(json.dumps(asdict(grammar)).encode())
        told, _ = await asyncio.wait_for(asked, _WALL_SECONDS)
    except TimeoutError:
        told = b""
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if told != b"good":
        reason = told.decode("utf-8", "replace") or "the grammar is too complex"
        raise RequestError(reason[:_MOST_TEXT], param="response_format")


def _look() -> str:
    """What there is to say of the grammar on standard input, with a vocabulary of bytes."""
    from llguidance import LLMatcher, LLTokenizer, TokenizerWrapper

    grammar = Grammar(**json.loads(sys.stdin.buffer.read()))
    try:
        matcher = LLMatcher(LLTokenizer(TokenizerWrapper(_Bytes())), compiled(grammar), log_level=0)
    except SamplingError as error:
        return str(error)
    if not matcher.is_error():
        matcher.compute_bitmask()
    return f"the grammar cannot be used: {matcher.get_error()}" if matcher.is_error() else "good"


class _Bytes:
    """A vocabulary of the 256 bytes and an end."""

    bos_token_id = None
    eos_token_id = 256
    special_token_ids = (256,)
    tokens = (*(bytes([number]) for number in range(256)), b"<|end|>")

    def __call__(self, text: str | bytes) -> list[int]:
        return list(text.encode() if isinstance(text, str) else text)


if __name__ == "__main__":
    resource.setrlimit(resource.RLIMIT_CPU, (int(sys.argv[1]),) * 2)
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    print(_look(), end="")
