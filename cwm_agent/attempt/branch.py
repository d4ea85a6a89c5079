"""A sample that goes on from a turn of another one, instead of beginning anew.

Its journal begins with the other's entries up to that turn and a `Branched` event. From there
it is an attempt that was interrupted: its sandbox is brought to the recorded state, its
conversation takes the recorded token ids (whose keys and values an engine still has), and
neither an action nor a reply is made again.
"""

from __future__ import annotations

from collections.abc import Sequence

from results.errors import JournalError
from results.files import write_atomically
from results.journal import Clock, Entry, encode_entry
from results.records import Branched, Event, Observed, Replied, Snapshot, Submitted
from results.store import Attempt


def own(events: Sequence[Event]) -> Sequence[Event]:
    """The events of an attempt itself, without those that it took over."""
    places = [place for place, event in enumerate(events) if isinstance(event, Branched)]
    return events[places[-1] + 1 :] if places else events


def origin(events: Sequence[Event]) -> Branched | None:
    """Where an attempt branched from, None where it began anew."""
    return next((event for event in reversed(events) if isinstance(event, Branched)), None)


def divergence(one: Sequence[Event], other: Sequence[Event]) -> int:
    """The last turn up to which the repository of `one` was only in states that `other` had, too.

    So everything up to it, mostly reading, suits both, and what follows is where they
    part. 0 where that is the first turn: there is nothing to share then. A turn that submits
    is never shared, nor one that was not completed.
    """
    shared = {""} | {event.tree for event in other if isinstance(event, Snapshot)}
    turn = last = 0
    for event in one:
        if isinstance(event, Submitted):
            return last
        if isinstance(event, Snapshot) and event.tree not in shared:
            return last
        if isinstance(event, Replied):
            turn = event.turn
        elif isinstance(event, Observed):
            last = turn
    return max(0, last - 1)  # all of it is shared: only the last turn can end otherwise


def begin_branch(parent: Attempt, branch: Attempt, branched: Branched) -> None:
    """Write the beginning of `branch`'s journal, in one step; nothing where it has one.

    Raises ResultsError, also for a turn that the parent has not completed.
    """
    if branch.events_path.exists() and branch.events_path.stat().st_size:
        return
    kept = _up_to(parent.entries(), branched.turn)
    now = Clock(after=kept[-1].time).now()
    lines = [*kept, Entry(len(kept), now, branched)]
    write_atomically(branch.events_path, b"".join(map(encode_entry, lines)))


def _up_to(entries: Sequence[Entry], turn: int) -> list[Entry]:
    """The entries up to the observation that completed a turn when it was last taken."""
    begun = [
        place
        for place, entry in enumerate(entries)
        if isinstance(entry.event, Replied) and entry.event.turn == turn
    ]
    for place in range(begun[-1], len(entries)) if begun else ():
        if isinstance(entries[place].event, Observed):
            return list(entries[: place + 1])
    raise JournalError(f"turn {turn} was never completed; branch from an earlier one")
