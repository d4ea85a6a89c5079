"""Responses that can be gone on from."""

from __future__ import annotations

import json
from collections import OrderedDict
from dataclasses import dataclass

from cwm_agent.server.api.fields import Json
from cwm_agent.server.chat.turns import Turn
from cwm_agent.server.errors import RequestError


@dataclass(frozen=True, slots=True)
class Stored:
    """A response, the conversation up to and with it, and whose it is."""

    response: Json
    turns: tuple[Turn, ...]
    job: str


class ResponseStore:
    """The last `most` responses, in about `memory` bytes; belongs to one event loop."""

    def __init__(self, most: int, memory: int) -> None:
        self._most = most
        self._left = memory
        self._stored: OrderedDict[str, Stored] = OrderedDict()

    def put(self, stored: Stored) -> None:
        """Keep a response."""
        self._stored[stored.response["id"]] = stored
        self._left -= _size(stored)
        while self._stored and (len(self._stored) > self._most or self._left < 0):
            self._left += _size(self._stored.popitem(last=False)[1])

    def get(self, name: str, job: str, param: str | None = None) -> Stored:
        """A response; raises RequestError (404) when it is not there, or somebody else's."""
        found = self._stored.get(name)
        if found is None or found.job != job:
            raise RequestError(
                "there is no such response; it was not stored, or is too old",
                status=404,
                code="response_not_found" if param is None else "previous_response_not_found",
                param=param,
            )
        return found

    def delete(self, name: str, job: str) -> None:
        """Forget a response; raises RequestError as `get`."""
        self._left += _size(self.get(name, job))
        del self._stored[name]


def _size(stored: Stored) -> int:
    """Of its texts, also of those that it shares with an earlier one."""
    return len(json.dumps(stored.response)) + sum(len(turn.text) for turn in stored.turns)
