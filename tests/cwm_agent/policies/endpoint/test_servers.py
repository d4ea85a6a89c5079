"""Conversations spread over servers, and servers that failed rest for a while."""

from __future__ import annotations

from cwm_agent.policies.endpoint.servers import REST, Servers

URLS = ["http://a/v1", "http://b/v1", "http://c/v1"]


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def test_a_conversation_goes_where_fewest_are() -> None:
    servers = Servers(URLS)
    first = [servers.join().url for _ in range(4)]
    assert first == [*URLS, URLS[0]]
    servers.leave(servers.all[1])
    assert servers.join().url == URLS[1]
    assert [server.sessions for server in servers.all] == [2, 1, 1]


def test_a_server_that_failed_gets_no_one_until_it_has_rested() -> None:
    clock = Clock()
    servers = Servers(URLS, clock)
    servers.failed(servers.all[0])
    assert [servers.join().url for _ in range(4)] == [URLS[1], URLS[2]] * 2
    clock.now += REST
    assert servers.join().url == URLS[0]


def test_when_all_failed_the_one_that_has_rested_longest_is_tried() -> None:
    clock = Clock()
    servers = Servers(URLS, clock)
    for number in (1, 0, 2):
        servers.failed(servers.all[number])
        clock.now += 1
    assert not servers.any_well
    assert servers.join().url == URLS[1]
    servers.answered(servers.all[2])
    assert servers.any_well
    assert servers.join().url == URLS[2]
