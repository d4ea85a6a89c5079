"""Stand-alone templates about reading texts."""

from __future__ import annotations

from cwm_agent.generated.templates.pools import args, text, word
from cwm_agent.generated.templates.standalone.makers import choose, joined, number, text_of
from cwm_agent.generated.templates.standalone.writer import writer

_t = writer("parsing")
_setting = choose("a=1", "b=2", "a=", "c=x=y", "=3", "d")

TEMPLATES = (
    _t(
        args(joined(";", _setting, 0, 4)),
        """
        settings parse_settings read_options (TEXT)
        Dictionary of the parts of TEXT separated by semicolons, split at the first equals sign.
        OUT = {}
        for W in TEXT.split(';'):
            if '=' in W:
                KEY, VAL = W.split('=', 1)
                OUT[KEY] = VAL
        return OUT
        """,
    ),
    _t(
        args(joined(",", choose("1", " 2", "x", "30", "", "7 "), 0, 5)),
        """
        int_list parse_numbers read_ints (TEXT)
        Numbers in TEXT separated by commas; parts that are not all digits are skipped.
        OUT = []
        for W in TEXT.split(','):
            if W.strip().isdigit():
                OUT.append(int(W))
        return OUT
        """,
    ),
    _t(
        args(text_of("a1b2 0", 0, 8)),
        """
        only_digits digits_in extract_digits (TEXT)
        All digits of TEXT in order, without the other characters.
        return ''.join(CHAR for CHAR in TEXT if CHAR.isdigit())
        """,
    ),
    _t(
        args(text_of("ab12", 1, 8)),
        """
        leading_number number_prefix first_number (TEXT)
        Number made of the digits before the first other character; 0 if there is none.
        N = 0
        for CHAR in TEXT:
            if not CHAR.isdigit():
                break
            N = N * 10 + int(CHAR)
        return N
        """,
    ),
    _t(
        args(choose("a.txt", "b.tar.gz", "owl", ".env", "sun.", "x.y")),
        """
        file_extension extension get_suffix (TEXT)
        What follows the last dot of TEXT; empty if there is none.
        if '.' not in TEXT:
            return ''
        return TEXT.split('.')[-1]
        """,
    ),
    _t(
        args(choose("a/b/c.txt", "owl", "x/", "/red", "a/b")),
        """
        file_name base_name last_part (TEXT)
        Part of TEXT after the last slash; all of it if there is none.
        return TEXT.rsplit('/', 1)[-1]
        """,
    ),
    _t(
        args(choose("a/b/c.txt", "owl", "x/", "/red", "a/b", "a/b/c/d")),
        """
        parent_folder folder_of directory (TEXT)
        Part of TEXT before the last slash; a dot if there is none.
        I = TEXT.rfind('/')
        if I < 0:
            return '.'
        return TEXT[:I]
        """,
    ),
    _t(
        args(choose("bee@owl.de", "a@b", "x", "@red", "sun@", "a@b@c")),
        """
        mail_parts split_mail user_and_host (TEXT)
        What is before and after the first at sign; None unless both have characters.
        A, SEP, B = TEXT.partition('@')
        if not A or not B:
            return None
        return A, B
        """,
    ),
    _t(
        args(joined("&", choose("a=1", "b=2", "a=3", "c"), 0, 4)),
        """
        query_values parse_query read_query (TEXT)
        Dictionary from each name to the list of its values; a name alone has the value empty.
        OUT = {}
        for W in TEXT.split('&'):
            KEY, SEP, VAL = W.partition('=')
            OUT.setdefault(KEY, []).append(VAL)
        return OUT
        """,
    ),
    _t(
        args(choose("3-5", "7", "2-2", "1-9", "6-4", "10")),
        """
        number_range parse_range expand_range (TEXT)
        Numbers from first to last inclusive, separated by a hyphen; one number stands alone.
        if '-' not in TEXT:
            return [int(TEXT)]
        START, END = TEXT.split('-')
        return list(range(int(START), int(END) + 1))
        """,
    ),
    _t(
        args(choose("yes", "No", "TRUE", "false", "1", "0", "on", "maybe", "")),
        """
        truth parse_flag read_bool (TEXT)
        True for yes, true, on or 1 in any case, else False.
        return TEXT.lower() in ('yes', 'true', 'on', '1')
        """,
    ),
    _t(
        args(joined("|", choose("# red", "bee", "", "owl # x", "  "), 1, 4)),
        """
        code_lines useful_lines skip_comments (TEXT)
        Parts of TEXT separated by bars that are neither blank nor begin with a hash sign.
        OUT = []
        for W in TEXT.split('|'):
            if W.strip() and not W.startswith('#'):
                OUT.append(W)
        return OUT
        """,
    ),
    _t(
        args(choose("10kb", "3mb", "7b", "1kb", "0b", "250mb", "12b")),
        """
        size_in_bytes parse_size read_size (TEXT)
        Bytes of a size: kb counts 1000 each, mb 1000000 and b 1.
        if TEXT.endswith('kb'):
            return int(TEXT[:-2]) * 1000
        if TEXT.endswith('mb'):
            return int(TEXT[:-2]) * 1000000
        return int(TEXT[:-1])
        """,
    ),
    _t(
        args(choose("1h30m", "0h5m", "2h0m", "10h45m")),
        """
        duration parse_duration read_duration (TEXT)
        Minutes of a text with a number before h and one between h and m.
        HOURS, MINUTES = TEXT[:-1].split('h')
        return int(HOURS) * 60 + int(MINUTES)
        """,
    ),
    _t(
        args(choose("a(b)c", "(x)", "owl", "a(bcd", "()x)", "a(b)(c)", ")(", "a)(b)")),
        """
        inside_brackets bracket_content between (TEXT)
        What is between the first opening bracket and the next closing one; else empty.
        START = TEXT.find('(')
        END = TEXT.find(')', START + 1)
        if START < 0 or END < 0:
            return ''
        return TEXT[START + 1:END]
        """,
    ),
    _t(
        args(choose("ff", "0", "a0", "10", "c8", "7f", "12")),
        """
        hex_value from_hex parse_hex (TEXT)
        Value of TEXT as a number with the base 16 and digits from 0 to f.
        N = 0
        for CHAR in TEXT:
            N = N * 16 + '0123456789abcdef'.index(CHAR)
        return N
        """,
    ),
    _t(
        args(choose("i", "iv", "vi", "xx", "xiv", "ii", "ix", "xi", "v")),
        """
        from_roman roman_value (TEXT)
        Value of a roman number of i, v and x; a sign less than the next one is subtracted.
        TABLE = {'i': 1, 'v': 5, 'x': 10}
        ITEMS = [TABLE[CHAR] for CHAR in TEXT] + [0]
        TOTAL = 0
        for A, B in zip(ITEMS, ITEMS[1:]):
            TOTAL += A if A >= B else -A
        return TOTAL
        """,
    ),
    _t(
        args(text, word),
        """
        text_after rest_after skip_past (TEXT, W)
        What follows the first occurrence of W in TEXT; TEXT itself if there is none.
        I = TEXT.find(W)
        if I == -1:
            return TEXT
        return TEXT[I + len(W):]
        """,
    ),
    _t(
        args(joined(",", number(0, 9), 1, 4)),
        """
        sum_of_text add_numbers_in total_in (TEXT)
        Sum of the numbers in TEXT, which are separated by commas.
        return sum(int(W) for W in TEXT.split(','))
        """,
    ),
)
