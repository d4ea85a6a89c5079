"""Stand-alone templates about searching."""

from __future__ import annotations

from cwm_agent.generated.templates.pools import args, ints, signed_ints, small_int, words
from cwm_agent.generated.templates.standalone.makers import (
    choose,
    dict_of,
    list_of,
    number,
    rows,
    sorted_of,
    span,
    text_of,
    with_member,
)
from cwm_agent.generated.templates.standalone.writer import writer

_t = writer("searching")

TEMPLATES = (
    _t(
        with_member(sorted_of(list_of(number(0, 9), 0, 7))),
        """
        lower_bound first_position insert_position (ITEMS, TARGET)
        Number of elements of the sorted ITEMS that are less than TARGET, by halving.
        LOW, HIGH = 0, len(ITEMS)
        for _ in range(len(ITEMS)):
            MID = (LOW + HIGH) // 2
            if LOW < HIGH and ITEMS[MID] < TARGET:
                LOW = MID + 1
            else:
                HIGH = MID
        return LOW
        """,
    ),
    _t(
        with_member(ints),
        """
        index_or_minus_one find_index position_of (ITEMS, TARGET)
        First index of TARGET in ITEMS; -1 if there is none.
        for I, X in enumerate(ITEMS):
            if X == TARGET:
                return I
        return -1
        """,
    ),
    _t(
        with_member(list_of(number(0, 3), 0, 6), 0.8, number(0, 3)),
        """
        last_index find_last last_position (ITEMS, TARGET)
        Last index of TARGET in ITEMS; -1 if there is none.
        for I in range(len(ITEMS) - 1, -1, -1):
            if ITEMS[I] == TARGET:
                return I
        return -1
        """,
    ),
    _t(
        args(ints, small_int),
        """
        closest nearest nearest_value (ITEMS, TARGET)
        Element of ITEMS nearest to TARGET, the first of equal ones; None if empty.
        BEST = None
        for X in ITEMS:
            if BEST is None or abs(X - TARGET) < abs(BEST - TARGET):
                BEST = X
        return BEST
        """,
    ),
    _t(
        args(list_of(number(0, 3), 0, 7)),
        """
        peaks local_maxima find_peaks (ITEMS)
        Indexes of ITEMS that are greater than both neighbours; the ends do not count.
        OUT = []
        for I in range(1, len(ITEMS) - 1):
            A, B, C = ITEMS[I - 1:I + 2]
            if B > A and B > C:
                OUT.append(I)
        return OUT
        """,
    ),
    _t(
        args(ints),
        """
        second_greatest runner_up second_best (ITEMS)
        Second greatest of the different values of ITEMS; None if there are fewer than two.
        OUT = sorted(set(ITEMS))
        if len(OUT) < 2:
            return None
        return OUT[-2]
        """,
    ),
    _t(
        args(ints),
        """
        index_of_max position_of_greatest argmax (ITEMS)
        Index of the first greatest of ITEMS; -1 if empty.
        BEST = -1
        for I, X in enumerate(ITEMS):
            if BEST < 0 or X > ITEMS[BEST]:
                BEST = I
        return BEST
        """,
    ),
    _t(
        args(ints),
        """
        last_smallest index_of_last_min (ITEMS)
        Index of the last smallest of ITEMS; 0 if empty.
        I = 0
        for I2, X in enumerate(ITEMS):
            if X <= ITEMS[I]:
                I = I2
        return I
        """,
    ),
    _t(
        args(list_of(number(1, 6), 0, 5)),
        """
        smallest_missing first_gap first_free (ITEMS)
        Smallest number from 1 on that is not in ITEMS.
        for N in range(1, len(ITEMS) + 2):
            if N not in ITEMS:
                return N
        return 1
        """,
    ),
    _t(
        args(words),
        """
        longest_word longest find_longest (WORDS)
        First of the longest WORDS; empty text if there are none.
        BEST = ''
        for W in WORDS:
            if len(W) > len(BEST):
                BEST = W
        return BEST
        """,
    ),
    _t(
        args(text_of("ab", 0, 7), choose("a", "ab", "aa", "ba", "b")),
        """
        count_occurrences overlapping_count (TEXT, TARGET)
        Number of positions of TEXT at which TARGET begins; they may overlap.
        COUNT = 0
        for I in range(len(TEXT)):
            if TEXT[I:].startswith(TARGET):
                COUNT += 1
        return COUNT
        """,
    ),
    _t(
        args(
            rows(0, 4, id=number(1, 4), name=choose("Ann", "Bob", "Cid")),
            number(1, 4),
        ),
        """
        find_by_id lookup_name name_for (ROWS, TARGET)
        Name of the first of ROWS whose id is TARGET; None if there is none.
        for ROW in ROWS:
            if ROW['id'] == TARGET:
                return ROW['name']
        return None
        """,
    ),
    _t(
        args(words, choose("a", "b", "B", "re", "Zo", "", "o")),
        """
        matching suggest with_prefix (WORDS, PREFIX)
        WORDS that begin with PREFIX in any case, sorted.
        PREFIX2 = PREFIX.lower()
        OUT = []
        for W in WORDS:
            if W.lower().startswith(PREFIX2):
                OUT.append(W)
        return sorted(OUT)
        """,
    ),
    _t(
        args(list_of(number(0, 3), 0, 6)),
        """
        most_common mode most_frequent (ITEMS)
        Most frequent of ITEMS, the smallest of equally frequent ones; None if empty.
        BEST = None
        for X in sorted(set(ITEMS)):
            if BEST is None or ITEMS.count(X) > ITEMS.count(BEST):
                BEST = X
        return BEST
        """,
    ),
    _t(
        args(list_of(number(0, 4), 0, 5)),
        """
        first_duplicate first_repeat repeated_value (ITEMS)
        First of ITEMS that occurred before; None if there is none.
        SEEN = set()
        for X in ITEMS:
            if X in SEEN:
                return X
            SEEN.add(X)
        return None
        """,
    ),
    _t(
        args(text_of("aabbcd", 0, 7)),
        """
        first_unique unique_letter first_single (TEXT)
        First character that occurs exactly once in TEXT; empty text if there is none.
        for CHAR in TEXT:
            if TEXT.count(CHAR) == 1:
                return CHAR
        return ''
        """,
    ),
    _t(
        args(list_of(span(0, 9), 0, 4), small_int),
        """
        find_range containing_range range_index (PAIRS, X)
        Index of the first range with X, start inclusive and end exclusive; -1 if none.
        for I, (START, END) in enumerate(PAIRS):
            if START <= X < END:
                return I
        return -1
        """,
    ),
    _t(
        args(signed_ints, number(0, 12)),
        """
        reaches first_reach when_reached (ITEMS, LIMIT)
        First index at which the running sum of ITEMS is at least LIMIT; -1 if never.
        TOTAL = 0
        for I, X in enumerate(ITEMS):
            TOTAL += X
            if TOTAL >= LIMIT:
                return I
        return -1
        """,
    ),
    _t(
        args(dict_of(choose("red", "bee", "owl", "sun"), number(0, 3), 0, 5), number(0, 3)),
        """
        key_for_value find_key reverse_lookup (TABLE, VAL)
        First key of TABLE with the value VAL; empty text if there is none.
        for KEY in TABLE:
            if TABLE[KEY] == VAL:
                return KEY
        return ''
        """,
    ),
)
