"""Stand-alone templates about pairs of values."""

from __future__ import annotations

from cwm_agent.generated.templates.pools import args, ints, signed_ints, small_int, word
from cwm_agent.generated.templates.standalone.makers import (
    list_of,
    number,
    same_length,
    span,
    tuple_of,
)
from cwm_agent.generated.templates.standalone.writer import writer

_t = writer("pairs")
_pairs = list_of(tuple_of(number(0, 5), number(0, 5)))
_named = list_of(tuple_of(word, number(0, 9)))

TEMPLATES = (
    _t(
        args(ints),
        """
        neighbours adjacent_pairs consecutive (ITEMS)
        Each of ITEMS with the next one as a tuple; empty for less than two.
        return list(zip(ITEMS, ITEMS[1:]))
        """,
    ),
    _t(
        args(list_of(number(0, 9), 0, 4)),
        """
        all_pairs combinations_of_two (ITEMS)
        All pairs of two different positions of ITEMS, the earlier element first.
        OUT = []
        for I in range(len(ITEMS)):
            for I2 in range(I + 1, len(ITEMS)):
                OUT.append((ITEMS[I], ITEMS[I2]))
        return OUT
        """,
    ),
    _t(
        args(list_of(number(0, 6), 0, 6), number(3, 9)),
        """
        count_pairs_with_sum pair_count (ITEMS, TARGET)
        Number of pairs of different positions of ITEMS whose sum is TARGET.
        COUNT = 0
        for I, A in enumerate(ITEMS):
            for B in ITEMS[I + 1:]:
                if A + B == TARGET:
                    COUNT += 1
        return COUNT
        """,
    ),
    _t(
        args(list_of(number(0, 6), 0, 6), number(3, 9)),
        """
        two_sum indexes_with_sum find_pair (ITEMS, TARGET)
        Indexes of the first pair with sum TARGET, as a tuple; None if there is none.
        SEEN = {}
        for I, X in enumerate(ITEMS):
            if TARGET - X in SEEN:
                return SEEN[TARGET - X], I
            SEEN[X] = I
        return None
        """,
    ),
    _t(
        args(_pairs),
        """
        swap_each flip_pairs swap_pairs (PAIRS)
        Swaps the two values of every tuple in PAIRS.
        return [(B, A) for A, B in PAIRS]
        """,
    ),
    _t(
        args(_pairs),
        """
        order_each sort_pairs normalize (PAIRS)
        Every tuple of PAIRS with its smaller value first.
        return [(min(A, B), max(A, B)) for A, B in PAIRS]
        """,
    ),
    _t(
        args(_pairs),
        """
        unzip split_pairs two_lists (PAIRS)
        List of all first values and list of all second values of PAIRS.
        ITEMS = [A for A, B in PAIRS]
        OTHERS = [B for A, B in PAIRS]
        return ITEMS, OTHERS
        """,
    ),
    _t(
        args(_pairs),
        """
        dot_product weighted_sum (PAIRS)
        Sum of the products of the two values of each tuple.
        TOTAL = 0
        for A, B in PAIRS:
            TOTAL += A * B
        return TOTAL
        """,
    ),
    _t(
        args(_named),
        """
        top_name name_of_best winner_of (PAIRS)
        Name in the tuple with the greatest number, the first of equal ones; None if empty.
        if not PAIRS:
            return None
        return max(PAIRS, key=lambda PAIR: PAIR[1])[0]
        """,
    ),
    _t(
        args(_named),
        """
        to_totals sum_by_name (PAIRS)
        Dictionary from each name to the sum of its numbers in PAIRS.
        OUT = {}
        for KEY, VAL in PAIRS:
            OUT[KEY] = OUT.get(KEY, 0) + VAL
        return OUT
        """,
    ),
    _t(
        args(_named, small_int),
        """
        names_from_limit qualified_names passed (PAIRS, LIMIT)
        Names of the tuples whose number is at least LIMIT, in order.
        return [W for W, X in PAIRS if X >= LIMIT]
        """,
    ),
    _t(
        same_length(number(0, 9), number(0, 9)),
        """
        count_greater wins_of_first (ITEMS, OTHERS)
        Number of positions at which ITEMS has a greater value than OTHERS.
        return sum(A > B for A, B in zip(ITEMS, OTHERS))
        """,
    ),
    _t(
        same_length(number(0, 9), number(0, 9)),
        """
        pairwise_max greater_of_each (ITEMS, OTHERS)
        At each position the greater value of ITEMS and OTHERS.
        return [max(A, B) for A, B in zip(ITEMS, OTHERS)]
        """,
    ),
    _t(
        args(signed_ints),
        """
        differences deltas changes (ITEMS)
        Difference of each of ITEMS to the one before; empty for less than two.
        return [B - A for A, B in zip(ITEMS, ITEMS[1:])]
        """,
    ),
    _t(
        args(span(), span()),
        """
        overlap shared_length (PAIR, PAIR2)
        Length of the part that two ranges share, as end minus start; 0 if there is none.
        START = max(PAIR[0], PAIR2[0])
        END = min(PAIR[1], PAIR2[1])
        return max(0, END - START)
        """,
    ),
    _t(
        args(list_of(span(0, 9), 0, 4), small_int),
        """
        count_covering ranges_with (PAIRS, X)
        Number of ranges that contain X, both ends inclusive.
        COUNT = 0
        for LOW, HIGH in PAIRS:
            if LOW <= X <= HIGH:
                COUNT += 1
        return COUNT
        """,
    ),
)
