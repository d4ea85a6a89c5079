"""Stand-alone templates about texts."""

from __future__ import annotations

from cwm_agent.generated.templates.pools import (
    args,
    letter,
    positive_int,
    small_int,
    text,
    word,
    words,
)
from cwm_agent.generated.templates.standalone.makers import choose, text_of
from cwm_agent.generated.templates.standalone.writer import writer

_t = writer("texts")

TEMPLATES = (
    _t(
        args(text),
        """
        initials first_letters short_form (TEXT)
        First letter of each word of TEXT in upper case, joined without separator.
        return ''.join(W[0].upper() for W in TEXT.split())
        """,
    ),
    _t(
        args(text_of("abcaB -"), small_int),
        """
        truncate shorten clip_text (TEXT, LIMIT)
        TEXT if it has at most LIMIT characters, else its first LIMIT followed by three dots.
        if len(TEXT) <= LIMIT:
            return TEXT
        return TEXT[:LIMIT] + '...'
        """,
    ),
    _t(
        args(text_of("abcAB"), positive_int),
        """
        ellipsis fit_text cut_to_width (TEXT, SIZE)
        Cuts TEXT longer than SIZE so that, with a final dot, it has SIZE characters.
        if len(TEXT) > SIZE:
            return TEXT[:SIZE - 1] + '.'
        return TEXT
        """,
    ),
    _t(
        args(choose("abba", "Abba", "abca", "aa", "aB", "", "x", "noon", "Noo", "ab ba")),
        """
        is_palindrome reads_same same_backwards (TEXT)
        True if TEXT in lower case reads the same in reverse order.
        TEXT2 = TEXT.lower()
        return TEXT2 == TEXT2[::-1]
        """,
    ),
    _t(
        args(text_of("aeioubcxAE ", 0, 8)),
        """
        count_vowels vowels_in number_of_vowels (TEXT)
        Number of characters of TEXT that are vowels, upper case ones included.
        COUNT = 0
        for CHAR in TEXT:
            if CHAR.lower() in 'aeiou':
                COUNT += 1
        return COUNT
        """,
    ),
    _t(
        args(text),
        """
        swap_ends swap_words (TEXT)
        Swaps the first and the last word of TEXT; fewer than two words stay as they are.
        WORDS = TEXT.split()
        if len(WORDS) < 2:
            return TEXT
        WORDS[0], WORDS[-1] = WORDS[-1], WORDS[0]
        return ' '.join(WORDS)
        """,
    ),
    _t(
        args(text),
        """
        slug slugify to_slug (TEXT)
        Words of TEXT in lower case, separated by one hyphen.
        return '-'.join(TEXT.lower().split())
        """,
    ),
    _t(
        args(choose("red_cat", "a_b_c", "owl", "sun_tea_b", "", "bee_aa")),
        """
        camel_case to_camel (TEXT)
        Turns words separated by underscores into one; each after the first gets a capital.
        PARTS = TEXT.split('_')
        return PARTS[0] + ''.join(W.capitalize() for W in PARTS[1:])
        """,
    ),
    _t(
        args(choose("redCat", "aBc", "owl", "SunTea", "", "Bee", "xYZ")),
        """
        snake_case to_snake (TEXT)
        Puts an underscore before each capital except at the start; all becomes lower case.
        OUT = ''
        for I, CHAR in enumerate(TEXT):
            if CHAR.isupper() and I > 0:
                OUT += '_'
            OUT += CHAR.lower()
        return OUT
        """,
    ),
    _t(
        args(text_of("aab", 0, 7)),
        """
        run_lengths encode_runs compress (TEXT)
        List of each character of TEXT with the length of its run, as tuples.
        OUT = []
        for CHAR in TEXT:
            if OUT and OUT[-1][0] == CHAR:
                OUT[-1] = (CHAR, OUT[-1][1] + 1)
            else:
                OUT.append((CHAR, 1))
        return OUT
        """,
    ),
    _t(
        args(word, small_int),
        """
        pad_left right_align fill_left (TEXT, SIZE)
        Puts blanks before TEXT until it has at least SIZE characters.
        return ' ' * (SIZE - len(TEXT)) + TEXT
        """,
    ),
    _t(
        args(text_of("abcdefg", 0, 12)),
        """
        mask_tail hide_start mask_secret (TEXT)
        Replaces all but the last K characters of TEXT with stars.
        N = max(len(TEXT) - K, 0)
        return '*' * N + TEXT[N:]
        """,
    ),
    _t(
        args(text_of("abcxyz", 0, 5), small_int),
        """
        shift_letters rotate_letters cipher (TEXT, N)
        Shifts each lower case letter of TEXT by N places forward, from z back to a.
        OUT = []
        for CHAR in TEXT:
            I = (ord(CHAR) - ord('a') + N) % 26
            OUT.append(chr(ord('a') + I))
        return ''.join(OUT)
        """,
    ),
    _t(
        args(choose("ab", "aab", "abc", "a"), choose("ba", "aba", "cab", "abb", "b")),
        """
        is_anagram same_letters rearranged (TEXT, TEXT2)
        True if both texts have the same letters equally often, in any order.
        return sorted(TEXT) == sorted(TEXT2)
        """,
    ),
    _t(
        args(text_of("aabbc", 0, 6), letter),
        """
        letter_positions find_letter where_is (TEXT, CHAR)
        All indexes of TEXT at which CHAR stands, counted from 0.
        return [I for I, CHAR2 in enumerate(TEXT) if CHAR2 == CHAR]
        """,
    ),
    _t(
        args(words),
        """
        sentence make_sentence join_words (WORDS)
        Joins WORDS with blanks, with a capital first and a full stop last; empty stays empty.
        if not WORDS:
            return ''
        TEXT = ' '.join(WORDS)
        return TEXT[0].upper() + TEXT[1:] + '.'
        """,
    ),
    _t(
        args(words),
        """
        enumerate_words list_in_words and_list (WORDS)
        Joins WORDS with commas, but the last two with the word and.
        if len(WORDS) <= 1:
            return ''.join(WORDS)
        return ', '.join(WORDS[:-1]) + ' and ' + WORDS[-1]
        """,
    ),
    _t(
        args(text_of("abAB1", 0, 6)),
        """
        swap_case invert_case flip_case (TEXT)
        Makes lower case letters of TEXT upper case and all other letters lower case.
        OUT = ''
        for CHAR in TEXT:
            OUT += CHAR.upper() if CHAR.islower() else CHAR.lower()
        return OUT
        """,
    ),
    _t(
        args(text_of("abcde", 0, 6), text_of("abcde", 0, 6)),
        """
        differences count_differences distance (TEXT, TEXT2)
        Number of positions at which the texts differ, plus the difference of their lengths.
        N = abs(len(TEXT) - len(TEXT2))
        for A, B in zip(TEXT, TEXT2):
            if A != B:
                N += 1
        return N
        """,
    ),
)
