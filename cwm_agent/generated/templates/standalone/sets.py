"""Stand-alone templates about sets and membership."""

from __future__ import annotations

from cwm_agent.generated.templates.pools import args, text, words
from cwm_agent.generated.templates.standalone.makers import (
    dict_of,
    list_of,
    number,
    text_of,
    tuple_of,
)
from cwm_agent.generated.templates.standalone.writer import writer

_t = writer("sets")
_few = list_of(number(0, 4), 0, 5)

TEMPLATES = (
    _t(
        args(_few, _few),
        """
        common shared_values intersection (ITEMS, OTHERS)
        Values that are in both lists, each once, in ascending order.
        return sorted(set(ITEMS) & set(OTHERS))
        """,
    ),
    _t(
        args(_few, _few),
        """
        only_in_first missing_in_second difference (ITEMS, OTHERS)
        Values of ITEMS that are not in OTHERS, each once, in ascending order.
        return sorted(set(ITEMS) - set(OTHERS))
        """,
    ),
    _t(
        args(_few, _few),
        """
        in_one_only symmetric_difference not_shared (ITEMS, OTHERS)
        Values that are in exactly one of both lists, in ascending order.
        return sorted(set(ITEMS) ^ set(OTHERS))
        """,
    ),
    _t(
        args(_few, _few),
        """
        union all_values combined (ITEMS, OTHERS)
        Values that are in at least one of both lists, in ascending order.
        return sorted(set(ITEMS) | set(OTHERS))
        """,
    ),
    _t(
        args(list_of(number(0, 3), 0, 3), _few),
        """
        contains_all is_subset covered_by (ITEMS, OTHERS)
        True if every value of ITEMS is also in OTHERS; True for no ITEMS.
        return all(X in OTHERS for X in ITEMS)
        """,
    ),
    _t(
        args(_few, list_of(number(2, 7), 0, 3)),
        """
        disjoint nothing_shared no_overlap (ITEMS, OTHERS)
        True if no value is in both lists.
        for X in ITEMS:
            if X in OTHERS:
                return False
        return True
        """,
    ),
    _t(
        args(list_of(number(0, 4), 0, 7)),
        """
        unique distinct without_duplicates (ITEMS)
        Each value of ITEMS once, in the order of the first occurrences.
        SEEN = set()
        OUT = []
        for X in ITEMS:
            if X not in SEEN:
                SEEN.add(X)
                OUT.append(X)
        return OUT
        """,
    ),
    _t(
        args(list_of(number(0, 4), 0, 7)),
        """
        keep_last unique_from_end latest_of_each (ITEMS)
        Each value of ITEMS once, in the order of the last occurrences.
        OUT = []
        for X in reversed(ITEMS):
            if X not in OUT:
                OUT.append(X)
        return OUT[::-1]
        """,
    ),
    _t(
        args(list_of(number(0, 4), 0, 7)),
        """
        repeated duplicates found_twice (ITEMS)
        Values that occur at least 2 times in ITEMS, each once, in ascending order.
        OUT = set()
        for X in ITEMS:
            if ITEMS.count(X) >= 2:
                OUT.add(X)
        return sorted(OUT)
        """,
    ),
    _t(
        args(list_of(number(0, 4), 0, 7)),
        """
        singles only_once unpaired (ITEMS)
        Values that occur exactly once in ITEMS, in order.
        return [X for X in ITEMS if ITEMS.count(X) == 1]
        """,
    ),
    _t(
        args(list_of(number(0, 3), 0, 2), list_of(number(0, 3), 0, 2)),
        """
        similarity overlap_percent likeness (ITEMS, OTHERS)
        Percent of the values of both lists that are in both, rounded down; 100 if empty.
        A, B = set(ITEMS), set(OTHERS)
        if not A | B:
            return 100
        return len(A & B) * 100 // len(A | B)
        """,
    ),
    _t(
        args(text),
        """
        distinct_words count_different vocabulary_size (TEXT)
        Number of different words of TEXT, in lower case.
        return len(set(TEXT.lower().split()))
        """,
    ),
    _t(
        args(text_of("abcde", 0, 6), text_of("abcde", 0, 6)),
        """
        shared_letters letters_in_both common_letters (TEXT, TEXT2)
        Letters that are in both texts, each once, in ascending order as one text.
        return ''.join(sorted(set(TEXT) & set(TEXT2)))
        """,
    ),
    _t(
        args(list_of(list_of(number(0, 3), 1, 4), 1, 3)),
        """
        in_every_list common_to_all in_all (ROWS)
        Values that are in all lists of ROWS, in ascending order.
        OUT = set(ROWS[0])
        for ROW in ROWS[1:]:
            OUT &= set(ROW)
        return sorted(OUT)
        """,
    ),
    _t(
        args(words),
        """
        has_duplicates repeats_ignoring_case any_twice (WORDS)
        True if two of WORDS are equal in lower case.
        SEEN = set()
        for W in WORDS:
            if W.lower() in SEEN:
                return True
            SEEN.add(W.lower())
        return False
        """,
    ),
    _t(
        args(list_of(tuple_of(number(0, 4), number(0, 4)), 0, 4), number(0, 4)),
        """
        linked_to neighbours_of friends (PAIRS, X)
        Values that stand in a tuple of PAIRS together with X, in ascending order.
        OUT = set()
        for A, B in PAIRS:
            if A == X:
                OUT.add(B)
            if B == X:
                OUT.add(A)
        return sorted(OUT)
        """,
    ),
    _t(
        args(dict_of(number(0, 4), list_of(number(0, 4), 0, 3), 0, 4), number(0, 4)),
        """
        reachable within_two_steps near (TABLE, START)
        Values reached from START in one or two steps through the lists of TABLE, sorted.
        OUT = set(TABLE.get(START, []))
        for X in TABLE.get(START, []):
            OUT.update(TABLE.get(X, []))
        return sorted(OUT)
        """,
    ),
)
