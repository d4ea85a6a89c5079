"""Stand-alone templates about intervals, bookings and tasks."""

from __future__ import annotations

from cwm_agent.generated.templates.pools import args, ints
from cwm_agent.generated.templates.standalone.makers import (
    choose,
    dict_of,
    list_of,
    number,
    rows,
    sorted_of,
    span,
)
from cwm_agent.generated.templates.standalone.writer import writer

_t = writer("schedules")
_spans = list_of(span(), 0, 4)
_tasks = rows(0, 4, name=choose("red", "bee", "owl"), rank=number(1, 3), done=choose(True, False))

TEMPLATES = (
    _t(
        args(_spans),
        """
        merge_ranges join_intervals merge_spans (PAIRS)
        Sorts ranges by start and merges those that overlap or touch.
        OUT = []
        for START, END in sorted(PAIRS):
            if OUT and START <= OUT[-1][1]:
                OUT[-1] = (OUT[-1][0], max(OUT[-1][1], END))
            else:
                OUT.append((START, END))
        return OUT
        """,
    ),
    _t(
        args(list_of(span(0, 6), 0, 2), span(0, 6)),
        """
        is_free can_book slot_free (PAIRS, PAIR)
        True if no range of PAIRS overlaps PAIR; ranges that only touch do not.
        START, END = PAIR
        for A, B in PAIRS:
            if A < END and START < B:
                return False
        return True
        """,
    ),
    _t(
        args(_spans),
        """
        any_conflict has_overlap double_booked (PAIRS)
        True if a range starts before an earlier one, by sorted start, has ended.
        LAST = -1
        for START, END in sorted(PAIRS):
            if START < LAST:
                return True
            LAST = max(LAST, END)
        return False
        """,
    ),
    _t(
        args(list_of(span(0, 10), 0, 4)),
        """
        rooms_needed most_at_once busiest_count (PAIRS)
        Greatest number of ranges with a common hour from 0 to 9; the end is exclusive.
        BEST = 0
        for HOURS in range(10):
            COUNT = sum(A <= HOURS < B for A, B in PAIRS)
            BEST = max(BEST, COUNT)
        return BEST
        """,
    ),
    _t(
        args(_spans),
        """
        gaps_between free_times find_gaps (PAIRS)
        Free ranges between the sorted PAIRS, from 0 on, as tuples of start and end.
        OUT = []
        LAST = 0
        for START, END in sorted(PAIRS):
            if START > LAST:
                OUT.append((LAST, START))
            LAST = max(LAST, END)
        return OUT
        """,
    ),
    _t(
        args(list_of(span(), 0, 5)),
        """
        most_bookings plan_meetings pick_ranges (PAIRS)
        Goes through PAIRS by end and keeps each that starts at the last kept end or later.
        OUT = []
        for START, END in sorted(PAIRS, key=lambda PAIR: PAIR[1]):
            if not OUT or START >= OUT[-1][1]:
                OUT.append((START, END))
        return OUT
        """,
    ),
    _t(
        args(_tasks),
        """
        next_task most_urgent what_next (ROWS)
        Name of the first of ROWS not done with the smallest rank; None if all are done.
        OUT = [ROW for ROW in ROWS if not ROW['done']]
        if not OUT:
            return None
        return min(OUT, key=lambda ROW: ROW['rank'])['name']
        """,
    ),
    _t(
        args(_tasks),
        """
        open_tasks not_done remaining_names (ROWS)
        Names of ROWS that are not done, in order.
        return [ROW['name'] for ROW in ROWS if not ROW['done']]
        """,
    ),
    _t(
        args(_tasks, number(1, 3)),
        """
        open_count count_urgent urgent_left (ROWS, LIMIT)
        Number of ROWS that are not done and have a rank of at most LIMIT.
        COUNT = 0
        for ROW in ROWS:
            if not ROW['done'] and ROW['rank'] <= LIMIT:
                COUNT += 1
        return COUNT
        """,
    ),
    _t(
        args(ints, number(1, 3)),
        """
        waiting_times queue_waits wait_for (ITEMS, START)
        For each of ITEMS the time when it begins, one after the other from START on.
        OUT = []
        for X in ITEMS:
            OUT.append(START)
            START += X
        return OUT
        """,
    ),
    _t(
        args(list_of(number(1, 9), 0, 5), number(2, 3)),
        """
        finish_time share_work last_finished (ITEMS, N)
        Time when all ITEMS are done, each given in order to the least busy of N workers.
        OUT = [0] * N
        for X in ITEMS:
            I = OUT.index(min(OUT))
            OUT[I] += X
        return max(OUT)
        """,
    ),
    _t(
        args(list_of(number(1, 6), 0, 6), number(6, 9)),
        """
        boxes_needed count_trips loads (ITEMS, LIMIT)
        Number of boxes for ITEMS in order, each filled up to at most LIMIT.
        COUNT = 0
        TOTAL = LIMIT
        for X in ITEMS:
            if TOTAL + X > LIMIT:
                COUNT += 1
                TOTAL = 0
            TOTAL += X
        return COUNT
        """,
    ),
    _t(
        args(number(0, 20), number(1, 6)),
        """
        next_run next_due due_after (N, STEP)
        Smallest multiple of STEP that is greater than N.
        return N // STEP * STEP + STEP
        """,
    ),
    _t(
        args(number(0, 6), number(1, 4), number(0, 20)),
        """
        run_times repeat_until due_times (START, STEP, END)
        Times from START in steps of STEP up to END, inclusive.
        return list(range(START, END + 1, STEP))
        """,
    ),
    _t(
        args(sorted_of(list_of(number(0, 20), 0, 7))),
        """
        sessions group_events split_sessions (ITEMS)
        Splits sorted ITEMS where the gap to the one before is greater than K.
        OUT = []
        for X in ITEMS:
            if OUT and X - OUT[-1][-1] <= K:
                OUT[-1].append(X)
            else:
                OUT.append([X])
        return OUT
        """,
    ),
    _t(
        args(sorted_of(list_of(number(0, 20), 0, 7))),
        """
        throttle rate_limit accepted_events (ITEMS)
        Keeps each of ITEMS that is at least K after the last kept one; the first always.
        OUT = []
        for X in ITEMS:
            if not OUT or X >= OUT[-1] + K:
                OUT.append(X)
        return OUT
        """,
    ),
    _t(
        args(number(0, 5), choose(1, 2, 30), number(20, 60)),
        """
        retry_delay backoff wait_before_retry (N, START, LIMIT)
        START doubled N times, at most LIMIT.
        return min(START * 2 ** N, LIMIT)
        """,
    ),
    _t(
        args(
            dict_of(choose("a", "b", "c", "d"), list_of(choose("a", "b", "c"), 0, 2), 0, 5),
            list_of(choose("a", "b", "c"), 0, 3),
        ),
        """
        ready_tasks can_start unblocked (TABLE, WORDS)
        Sorted keys of TABLE not in WORDS whose listed keys are all in WORDS.
        OUT = []
        for KEY in sorted(TABLE):
            if KEY in WORDS:
                continue
            if all(W in WORDS for W in TABLE[KEY]):
                OUT.append(KEY)
        return OUT
        """,
    ),
    _t(
        args(number(0, 3), number(2, 6), number(1, 4)),
        """
        expired is_expired too_old (START, END, LIMIT)
        True if more than LIMIT lies between START and END.
        return END - START > LIMIT
        """,
    ),
)
