"""Where the next sample of an undecided issue branches from: the turn where its candidates part."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence

from cwm_agent.attempt.branch import divergence
from cwm_agent.scaling.posterior.posterior import RIVAL, Belief
from cwm_agent.scaling.table import Candidate, Table
from results.records import Branched, Event

Journal = Callable[[int], Sequence[Event]]
"""The events of a sample by its number."""


def branch_point(table: Table, belief: Belief, journal: Journal) -> Branched | None:
    """The sample and turn to branch from; None where the next sample had better begin anew.

    The two behaviours that are likeliest right part somewhere; a member of either with the fewest
    branches so far is gone on with from there, of the likelier one first. Where no other
    behaviour is likely enough, where the two part in their first turn, or where every second
    sample of the issue is a branch already, there is more to learn from an independent one.
    """
    branched = sum(bool(candidate.parent) for candidate in table.candidates)
    if 2 * branched >= len(table.candidates):
        return None
    order = sorted(belief.chance, key=lambda name: (-belief.chance[name], name))
    if len(order) < 2 or belief.chance[order[1]] < RIVAL:
        return None
    likely = [_members(table, name) for name in order[:2]]
    branches = Counter(candidate.parent for candidate in table.candidates)
    found: list[tuple[int, int, int, int]] = []
    for place, (here, there) in enumerate((likely, likely[::-1])):
        for candidate in here:
            turn = max(divergence(journal(candidate.sample), journal(c.sample)) for c in there)
            if turn:
                found.append((branches[candidate.id], place, candidate.sample, turn))
    if not found:
        return None
    *_, sample, turn = min(found)
    return Branched(sample, turn)


def _members(table: Table, cluster: str) -> list[Candidate]:
    return [candidate for candidate in table.effective if candidate.behaviour == cluster]
