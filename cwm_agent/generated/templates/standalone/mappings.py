"""Stand-alone templates about dictionaries."""

from __future__ import annotations

from cwm_agent.generated.templates.pools import args, small_int, table, text, word, words
from cwm_agent.generated.templates.standalone.makers import choose, dict_of, list_of, number
from cwm_agent.generated.templates.standalone.writer import writer

_t = writer("mappings")
_key = choose("red", "bee", "owl", "sun")
_stock = dict_of(_key, number(0, 9))
_keys = list_of(_key, 0, 4)

TEMPLATES = (
    _t(
        args(words),
        """
        frequencies count_words tally (WORDS)
        Dictionary that says how often each of WORDS occurs.
        TABLE = {}
        for W in WORDS:
            TABLE[W] = TABLE.get(W, 0) + 1
        return TABLE
        """,
    ),
    _t(
        args(words),
        """
        by_length group_by_length (WORDS)
        Dictionary from length to the list of WORDS of that length, in order.
        GROUPS = {}
        for W in WORDS:
            GROUPS.setdefault(len(W), []).append(W)
        return GROUPS
        """,
    ),
    _t(
        args(dict_of(_key, number(0, 3))),
        """
        invert flip_mapping swap_keys (TABLE)
        Swaps keys and values of TABLE; of equal values the last key stays.
        return {VAL: KEY for KEY, VAL in TABLE.items()}
        """,
    ),
    _t(
        args(dict_of(_key, number(0, 3))),
        """
        keys_by_value invert_all (TABLE)
        Dictionary from each value of TABLE to the list of its keys.
        OUT = {}
        for KEY, VAL in TABLE.items():
            if VAL not in OUT:
                OUT[VAL] = []
            OUT[VAL].append(KEY)
        return OUT
        """,
    ),
    _t(
        args(_stock, _stock),
        """
        add_tables sum_tables merge_counts (TABLE, OTHERS)
        Adds the numbers of both dictionaries; a key missing in one counts as 0.
        OUT = dict(TABLE)
        for KEY, VAL in OTHERS.items():
            OUT[KEY] = OUT.get(KEY, 0) + VAL
        return OUT
        """,
    ),
    _t(
        args(_stock, _stock),
        """
        merge_max keep_greater (TABLE, OTHERS)
        Merges both dictionaries; a key in both gets the greater value.
        OUT = dict(TABLE)
        for KEY in OTHERS:
            if KEY not in OUT or OTHERS[KEY] > OUT[KEY]:
                OUT[KEY] = OTHERS[KEY]
        return OUT
        """,
    ),
    _t(
        args(_stock, _stock),
        """
        with_defaults fill_missing apply_defaults (TABLE, DEFAULT)
        Both dictionaries in one; values of TABLE win over those of DEFAULT.
        return {**DEFAULT, **TABLE}
        """,
    ),
    _t(
        args(_stock, _keys),
        """
        pick select_keys only_keys (TABLE, WORDS)
        Entries of TABLE whose key is in WORDS, in the order of WORDS.
        OUT = {}
        for W in WORDS:
            if W in TABLE:
                OUT[W] = TABLE[W]
        return OUT
        """,
    ),
    _t(
        args(_stock, _keys),
        """
        omit without_keys drop_keys (TABLE, WORDS)
        Entries of TABLE whose key is not in WORDS.
        OUT = {}
        for KEY, VAL in TABLE.items():
            if KEY not in WORDS:
                OUT[KEY] = VAL
        return OUT
        """,
    ),
    _t(
        args(_stock, _key, small_int),
        """
        take_out remove_stock withdraw (TABLE, KEY, N)
        What is left of KEY when N are taken, at least 0; missing keys have 0.
        return max(TABLE.get(KEY, 0) - N, 0)
        """,
    ),
    _t(
        args(table),
        """
        best_key key_of_max top_entry (TABLE)
        First key of TABLE with the greatest value; None if TABLE is empty.
        BEST = None
        for KEY in TABLE:
            if BEST is None or TABLE[KEY] > TABLE[BEST]:
                BEST = KEY
        return BEST
        """,
    ),
    _t(
        args(table, small_int),
        """
        low_stock running_out to_reorder (TABLE, LIMIT)
        Keys of TABLE with a value less than LIMIT, in ascending order.
        OUT = []
        for KEY in sorted(TABLE):
            if TABLE[KEY] < LIMIT:
                OUT.append(KEY)
        return OUT
        """,
    ),
    _t(
        args(_stock, _stock),
        """
        changed_keys diff_keys differences (TABLE, OTHERS)
        Sorted keys that are in both dictionaries but with different values.
        OUT = []
        for KEY in sorted(TABLE):
            if KEY in OTHERS and TABLE[KEY] != OTHERS[KEY]:
                OUT.append(KEY)
        return OUT
        """,
    ),
    _t(
        args(_stock, _keys),
        """
        total_of order_value sum_of_keys (TABLE, WORDS)
        Sum of the values of all WORDS in TABLE; unknown ones count 1.
        TOTAL = 0
        for W in WORDS:
            TOTAL += TABLE.get(W, 1)
        return TOTAL
        """,
    ),
    _t(
        args(text),
        """
        word_positions index_words (TEXT)
        Dictionary from each word of TEXT to the position of its first occurrence, from 0.
        OUT = {}
        for I, W in enumerate(TEXT.split()):
            if W not in OUT:
                OUT[W] = I
        return OUT
        """,
    ),
    _t(
        args(dict_of(word, list_of(number(0, 9), 0, 3))),
        """
        sizes count_members group_sizes (GROUPS)
        Number of members of each group that is not empty.
        OUT = {}
        for KEY, ITEMS in GROUPS.items():
            if ITEMS:
                OUT[KEY] = len(ITEMS)
        return OUT
        """,
    ),
    _t(
        args(dict_of(_key, _key), _key),
        """
        follow resolve_alias follow_twice (TABLE, KEY)
        Looks up KEY in TABLE and the found name again; unknown names stay.
        KEY2 = TABLE.get(KEY, KEY)
        return TABLE.get(KEY2, KEY2)
        """,
    ),
    _t(
        args(dict_of(_key, dict_of(_key, small_int, 3, 6), 3, 7), _key, _key),
        """
        nested_get lookup_inner deep_get (TABLE, KEY, KEY2)
        Value under KEY and then KEY2 in nested dictionaries; 0 if either is missing.
        if KEY not in TABLE:
            return 0
        return TABLE[KEY].get(KEY2, 0)
        """,
    ),
)
