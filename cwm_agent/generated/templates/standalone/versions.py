"""Stand-alone templates about versions, paths, labels and formatted numbers."""

from __future__ import annotations

from cwm_agent.generated.templates.pools import args, small_int, words
from cwm_agent.generated.templates.standalone.makers import choose, joined, list_of, number
from cwm_agent.generated.templates.standalone.writer import writer

_t = writer("versions")
_version = choose("1.2.3", "1.2", "1.10.0", "2.0.0", "1.9.9", "1.2.0", "0.0.1", "2.0")
_three = joined(".", number(0, 3), 3, 3)

TEMPLATES = (
    _t(
        args(_version),
        """
        parse_version version_numbers version_parts (VERSION)
        Tuple of the numbers in VERSION, which are separated by dots.
        return tuple(int(W) for W in VERSION.split('.'))
        """,
    ),
    _t(
        args(_version, _version),
        """
        is_newer newer_version outdated (A, B)
        True if version A is greater than B, compared number by number.
        A2 = [int(W) for W in A.split('.')]
        B2 = [int(W) for W in B.split('.')]
        return A2 > B2
        """,
    ),
    _t(
        args(_version, _version),
        """
        compare_versions version_order compare (A, B)
        1 if version A is greater than B, -1 if it is less, 0 if equal.
        A2 = [int(W) for W in A.split('.')]
        B2 = [int(W) for W in B.split('.')]
        return (A2 > B2) - (A2 < B2)
        """,
    ),
    _t(
        args(_three),
        """
        next_patch bump_patch raise_patch (VERSION)
        VERSION of three numbers with the last one raised by 1.
        A, B, C = VERSION.split('.')
        return f'{A}.{B}.{int(C) + 1}'
        """,
    ),
    _t(
        args(_three),
        """
        next_minor bump_minor raise_minor (VERSION)
        VERSION of three numbers with the second raised by 1 and the third made 0.
        PARTS = VERSION.split('.')
        return f'{PARTS[0]}.{int(PARTS[1]) + 1}.0'
        """,
    ),
    _t(
        args(_three, choose("major", "minor", "patch")),
        """
        bump raise_version next_version (VERSION, KEY)
        Raises the number named by KEY, major, minor or patch, and makes those after it 0.
        PARTS = [int(W) for W in VERSION.split('.')]
        I = ['major', 'minor', 'patch'].index(KEY)
        PARTS = PARTS[:I] + [PARTS[I] + 1] + [0] * (2 - I)
        return '.'.join(str(N) for N in PARTS)
        """,
    ),
    _t(
        args(joined(".", number(0, 1), 3, 3), joined(".", number(0, 1), 3, 3)),
        """
        compatible same_major fits_version (A, B)
        True if both versions have the same first number and A is at least B.
        A2 = [int(W) for W in A.split('.')]
        B2 = [int(W) for W in B.split('.')]
        return A2[0] == B2[0] and A2 >= B2
        """,
    ),
    _t(
        args(list_of(_version, 0, 4)),
        """
        latest newest_version last_release (WORDS)
        Greatest of the versions WORDS, compared number by number; None if empty.
        BEST, LAST = None, []
        for W in WORDS:
            ITEMS = [int(N) for N in W.split('.')]
            if ITEMS > LAST:
                BEST, LAST = W, ITEMS
        return BEST
        """,
    ),
    _t(
        args(choose("v1.2", "1.2", "v", "2.0-rc", "v2.0-b", "1-2-3")),
        """
        clean_version plain_version strip_version (TEXT)
        TEXT without one leading v and without the first hyphen and what follows.
        if TEXT.startswith('v'):
            TEXT = TEXT[1:]
        return TEXT.split('-')[0]
        """,
    ),
    _t(
        args(choose(1, 2, 3, 4, 9, 10, 11, 12, 13, 14, 21, 22, 23, 101, 111, 112, 113)),
        """
        ordinal place_text with_ending (N)
        N with st, nd or rd for the last digits 1, 2, 3, but th after 11 to 13.
        if 11 <= N % 100 <= 13:
            return f'{N}th'
        SUFFIX = {1: 'st', 2: 'nd', 3: 'rd'}.get(N % 10, 'th')
        return f'{N}{SUFFIX}'
        """,
    ),
    _t(
        args(choose(0, 1, 2, 3, 10), choose("cat", "bee", "bus", "box", "owl", "gas")),
        """
        plural count_text quantity_text (N, W)
        N and W; if N is not 1, with es after a final s or x, else s.
        if N == 1:
            return f'1 {W}'
        SUFFIX = 'es' if W[-1] in 'sx' else 's'
        return f'{N} {W}{SUFFIX}'
        """,
    ),
    _t(
        args(choose(0, 999, 1000, 1001, 12999, 999999, 1000000, 1999999)),
        """
        short_number compact_number abbreviate (N)
        N in whole millions with m from 1000000 on, in thousands with k from 1000 on.
        if N >= 1000000:
            return f'{N // 1000000}m'
        if N >= 1000:
            return f'{N // 1000}k'
        return str(N)
        """,
    ),
    _t(
        args(choose(0, 12, 999, 1000, 12345, 123456, 1234567)),
        """
        group_digits with_commas thousands (N)
        Digits of N in groups of three from the right, separated by commas.
        TEXT = ''
        for I, DIGIT in enumerate(reversed(str(N))):
            if I > 0 and I % 3 == 0:
                TEXT = ',' + TEXT
            TEXT = DIGIT + TEXT
        return TEXT
        """,
    ),
    _t(
        args(number(0, 120), number(1, 5)),
        """
        zero_pad padded_number fixed_width (N, SIZE)
        Digits of N with zeros before them up to at least SIZE characters.
        TEXT = str(N)
        return '0' * (SIZE - len(TEXT)) + TEXT
        """,
    ),
    _t(
        args(words),
        """
        numbered number_lines with_numbers (WORDS)
        Each of WORDS after its number from 1, a dot and a blank.
        return [f'{I}. {W}' for I, W in enumerate(WORDS, start=1)]
        """,
    ),
    _t(
        args(choose("a/b/../c", "a/./b", "x/y", "../a", "a//b", "a/b/..", "./x")),
        """
        simplify_path normal_path clean_path (TEXT)
        Path without empty parts and dots; two dots remove the part before, if any.
        OUT = []
        for W in TEXT.split('/'):
            if W == '..':
                OUT = OUT[:-1]
            elif W not in ('', '.'):
                OUT.append(W)
        return '/'.join(OUT)
        """,
    ),
    _t(
        args(choose("red", "red.txt", "a.b.txt", "bee."), small_int),
        """
        copy_name numbered_file unique_name (TEXT, N)
        Inserts a hyphen and N before the first dot of TEXT, or at the end without one.
        A, SEP, B = TEXT.partition('.')
        return f'{A}-{N}{SEP}{B}'
        """,
    ),
    _t(
        args(choose("red", "bee", "owl"), list_of(choose("red", "bee", "red1", "red2"), 0, 4)),
        """
        free_name next_free_name avoid_clash (W, WORDS)
        W if it is not in WORDS, else W with the smallest free number from 1.
        if W not in WORDS:
            return W
        for I in range(1, len(WORDS) + 2):
            if f'{W}{I}' not in WORDS:
                return f'{W}{I}'
        return W
        """,
    ),
)
