"""Where the numbers, words and characters of the templates come from."""

from __future__ import annotations

from cwm_agent.generated.templates.composed.engine import Source

_IN = ("values in ITEMS", "numbers in ITEMS", "values in ITEMS", "entries of ITEMS")


def _part(key: str, code: str, *says: str, needs: tuple[str, ...] = ()) -> Source:
    return Source(key, (f"for X in {code}",), "X", says, ("ITEMS", *needs), "values")


ITEMS = Source("", ("for X in ITEMS",), "X", _IN, ("ITEMS",), "values")

PARTS = (
    _part("tail", "ITEMS[1:]", "values in ITEMS (without the first)"),
    _part("front", "ITEMS[:-1]", "values in ITEMS (without the last)"),
    _part("head", "ITEMS[:N2]", "values in ITEMS (only the first N2)", needs=("N2",)),
    _part("ending", "ITEMS[-N2:]", "values in ITEMS (only the last N2)", needs=("N2",)),
    _part("later", "ITEMS[N2:]", "values in ITEMS (without the first N2)", needs=("N2",)),
    _part("before", "ITEMS[:-N2]", "values in ITEMS (without the last N2)", needs=("N2",)),
    _part("even_places", "ITEMS[::2]", "values in ITEMS (only even positions)"),
    _part("odd_places", "ITEMS[1::2]", "values in ITEMS (only odd positions)"),
    _part("spaced", "ITEMS[::STEP2]", "values in ITEMS (only every STEP2-th, from the first)",
          needs=("STEP2",)),
    _part("sorted", "sorted(ITEMS)", "values in ITEMS (taken in ascending order)"),
    _part("backwards", "ITEMS[::-1]", "values in ITEMS (taken from the end)"),
    _part("distinct", "sorted(set(ITEMS))", "distinct values in ITEMS (taken in ascending order)"),
    _part("joined", "ITEMS + ITEMS2", "values in ITEMS and then ITEMS2", needs=("ITEMS2",)),
)  # fmt: skip

PLACES = (
    Source("where", ("for I, X in enumerate(ITEMS)",), "I", ("positions in ITEMS",), ("ITEMS",),
           "positions", "X", "whose value"),
    Source("at", ("for I, X in enumerate(ITEMS)",), "X", _IN, ("ITEMS",), "values", "I",
           "whose position"),
    Source("at_one", ("for I, X in enumerate(ITEMS, 1)",), "X", _IN, ("ITEMS",), "values", "I",
           "whose position counted from 1"),
    Source("weighted", ("for I, X in enumerate(ITEMS)",), "I * X",
           ("products of position and value in ITEMS",), ("ITEMS",), "weights", "X", "whose value"),
)  # fmt: skip

TWO = (
    Source("sums", ("for A, B in zip(ITEMS, ITEMS2)",), "A + B",
           ("sums of paired values of ITEMS and ITEMS2",), ("ITEMS", "ITEMS2"), "sums"),
    Source("products", ("for A, B in zip(ITEMS, ITEMS2)",), "A * B",
           ("products of paired values of ITEMS and ITEMS2",), ("ITEMS", "ITEMS2"), "products"),
    Source("excess", ("for A, B in zip(ITEMS, ITEMS2)",), "A - B",
           ("paired differences ITEMS minus ITEMS2",), ("ITEMS", "ITEMS2"), "differences"),
    Source("larger", ("for A, B in zip(ITEMS, ITEMS2)",), "max(A, B)",
           ("larger values of each pair from ITEMS and ITEMS2",), ("ITEMS", "ITEMS2"), "larger"),
    Source("smaller", ("for A, B in zip(ITEMS, ITEMS2)",), "min(A, B)",
           ("smaller values of each pair from ITEMS and ITEMS2",), ("ITEMS", "ITEMS2"), "smaller"),
    Source("partner", ("for A, B in zip(ITEMS, ITEMS2)",), "A", ("values in ITEMS",),
           ("ITEMS", "ITEMS2"), "values", "B", "whose partner in ITEMS2"),
    Source("partner_of", ("for A, B in zip(ITEMS, ITEMS2)",), "B", ("values in ITEMS2",),
           ("ITEMS", "ITEMS2"), "values", "A", "whose partner in ITEMS"),
)  # fmt: skip

NEIGHBOURS = (
    Source("growth", ("for A, B in zip(ITEMS, ITEMS[1:])",), "B - A",
           ("differences (next minus current) of neighbours in ITEMS",), ("ITEMS",), "steps"),
    Source("drops", ("for A, B in zip(ITEMS, ITEMS[1:])",), "A - B",
           ("differences (current minus next) of neighbours in ITEMS",), ("ITEMS",), "drops"),
    Source("gaps", ("for A, B in zip(ITEMS, ITEMS[1:])",), "abs(A - B)",
           ("distances between neighbours in ITEMS",), ("ITEMS",), "gaps"),
    Source("near_sums", ("for A, B in zip(ITEMS, ITEMS[1:])",), "A + B",
           ("sums of neighbours in ITEMS",), ("ITEMS",), "sums"),
    Source("near_products", ("for A, B in zip(ITEMS, ITEMS[1:])",), "A * B",
           ("products of neighbours in ITEMS",), ("ITEMS",), "products"),
    Source("after", ("for A, B in zip(ITEMS, ITEMS[1:])",), "B", ("values in ITEMS",), ("ITEMS",),
           "values", "A", "whose previous value"),
    Source("followed", ("for A, B in zip(ITEMS, ITEMS[1:])",), "A", ("values in ITEMS",),
           ("ITEMS",), "values", "B", "whose next value"),
    Source("skip_one", ("for A, B in zip(ITEMS, ITEMS[2:])",), "B - A",
           ("differences (later minus earlier) of values two apart in ITEMS",), ("ITEMS",),
           "steps"),
)  # fmt: skip

RANGES = (
    Source("to", ("for I in range(LOW, HIGH + 1)",), "I", ("numbers from LOW to HIGH inclusive",),
           ("LOW", "HIGH"), "range"),
    Source("below", ("for I in range(LOW, HIGH)",), "I",
           ("numbers from LOW up to but excluding HIGH",), ("LOW", "HIGH"), "range"),
    Source("within", ("for I in range(LOW + 1, HIGH)",), "I",
           ("numbers strictly between LOW and HIGH",), ("LOW", "HIGH"), "range"),
    Source("from_one", ("for I in range(1, N8 + 1)",), "I", ("numbers from 1 to N8 inclusive",),
           ("N8",), "numbers"),
    Source("under", ("for I in range(N8)",), "I", ("numbers from 0 up to but excluding N8",),
           ("N8",), "numbers"),
    Source("steps", ("for I in range(LOW, HIGH + 1, STEP2)",), "I",
           ("numbers from LOW to HIGH inclusive in steps of STEP2",), ("LOW", "HIGH", "STEP2"),
           "steps"),
    Source("down", ("for I in range(HIGH, LOW - 1, -1)",), "I",
           ("numbers from HIGH down to LOW inclusive",), ("LOW", "HIGH"), "range"),
    Source("digits", ("for CHAR in str(N9)",), "int(CHAR)", ("digits of N9",), ("N9",), "digits"),
    Source("digits_back", ("for CHAR in reversed(str(N9))",), "int(CHAR)",
           ("digits of N9 (taken from the last)",), ("N9",), "digits"),
    Source("divisors", ("for I in range(1, N7 + 1)", "if N7 % I == 0"), "I",
           ("divisors of N7",), ("N7",), "divisors"),
    Source("divisors_of", ("for I in range(2, N7)", "if N7 % I == 0"), "I",
           ("divisors of N7 (other than 1 and N7)",), ("N7",), "divisors"),
)  # fmt: skip

TABLES = (
    Source("values", ("for VAL in TABLE.values()",), "VAL", ("values of TABLE",), ("TABLE",),
           "values"),
    Source("item_values", ("for KEY, VAL in TABLE.items()",), "VAL", ("values of TABLE",),
           ("TABLE",), "values", "KEY", "whose key"),
    Source("keys", ("for KEY, VAL in TABLE.items()",), "KEY", ("keys of TABLE",), ("TABLE",),
           "keys", "VAL", "whose value"),
    Source("only_keys", ("for KEY in TABLE",), "KEY", ("keys of TABLE",), ("TABLE",), "keys"),
    Source("entries", ("for KEY, VAL in TABLE.items()",), "(KEY, VAL)",
           ("(key, value) tuples of TABLE",), ("TABLE",), "entries", "VAL", "whose value"),
    Source("entries_key", ("for KEY, VAL in TABLE.items()",), "(KEY, VAL)",
           ("(key, value) tuples of TABLE",), ("TABLE",), "entries", "KEY", "whose key"),
    Source("looked_up", ("for KEY in WORDS",), "TABLE.get(KEY, 0)",
           ("values in TABLE (0 if missing) of the words in WORDS",), ("TABLE", "WORDS"), "values"),
    Source("both", ("for KEY in TABLE", "if KEY in TABLE2"), "TABLE[KEY] + TABLE2[KEY]",
           ("summed values of the keys in both TABLE and TABLE2",), ("TABLE", "TABLE2"), "sums"),
    Source("change", ("for KEY, VAL in TABLE.items()",), "TABLE2.get(KEY, 0) - VAL",
           ("differences TABLE2 (0 if missing) minus TABLE per key of TABLE",), ("TABLE", "TABLE2"),
           "changes"),
)  # fmt: skip

PAIRS = (
    Source("second", ("for KEY, VAL in PAIRS",), "VAL", ("second parts of PAIRS",), ("PAIRS",),
           "seconds"),
    Source("second_of", ("for KEY, VAL in PAIRS",), "VAL", ("second parts of PAIRS",), ("PAIRS",),
           "seconds", "KEY", "whose first part"),
    Source("first", ("for KEY, VAL in PAIRS",), "KEY", ("first parts of PAIRS",), ("PAIRS",),
           "firsts", "VAL", "whose second part"),
    Source("only_first", ("for KEY, VAL in PAIRS",), "KEY", ("first parts of PAIRS",), ("PAIRS",),
           "firsts"),
    Source("whole", ("for PAIR in PAIRS",), "PAIR", ("pairs in PAIRS",), ("PAIRS",), "pairs",
           "PAIR[1]", "whose second part"),
    Source("whole_first", ("for PAIR in PAIRS",), "PAIR", ("pairs in PAIRS",), ("PAIRS",), "pairs",
           "PAIR[0]", "whose first part"),
    Source("swapped", ("for KEY, VAL in PAIRS",), "(VAL, KEY)", ("swapped pairs of PAIRS",),
           ("PAIRS",), "pairs", "VAL", "whose second part"),
)  # fmt: skip

GRIDS = (
    Source("cells", ("for ROW in GRID", "for X in ROW"), "X", ("numbers in the rows of GRID",),
           ("GRID",), "cells"),
    Source("row_sums", ("for ROW in GRID",), "sum(ROW)", ("row sums of GRID",), ("GRID",), "rows"),
    Source("row_tops", ("for ROW in GRID",), "max(ROW)", ("row maximums of GRID",), ("GRID",),
           "rows"),
    Source("row_lows", ("for ROW in GRID",), "min(ROW)", ("row minimums of GRID",), ("GRID",),
           "rows"),
    Source("row_first", ("for ROW in GRID",), "ROW[0]", ("first numbers of the rows of GRID",),
           ("GRID",), "column"),
    Source("row_last", ("for ROW in GRID",), "ROW[-1]", ("last numbers of the rows of GRID",),
           ("GRID",), "column"),
    Source("columns", ("for ROW in zip(*GRID)",), "sum(ROW)", ("column sums of GRID",), ("GRID",),
           "columns"),
    Source("column_tops", ("for ROW in zip(*GRID)",), "max(ROW)", ("column maximums of GRID",),
           ("GRID",), "columns"),
    Source("rows_sum", ("for ROW in GRID",), "ROW", ("rows of GRID",), ("GRID",), "rows",
           "sum(ROW)", "whose sum"),
    Source("rows_first", ("for ROW in GRID",), "ROW", ("rows of GRID",), ("GRID",), "rows",
           "ROW[0]", "whose first number"),
    Source("sums_last", ("for ROW in GRID",), "sum(ROW)", ("sums of the rows of GRID",), ("GRID",),
           "rows", "ROW[-1]", "whose last number"),
    Source("lasts_first", ("for ROW in GRID",), "ROW[-1]", ("last numbers of rows of GRID",),
           ("GRID",), "rows", "ROW[0]", "whose first number"),
    Source("row_places", ("for I, ROW in enumerate(GRID)",), "I", ("row positions of GRID",),
           ("GRID",), "rows", "sum(ROW)", "whose row sum"),
)  # fmt: skip
