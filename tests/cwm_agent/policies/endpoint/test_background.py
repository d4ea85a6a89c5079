"""The event loop behind conversations: whoever waits for it hears of its end."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import CancelledError

import pytest

from cwm_agent.policies.endpoint.background import Background


async def nothing() -> None:
    pass


def test_what_comes_too_late_is_cancelled_and_never_waits() -> None:
    background = Background("test")
    running = background.begin(asyncio.sleep(600))
    background.close(nothing())
    for waiting in (running, background.begin(nothing())):
        with pytest.raises(CancelledError):
            waiting.result(60)


def test_questions_of_other_threads_end_with_it() -> None:
    for _ in range(30):
        background, ended = Background("test"), []

        def ask(background: Background = background, ended: list[int] = ended) -> None:
            try:
                while True:
                    background.begin(asyncio.sleep(0)).result(60)
            except CancelledError:
                ended.append(1)

        threads = [threading.Thread(target=ask) for _ in range(4)]
        for thread in threads:
            thread.start()
        background.close(nothing())
        for thread in threads:
            thread.join(60)
        assert len(ended) == 4
