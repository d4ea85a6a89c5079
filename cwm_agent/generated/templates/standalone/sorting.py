"""Stand-alone templates about sorting and ranking."""

from __future__ import annotations

from cwm_agent.generated.templates.pools import args, ints, signed_ints, small_int, table, words
from cwm_agent.generated.templates.standalone.makers import (
    choose,
    dict_of,
    list_of,
    number,
    rows,
    sorted_of,
    text_of,
    tuple_of,
)
from cwm_agent.generated.templates.standalone.writer import writer

_t = writer("sorting")
_people = rows(0, 4, name=choose("Ann", "Bob", "Cid"), age=number(1, 4))

TEMPLATES = (
    _t(
        args(words),
        """
        by_length_then_text sort_by_length (WORDS)
        Sorts WORDS by length; equally long ones in alphabetical order.
        return sorted(WORDS, key=lambda W: (len(W), W))
        """,
    ),
    _t(
        args(words),
        """
        longest_first sort_longest order_words (WORDS)
        Sorts WORDS by length, longest first; equally long ones keep their order.
        return sorted(WORDS, key=len, reverse=True)
        """,
    ),
    _t(
        args(words),
        """
        ignore_case sort_names alphabetical (WORDS)
        Sorts WORDS in alphabetical order as if all were in lower case.
        return sorted(WORDS, key=str.lower)
        """,
    ),
    _t(
        args(ints, small_int),
        """
        insert_sorted add_in_order put_in_place (ITEMS, X)
        Sorts ITEMS and inserts X before the first element that is at least X.
        OUT = sorted(ITEMS)
        I = 0
        for X2 in OUT:
            if X2 < X:
                I += 1
        return OUT[:I] + [X] + OUT[I:]
        """,
    ),
    _t(
        args(ints),
        """
        bubble_pass one_pass bubble_once (ITEMS)
        Goes once through ITEMS and swaps neighbours of which the first is greater.
        OUT = ITEMS[:]
        for I in range(len(OUT) - 1):
            A, B = OUT[I], OUT[I + 1]
            if A > B:
                OUT[I], OUT[I + 1] = B, A
        return OUT
        """,
    ),
    _t(
        args(ints),
        """
        selection_sort sort_ascending order_list (ITEMS)
        Sorts ITEMS in ascending order by moving the smallest remaining one to the end.
        ITEMS2 = ITEMS[:]
        OUT = []
        for _ in range(len(ITEMS)):
            X = min(ITEMS2)
            ITEMS2.remove(X)
            OUT.append(X)
        return OUT
        """,
    ),
    _t(
        args(sorted_of(ints), sorted_of(ints)),
        """
        merge_sorted merge combine_sorted (ITEMS, OTHERS)
        Merges two sorted lists into one in ascending order.
        OUT = []
        LAST = 0
        for X in ITEMS:
            COUNT = sum(X2 < X for X2 in OTHERS)
            OUT += OTHERS[LAST:COUNT] + [X]
            LAST = COUNT
        return OUT + OTHERS[LAST:]
        """,
    ),
    _t(
        args(list_of(number(0, 2), 0, 4)),
        """
        is_sorted ascending in_order (ITEMS)
        True if no element of ITEMS is greater than the next one.
        for A, B in zip(ITEMS, ITEMS[1:]):
            if A > B:
                return False
        return True
        """,
    ),
    _t(
        args(list_of(number(0, 3), 0, 3)),
        """
        strictly_descending falling always_less (ITEMS)
        True if each of ITEMS is greater than the next one.
        return all(A > B for A, B in zip(ITEMS, ITEMS[1:]))
        """,
    ),
    _t(
        args(list_of(number(0, 4), 0, 5)),
        """
        ranks rank_all places (ITEMS)
        For each of ITEMS 1 plus the number of elements that are greater.
        OUT = []
        for X in ITEMS:
            OUT.append(1 + sum(X2 > X for X2 in ITEMS))
        return OUT
        """,
    ),
    _t(
        args(list_of(number(0, 4), 0, 5)),
        """
        sorted_indexes order_of argsort (ITEMS)
        Indexes of ITEMS in the order that sorts them ascending; equal ones keep their order.
        return sorted(range(len(ITEMS)), key=lambda I: ITEMS[I])
        """,
    ),
    _t(
        args(_people),
        """
        oldest_first sort_people by_age (ROWS)
        Sorts ROWS by age, greatest first; those of equal age by name.
        OUT = sorted(ROWS, key=lambda ROW: ROW['name'])
        return sorted(OUT, key=lambda ROW: -ROW['age'])
        """,
    ),
    _t(
        args(dict_of(text_of("abcd", 1, 2), number(0, 5), 0, 15)),
        """
        top_keys best_keys leaders (TABLE)
        The K keys of TABLE with the greatest values, greatest first; equal ones by key.
        WORDS = sorted(TABLE)
        WORDS.sort(key=lambda KEY: -TABLE[KEY])
        return WORDS[:K]
        """,
    ),
    _t(
        args(table),
        """
        sorted_entries entries_by_value (TABLE)
        Entries of TABLE as tuples in ascending order of their values.
        return sorted(TABLE.items(), key=lambda PAIR: PAIR[1])
        """,
    ),
    _t(
        args(signed_ints),
        """
        negatives_first partition_sign split_order (ITEMS)
        ITEMS less than 0 first, then all others, both in their order.
        OUT = [X for X in ITEMS if X < 0]
        return OUT + [X for X in ITEMS if X >= 0]
        """,
    ),
    _t(
        args(ints, small_int),
        """
        nearest_first by_distance closest_first (ITEMS, TARGET)
        Sorts ITEMS by their distance to TARGET, nearest first.
        return sorted(ITEMS, key=lambda X: abs(X - TARGET))
        """,
    ),
    _t(
        args(ints),
        """
        zeros_last move_zeros push_zeros (ITEMS)
        Moves all zeros of ITEMS to the end; the others keep their order.
        OUT = [X for X in ITEMS if X != 0]
        return OUT + [0] * (len(ITEMS) - len(OUT))
        """,
    ),
    _t(
        args(list_of(tuple_of(number(0, 3), number(0, 3)), 0, 5)),
        """
        by_second sort_by_second order_pairs (PAIRS)
        Sorts PAIRS by the second value ascending, equal ones by the first descending.
        return sorted(PAIRS, key=lambda PAIR: (PAIR[1], -PAIR[0]))
        """,
    ),
    _t(
        args(ints),
        """
        evens_then_odds even_first by_parity (ITEMS)
        Sorts ITEMS ascending, but all even ones before all odd ones.
        return sorted(ITEMS, key=lambda X: (X % 2, X))
        """,
    ),
    _t(
        args(ints),
        """
        middle_value median lower_median (ITEMS)
        Element in the middle of sorted ITEMS, the upper one of two; 0 if empty.
        if not ITEMS:
            return 0
        return sorted(ITEMS)[len(ITEMS) // 2]
        """,
    ),
)
