"""Stand-alone templates about records: dictionaries with fixed fields."""

from __future__ import annotations

from cwm_agent.generated.templates.pools import args, small_int
from cwm_agent.generated.templates.standalone.makers import (
    choose,
    dict_of,
    list_of,
    maybe,
    number,
    rows,
)
from cwm_agent.generated.templates.standalone.writer import writer

_t = writer("records")
_people = rows(
    0, 5, name=choose("Ann", "Bob", "Cid", "Dee"), age=number(16, 20), city=choose("Rom", "Ulm")
)
_orders = rows(0, 4, id=number(1, 4), total=number(0, 9), paid=choose(True, False))
_parts = rows(0, 4, code=choose("a1", "b2", "c3"), stock=number(0, 5), needed=number(0, 5))

TEMPLATES = (
    _t(
        args(_people),
        """
        adults grown_up_names names_of_adults (ROWS)
        Names of ROWS with an age of at least 18, in order.
        return [ROW['name'] for ROW in ROWS if ROW['age'] >= 18]
        """,
    ),
    _t(
        args(_people),
        """
        names_by_city group_by_city cities (ROWS)
        Dictionary from each city to the names of ROWS there, in order.
        GROUPS = {}
        for ROW in ROWS:
            GROUPS.setdefault(ROW['city'], []).append(ROW['name'])
        return GROUPS
        """,
    ),
    _t(
        args(_people),
        """
        average_age mean_age typical_age (ROWS)
        Average age of ROWS, rounded down; 0 if there are none.
        if not ROWS:
            return 0
        return sum(ROW['age'] for ROW in ROWS) // len(ROWS)
        """,
    ),
    _t(
        args(_people),
        """
        youngest youngest_name name_of_youngest (ROWS)
        Name in the first of ROWS with the smallest age; empty text if there are none.
        BEST = None
        for ROW in ROWS:
            if BEST is None or ROW['age'] < BEST['age']:
                BEST = ROW
        return BEST['name'] if BEST else ''
        """,
    ),
    _t(
        args(_people, choose("Rom", "Ulm")),
        """
        count_in_city residents people_in_city (ROWS, TARGET)
        Number of ROWS whose city is TARGET.
        return sum(1 for ROW in ROWS if ROW['city'] == TARGET)
        """,
    ),
    _t(
        args(_orders),
        """
        open_amount unpaid_total still_owed (ROWS)
        Sum of the totals of ROWS that are not paid.
        return sum(ROW['total'] for ROW in ROWS if not ROW['paid'])
        """,
    ),
    _t(
        args(_orders),
        """
        totals_by_id index_orders by_id (ROWS)
        Dictionary from id to total; of equal ids the first of ROWS counts.
        OUT = {}
        for ROW in ROWS:
            if ROW['id'] not in OUT:
                OUT[ROW['id']] = ROW['total']
        return OUT
        """,
    ),
    _t(
        args(_orders, number(1, 4)),
        """
        mark_paid with_payment set_paid (ROWS, TARGET)
        Copies of ROWS in which those with id TARGET are paid.
        OUT = []
        for ROW in ROWS:
            FLAG = ROW['paid'] or ROW['id'] == TARGET
            OUT.append({**ROW, 'paid': FLAG})
        return OUT
        """,
    ),
    _t(
        args(_orders, number(1, 4)),
        """
        remove_order without_id delete_record (ROWS, TARGET)
        ROWS whose id is not TARGET, in order.
        return [ROW for ROW in ROWS if ROW['id'] != TARGET]
        """,
    ),
    _t(
        args(_orders),
        """
        next_id new_id free_id (ROWS)
        Greatest id of ROWS plus 1; 1 if there are none.
        if not ROWS:
            return 1
        return max(ROW['id'] for ROW in ROWS) + 1
        """,
    ),
    _t(
        args(_parts),
        """
        shortages missing_parts to_order (ROWS)
        Dictionary from code to needed minus stock where more is needed than in stock.
        OUT = {}
        for ROW in ROWS:
            N = ROW['needed'] - ROW['stock']
            if N > 0:
                OUT[ROW['code']] = N
        return OUT
        """,
    ),
    _t(
        args(_parts),
        """
        buildable sets_possible can_build (ROWS)
        Smallest stock divided by needed, rounded down, where needed is not 0; 0 if there is none.
        ITEMS = []
        for ROW in ROWS:
            if ROW['needed'] > 0:
                ITEMS.append(ROW['stock'] // ROW['needed'])
        return min(ITEMS, default=0)
        """,
    ),
    _t(
        args(_parts),
        """
        in_stock_codes available_codes sellable (ROWS)
        Sorted different codes of ROWS with a stock greater than 0.
        SEEN = set()
        for ROW in ROWS:
            if ROW['stock'] > 0:
                SEEN.add(ROW['code'])
        return sorted(SEEN)
        """,
    ),
    _t(
        args(rows(0, 4, name=choose("Ann", "Bob"), score=maybe(number(0, 5)))),
        """
        known_scores valid_scores given_scores (ROWS)
        Scores of ROWS that are not None, greatest first.
        OUT = [ROW['score'] for ROW in ROWS]
        OUT = [X for X in OUT if X is not None]
        return sorted(OUT, reverse=True)
        """,
    ),
    _t(
        args(dict_of(choose("a", "b", "c", "d"), maybe(number(0, 5)), 0, 5)),
        """
        drop_empty clean_record without_none (ROW)
        Entries of ROW whose value is not None.
        OUT = {}
        for KEY, VAL in ROW.items():
            if VAL is not None:
                OUT[KEY] = VAL
        return OUT
        """,
    ),
    _t(
        args(
            list_of(choose("name", "age", "city"), 1, 3),
            list_of(choose("Ann", "Bob", "7"), 1, 3),
        ),
        """
        to_record make_record zip_fields (WORDS, ITEMS)
        Dictionary of the names WORDS with ITEMS at the same position; missing ones are None.
        OUT = {}
        for I, W in enumerate(WORDS):
            OUT[W] = ITEMS[I] if I < len(ITEMS) else None
        return OUT
        """,
    ),
    _t(
        args(rows(0, 4, team=choose("red", "sun"), points=number(0, 3)), small_int),
        """
        team_totals points_by_team standings (ROWS, LIMIT)
        Sum of the points of each team in ROWS; teams with less than LIMIT are left out.
        OUT = {}
        for ROW in ROWS:
            KEY = ROW['team']
            OUT[KEY] = OUT.get(KEY, 0) + ROW['points']
        return {A: B for A, B in OUT.items() if B >= LIMIT}
        """,
    ),
)
