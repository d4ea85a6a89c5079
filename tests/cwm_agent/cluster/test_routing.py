"""Where conversations and attempts go."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from cwm_agent.cluster.routing import SLACK, Free, choose_replica, choose_worker


def test_samples_of_an_issue_share_a_replica_until_it_is_much_fuller() -> None:
    assert choose_replica({0: 3, 1: 0}, home=None) == 1
    assert choose_replica({0: 2, 1: 0}, home=0) == 0
    assert choose_replica({0: 3, 1: 0}, home=0) == 1
    assert choose_replica({1: 5}, home=0) == 1  # the home is gone


@given(st.lists(st.integers(0, 9), min_size=1, max_size=200), st.integers(1, 8))
def test_no_replica_is_left_behind(instances: list[int], replicas: int) -> None:
    loads = dict.fromkeys(range(replicas), 0)
    homes: dict[int, int] = {}
    for instance in instances:
        homes[instance] = choose_replica(loads, homes.get(instance))
        loads[homes[instance]] += 1
        assert max(loads.values()) <= 1.5 * min(loads.values()) + SLACK + 1


def test_a_worker_is_taken_that_has_the_repository_else_the_image_else_the_longest_idle() -> None:
    free = [Free("one", "a"), Free("two", "b"), Free("two", "c")]
    present = {"two": {"image"}}
    assert choose_worker(free, "c", "other", present) == 2
    assert choose_worker(free, "d", "image", present) == 1
    assert choose_worker(free, "d", "other", present) == 0
