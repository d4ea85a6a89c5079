"""Stand-alone templates about checks of input."""

from __future__ import annotations

from cwm_agent.generated.templates.pools import args, ints, signed_int, small_int, words
from cwm_agent.generated.templates.standalone.makers import (
    choose,
    dict_of,
    list_of,
    maybe,
    number,
    text_of,
)
from cwm_agent.generated.templates.standalone.writer import writer

_t = writer("validation")

TEMPLATES = (
    _t(
        args(choose("abcdef1", "abcdefg1", "abcdefgh", "A1bcdefg2", "12345678", "", "a1")),
        """
        strong_password password_ok check_password (TEXT)
        True if TEXT has at least 8 characters, among them a digit and a letter.
        if len(TEXT) < 8:
            return False
        A = any(CHAR.isdigit() for CHAR in TEXT)
        B = any(CHAR.isalpha() for CHAR in TEXT)
        return A and B
        """,
    ),
    _t(
        args(choose("a@b.de", "a@b", "@b.de", "a.b@c", "ab.de", "x@y.z", "a@b@c.d", "a@.")),
        """
        is_mail valid_mail looks_like_mail (TEXT)
        True if TEXT has exactly one at sign, not first, and a dot after it.
        if TEXT.count('@') != 1:
            return False
        A, B = TEXT.split('@')
        return A != '' and '.' in B
        """,
    ),
    _t(
        args(text_of("ab_1 ", 0, 6)),
        """
        valid_name name_ok is_valid_name (TEXT)
        True if TEXT is not empty, begins with no digit and has letters, digits or underscores only.
        if not TEXT or TEXT[0].isdigit():
            return False
        return all(CHAR.isalnum() or CHAR == '_' for CHAR in TEXT)
        """,
    ),
    _t(
        args(choose("18", "17", "26", "25", "34", "19", "125", "126", "59", "58", "42", "987")),
        """
        luhn checksum_ok valid_number (TEXT)
        Doubles every second digit from the right, less 9 if above 9; the sum must end in 0.
        TOTAL = 0
        for I, CHAR in enumerate(reversed(TEXT)):
            X = int(CHAR)
            if I % 2 == 1:
                X = X * 2 - 9 if X > 4 else X * 2
            TOTAL += X
        return TOTAL % 10 == 0
        """,
    ),
    _t(
        args(text_of("01234", 2, 5)),
        """
        check_digit control_digit last_digit_for (TEXT)
        Last digit of the sum of the digits of TEXT, each multiplied by its position from 1.
        TOTAL = 0
        for I, CHAR in enumerate(TEXT, start=1):
            TOTAL += I * int(CHAR)
        return TOTAL % 10
        """,
    ),
    _t(
        args(small_int, number(1, 3), number(4, 8)),
        """
        in_range is_between within (X, LOW, HIGH)
        True if X is from LOW to HIGH, both inclusive.
        return LOW <= X <= HIGH
        """,
    ),
    _t(
        args(choose("1.2.3.4", "0.0.0.0", "255.1.1.1", "256.1.1.1", "1.2.3", "1.1.1.300")),
        """
        is_address valid_address address_ok (TEXT)
        True if TEXT has four numbers separated by dots, each at most 255.
        PARTS = TEXT.split('.')
        if len(PARTS) != 4:
            return False
        return all(W.isdigit() and int(W) <= 255 for W in PARTS)
        """,
    ),
    _t(
        args(dict_of(choose("name", "age", "city"), maybe(number(0, 3), 0.3), 1, 5)),
        """
        missing_fields required_errors empty_fields (ROW)
        Those of the fields name, age and city that are missing in ROW or None.
        OUT = []
        for KEY in ('name', 'age', 'city'):
            if ROW.get(KEY) is None:
                OUT.append(KEY)
        return OUT
        """,
    ),
    _t(
        args(choose("", "ab", "abc", "abcd", "a b c", "abcdefghij", "abcdefghijk"), signed_int),
        """
        errors check_input find_errors (TEXT, X)
        List of errors: short for TEXT of less than 3 characters, negative for X less than 0.
        OUT = []
        if len(TEXT) < 3:
            OUT.append('short')
        if X < 0:
            OUT.append('negative')
        return OUT
        """,
    ),
    _t(
        args(choose(0, 1, 2, 11, 12, 13), choose(0, 1, 15, 30, 31, 32)),
        """
        valid_date is_date date_ok (MONTH, DAY)
        True for a month from 1 to 12 and a day from 1 to 31, inclusive.
        if MONTH < 1 or MONTH > 12:
            return False
        return 1 <= DAY <= 31
        """,
    ),
    _t(
        args(choose(0, 1, 12, 22, 23, 24, 25), choose(-1, 0, 30, 58, 59, 60)),
        """
        valid_time is_time time_ok (HOURS, MINUTES)
        True if HOURS is from 0 to 23 and MINUTES from 0 to 59.
        return 0 <= HOURS < 24 and 0 <= MINUTES < 60
        """,
    ),
    _t(
        args(list_of(number(0, 5), 0, 4)),
        """
        all_different no_repeats is_unique (ITEMS)
        True if no value occurs more than once in ITEMS.
        return len(set(ITEMS)) == len(ITEMS)
        """,
    ),
    _t(
        args(words, list_of(choose("red", "bee", "sun", "tea", "cat"), 0, 4)),
        """
        unknown_words not_allowed rejected (WORDS, OTHERS)
        Those of WORDS that are not in OTHERS, each once, in order.
        OUT = []
        for W in WORDS:
            if W not in OTHERS and W not in OUT:
                OUT.append(W)
        return OUT
        """,
    ),
    _t(
        args(maybe(number(-2, 3)), number(5, 9)),
        """
        or_default value_or fallback_value (X, DEFAULT)
        X, or DEFAULT if X is None or less than 0.
        if X is None or X < 0:
            return DEFAULT
        return X
        """,
    ),
    _t(
        args(choose("#ffaa00", "#fff", "ffaa00a", "#12345g", "#gabcde", "#abcdef", "#1234567")),
        """
        is_color valid_color color_ok (TEXT)
        True if TEXT is a hash sign followed by exactly 6 hexadecimal digits.
        if len(TEXT) != 7 or TEXT[0] != '#':
            return False
        return all(CHAR in '0123456789abcdef' for CHAR in TEXT[1:])
        """,
    ),
    _t(
        args(ints, number(0, 3)),
        """
        size_error length_problem check_length (ITEMS, N)
        Says few for a list shorter than N, many for one longer than 4, else fine.
        if len(ITEMS) < N:
            return 'few'
        if len(ITEMS) > 4:
            return 'many'
        return 'fine'
        """,
    ),
    _t(
        args(choose(0, 4, 5, 6, 7, 16, 17, 18, 19, 30)),
        """
        age_group category_of age_class (X)
        Says child for X less than 6, teen for X less than 18, else adult.
        if X < 6:
            return 'child'
        elif X < 18:
            return 'teen'
        return 'adult'
        """,
    ),
    _t(
        args(choose(-1, 0, 49, 50, 51, 74, 75, 76, 89, 90, 91, 100)),
        """
        grade mark_for grade_letter (X)
        Grade 1 for X of at least 90, 2 of at least 75, 3 of at least 50, else 4.
        for I, LIMIT in enumerate((90, 75, 50), start=1):
            if X >= LIMIT:
                return I
        return 4
        """,
    ),
)
