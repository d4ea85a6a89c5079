"""Stand-alone templates about lists."""

from __future__ import annotations

from cwm_agent.generated.templates.pools import args, ints, positive_int, signed_ints, small_int
from cwm_agent.generated.templates.standalone.makers import list_of, number, with_index
from cwm_agent.generated.templates.standalone.writer import writer

_t = writer("lists")

TEMPLATES = (
    _t(
        args(ints, positive_int),
        """
        chunk split_list in_batches (ITEMS, N)
        Splits ITEMS into consecutive lists of N each; the last one may be shorter.
        OUT = []
        for I in range(0, len(ITEMS), N):
            OUT.append(ITEMS[I:I + N])
        return OUT
        """,
    ),
    _t(
        args(ints, positive_int),
        """
        windows sliding_windows (ITEMS, N)
        All runs of N neighbours in ITEMS, one starting at each index, in order.
        LAST = len(ITEMS) - N
        return [ITEMS[I:I + N] for I in range(LAST + 1)]
        """,
    ),
    _t(
        args(list_of(ints, 0, 4)),
        """
        flatten join_lists concat_all (ROWS)
        Joins all lists in ROWS into one list, in order.
        OUT = []
        for ROW in ROWS:
            OUT.extend(ROW)
        return OUT
        """,
    ),
    _t(
        args(ints, small_int),
        """
        rotate_left rotate shift_list (ITEMS, N)
        Moves the first N of ITEMS to the end; N may exceed the length.
        if not ITEMS:
            return []
        N2 = N % len(ITEMS)
        return ITEMS[N2:] + ITEMS[:N2]
        """,
    ),
    _t(
        args(ints, small_int),
        """
        rotate_right rotate_back turn_list (ITEMS, STEP)
        Moves the last STEP of ITEMS to the front; an empty list stays empty.
        if len(ITEMS) == 0:
            return []
        N = len(ITEMS) - STEP % len(ITEMS)
        return ITEMS[N:] + ITEMS[:N]
        """,
    ),
    _t(
        args(ints, ints),
        """
        interleave alternate merge_lists (ITEMS, OTHERS)
        Takes elements of ITEMS and OTHERS in turn, ITEMS first, then the rest of the longer one.
        OUT = []
        N = min(len(ITEMS), len(OTHERS))
        for I in range(N):
            OUT.append(ITEMS[I])
            OUT.append(OTHERS[I])
        return OUT + ITEMS[N:] + OTHERS[N:]
        """,
    ),
    _t(
        args(list_of(number(0, 3), 0, 7)),
        """
        squeeze collapse_runs drop_repeats (ITEMS)
        Drops each element that is equal to the one directly before it.
        OUT = []
        for X in ITEMS:
            if not OUT or OUT[-1] != X:
                OUT.append(X)
        return OUT
        """,
    ),
    _t(
        with_index(list_of(number(0, 9), 1, 6), number(10, 19)),
        """
        replace_at with_item put_at (ITEMS, I, VAL)
        Copy of ITEMS in which index I holds VAL; all others stay.
        OUT = list(ITEMS)
        OUT[I] = VAL
        return OUT
        """,
    ),
    _t(
        with_index(list_of(number(0, 9), 1, 6)),
        """
        without_index remove_at drop_at (ITEMS, I)
        All of ITEMS except the one at index I.
        return ITEMS[:I] + ITEMS[I + 1:]
        """,
    ),
    _t(
        with_index(list_of(number(0, 9), 2, 6)),
        """
        swap_with_next swap_neighbours (ITEMS, I)
        Copy of ITEMS with index I and the next swapped; unchanged at the last index.
        OUT = ITEMS[:]
        if I < len(OUT) - 1:
            OUT[I] = ITEMS[I + 1]
            OUT[I + 1] = ITEMS[I]
        return OUT
        """,
    ),
    _t(
        args(ints),
        """
        split_halves halves cut_in_half (ITEMS)
        First half and second half of ITEMS; the second is longer for an odd length.
        N = len(ITEMS) // 2
        return ITEMS[:N], ITEMS[N:]
        """,
    ),
    _t(
        args(ints, small_int, number(0, 9)),
        """
        pad_right fill_up extend_to (ITEMS, SIZE, VAL)
        Appends VAL until ITEMS has SIZE elements; longer lists stay as they are.
        return ITEMS + [VAL] * max(0, SIZE - len(ITEMS))
        """,
    ),
    _t(
        args(ints),
        """
        middle middle_element center_of (ITEMS)
        Element in the middle of ITEMS, the left one of two; None if empty.
        if not ITEMS:
            return None
        return ITEMS[(len(ITEMS) - 1) // 2]
        """,
    ),
    _t(
        args(ints, small_int),
        """
        split_at_value until_value before_item (ITEMS, X)
        Elements of ITEMS before the first one equal to X; all if there is none.
        OUT = []
        for X2 in ITEMS:
            if X2 == X:
                break
            OUT.append(X2)
        return OUT
        """,
    ),
    _t(
        args(signed_ints),
        """
        trim_zeros strip_zeros (ITEMS)
        Removes the zeros at the end of ITEMS, but none before the last other number.
        SIZE = 0
        for I, X in enumerate(ITEMS):
            if X != 0:
                SIZE = I + 1
        return ITEMS[:SIZE]
        """,
    ),
    _t(
        args(ints, positive_int),
        """
        deal deal_out round_robin (ITEMS, N)
        Deals ITEMS to N lists in turn, the first element to the first list.
        OUT = [[] for _ in range(N)]
        for I, X in enumerate(ITEMS):
            OUT[I % N].append(X)
        return OUT
        """,
    ),
    _t(
        args(ints),
        """
        mirror palindrome_of there_and_back (ITEMS)
        ITEMS followed by ITEMS in reverse order, without repeating the last one.
        return ITEMS + ITEMS[:-1][::-1]
        """,
    ),
    _t(
        args(ints),
        """
        ends first_and_last outer_pair (ITEMS)
        First and last element of ITEMS as a tuple; two None if it is empty.
        if len(ITEMS) == 0:
            return None, None
        return ITEMS[0], ITEMS[-1]
        """,
    ),
    _t(
        args(list_of(number(0, 1), 0, 6), list_of(number(0, 1), 0, 6)),
        """
        common_prefix shared_start same_start (ITEMS, OTHERS)
        Number of leading positions at which ITEMS and OTHERS are equal.
        COUNT = 0
        for A, B in zip(ITEMS, OTHERS):
            if A != B:
                break
            COUNT += 1
        return COUNT
        """,
    ),
)
