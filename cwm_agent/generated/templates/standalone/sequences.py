"""Stand-alone templates about runs, sums and windows of sequences."""

from __future__ import annotations

from cwm_agent.generated.templates.pools import args, ints, positive_int, signed_ints, small_int
from cwm_agent.generated.templates.standalone.makers import list_of, number, text_of
from cwm_agent.generated.templates.standalone.writer import writer

_t = writer("sequences")
_bits = list_of(number(0, 1), 0, 8)

TEMPLATES = (
    _t(
        args(signed_ints),
        """
        running_sums prefix_sums cumulative (ITEMS)
        For each of ITEMS the sum of all up to it, inclusive.
        TOTAL = 0
        OUT = []
        for X in ITEMS:
            TOTAL += X
            OUT.append(TOTAL)
        return OUT
        """,
    ),
    _t(
        args(ints),
        """
        sums_before exclusive_sums offsets (ITEMS)
        For each of ITEMS the sum of all before it; 0 for the first.
        OUT = []
        TOTAL = 0
        for X in ITEMS:
            OUT.append(TOTAL)
            TOTAL += X
        return OUT
        """,
    ),
    _t(
        args(ints),
        """
        running_maximum records_so_far highest_so_far (ITEMS)
        For each of ITEMS the greatest one up to it, inclusive.
        OUT = []
        for X in ITEMS:
            OUT.append(max(X, OUT[-1]) if OUT else X)
        return OUT
        """,
    ),
    _t(
        args(ints),
        """
        new_records record_values leaders (ITEMS)
        Those of ITEMS that are greater than all before them; the first always is.
        OUT = []
        for X in ITEMS:
            if not OUT or X > OUT[-1]:
                OUT.append(X)
        return OUT
        """,
    ),
    _t(
        args(_bits),
        """
        longest_run longest_streak most_in_a_row (ITEMS)
        Length of the longest run of 1 in ITEMS.
        BEST = 0
        RUN = 0
        for X in ITEMS:
            RUN = RUN + 1 if X == 1 else 0
            BEST = max(BEST, RUN)
        return BEST
        """,
    ),
    _t(
        args(_bits),
        """
        current_streak final_run last_streak (ITEMS)
        Number of elements 1 at the end of ITEMS, after the last other one.
        COUNT = 0
        for X in reversed(ITEMS):
            if X != 1:
                break
            COUNT += 1
        return COUNT
        """,
    ),
    _t(
        args(list_of(number(0, 6), 0, 7)),
        """
        longest_rise rising_length climb (ITEMS)
        Length of the longest run in which each is greater than the one before.
        BEST = RUN = min(1, len(ITEMS))
        for A, B in zip(ITEMS, ITEMS[1:]):
            RUN = RUN + 1 if B > A else 1
            BEST = max(BEST, RUN)
        return BEST
        """,
    ),
    _t(
        args(signed_ints),
        """
        best_run_sum greatest_stretch max_subarray (ITEMS)
        Greatest sum of neighbouring elements of ITEMS; at least 0.
        BEST = 0
        TOTAL = 0
        for X in ITEMS:
            TOTAL = max(TOTAL + X, 0)
            BEST = max(BEST, TOTAL)
        return BEST
        """,
    ),
    _t(
        args(ints, number(1, 3)),
        """
        window_sums moving_sums sums_of_windows (ITEMS, SIZE)
        Sums of all runs of SIZE neighbours in ITEMS, in order.
        OUT = []
        for I in range(len(ITEMS) - SIZE + 1):
            OUT.append(sum(ITEMS[I:I + SIZE]))
        return OUT
        """,
    ),
    _t(
        args(ints),
        """
        moving_average smooth average_neighbours (ITEMS)
        Average, rounded down, of each of ITEMS and the one before; the first stays.
        OUT = ITEMS[:1]
        for A, B in zip(ITEMS, ITEMS[1:]):
            OUT.append((A + B) // 2)
        return OUT
        """,
    ),
    _t(
        args(ints),
        """
        max_profit best_trade greatest_gain (ITEMS)
        Greatest difference of an element of ITEMS to an earlier one; 0 if none is greater.
        BEST = 0
        for I, A in enumerate(ITEMS):
            for B in ITEMS[I + 1:]:
                BEST = max(BEST, B - A)
        return BEST
        """,
    ),
    _t(
        args(list_of(number(0, 3), 0, 6)),
        """
        balance_point split_index equal_sums (ITEMS)
        First index at which the sum before it equals the sum after it; -1 if there is none.
        for I in range(len(ITEMS)):
            if sum(ITEMS[:I]) == sum(ITEMS[I + 1:]):
                return I
        return -1
        """,
    ),
    _t(
        args(signed_ints),
        """
        sign_changes zero_crossings count_crossings (ITEMS)
        Number of neighbours in ITEMS whose product is less than 0.
        COUNT = 0
        for A, B in zip(ITEMS, ITEMS[1:]):
            if A * B < 0:
                COUNT += 1
        return COUNT
        """,
    ),
    _t(
        args(signed_ints),
        """
        alternating_sum plus_minus zigzag_sum (ITEMS)
        Sum of ITEMS with even index minus the sum of those with odd index.
        return sum(ITEMS[::2]) - sum(ITEMS[1::2])
        """,
    ),
    _t(
        args(number(0, 9), number(1, 4), number(0, 5)),
        """
        arithmetic steps_from evenly_spaced (START, STEP, N)
        N numbers that begin with START and grow by STEP each.
        return [START + I * STEP for I in range(N)]
        """,
    ),
    _t(
        args(number(1, 9), number(1, 60)),
        """
        doublings steps_to_reach times_doubled (N, LIMIT)
        How often N must be doubled to be at least LIMIT.
        COUNT = 0
        for _ in range(LIMIT):
            if N < LIMIT:
                N *= 2
                COUNT += 1
        return COUNT
        """,
    ),
    _t(
        args(text_of("123", 1, 6)),
        """
        look_and_say describe say_digits (TEXT)
        Each run of equal characters as its length followed by the character.
        OUT = ''
        START = 0
        for I in range(1, len(TEXT) + 1):
            if I == len(TEXT) or TEXT[I] != TEXT[START]:
                OUT += str(I - START) + TEXT[START]
                START = I
        return OUT
        """,
    ),
    _t(
        args(ints, small_int, positive_int),
        """
        gaps_over long_gaps breaks (ITEMS, START, STEP)
        Indexes in sorted ITEMS that exceed the value before, at first START, by more than STEP.
        OUT = []
        LAST = START
        for I, X in enumerate(sorted(ITEMS)):
            if X - LAST > STEP:
                OUT.append(I)
            LAST = X
        return OUT
        """,
    ),
)
