"""Stand-alone templates about bits, checksums and number bases."""

from __future__ import annotations

from cwm_agent.generated.templates.pools import args, ints, words
from cwm_agent.generated.templates.standalone.makers import choose, list_of, number, text_of
from cwm_agent.generated.templates.standalone.writer import writer

_t = writer("bits")
_byte = number(0, 63)
_place = number(0, 5)

TEMPLATES = (
    _t(
        args(_byte),
        """
        count_ones ones_in set_bits (BITS)
        Number of bits of BITS that are 1.
        return bin(BITS).count('1')
        """,
    ),
    _t(
        args(_byte, _place),
        """
        is_set has_bit test_bit (BITS, BIT)
        True if the bit number BIT, counted from 0, is 1 in BITS.
        return (BITS >> BIT) & 1 == 1
        """,
    ),
    _t(
        args(_byte, _place),
        """
        set_bit turn_on with_bit (BITS, BIT)
        BITS with the bit number BIT, counted from 0, made 1.
        return BITS | (1 << BIT)
        """,
    ),
    _t(
        args(_byte, _place),
        """
        clear_bit turn_off without_bit (BITS, BIT)
        BITS with the bit number BIT, counted from 0, made 0.
        return BITS & ~(1 << BIT)
        """,
    ),
    _t(
        args(_byte, _place),
        """
        toggle_bit flip_bit switch (BITS, BIT)
        BITS with the bit number BIT, counted from 0, inverted.
        return BITS ^ (1 << BIT)
        """,
    ),
    _t(
        args(choose(0, 1, 2, 3, 4, 6, 8, 12, 16, 31, 32)),
        """
        is_power_of_two power_of_two single_bit (N)
        True if N is greater than 0 and has exactly one bit that is 1.
        return N > 0 and N & (N - 1) == 0
        """,
    ),
    _t(
        args(_byte),
        """
        bit_positions places_of_ones indexes_of_bits (BITS)
        Numbers of the bits of BITS that are 1, from 0, in ascending order.
        OUT = []
        for I in range(BITS.bit_length()):
            if BITS & (1 << I):
                OUT.append(I)
        return OUT
        """,
    ),
    _t(
        args(list_of(number(0, 4), 0, 4)),
        """
        to_mask make_mask bits_from (ITEMS)
        Number in which exactly the bits with the numbers in ITEMS are 1.
        BITS = 0
        for BIT in ITEMS:
            BITS |= 1 << BIT
        return BITS
        """,
    ),
    _t(
        args(_byte),
        """
        parity even_ones parity_bit (N)
        0 if the number of bits 1 in N is even, else 1.
        TOTAL = 0
        for I in range(N.bit_length()):
            TOTAL ^= (N >> I) & 1
        return TOTAL
        """,
    ),
    _t(
        args(ints),
        """
        exclusive_sum xor_all odd_one_out (ITEMS)
        All of ITEMS combined by exclusive or; 0 if empty.
        TOTAL = 0
        for X in ITEMS:
            TOTAL ^= X
        return TOTAL
        """,
    ),
    _t(
        args(words),
        """
        checksum simple_hash text_code (WORDS)
        Hash of the joined WORDS: for each character times 31 plus its code, modulo 1000.
        TOTAL = 0
        for CHAR in ''.join(WORDS):
            TOTAL = (TOTAL * 31 + ord(CHAR)) % 1000
        return TOTAL
        """,
    ),
    _t(
        args(number(0, 999), number(0, 999), number(0, 999)),
        """
        pack_color join_channels to_color (A, B, C)
        One number of three bytes, A the highest; only the lowest 8 bits of each count.
        return (A & 255) << 16 | (B & 255) << 8 | C & 255
        """,
    ),
    _t(
        args(choose(0, 255, 256, 65535, 65536, 123456, 70000)),
        """
        unpack_color split_channels from_color (N)
        The three bytes of N as a tuple, the highest first.
        return N >> 16 & 255, N >> 8 & 255, N & 255
        """,
    ),
    _t(
        args(number(0, 80), number(2, 9)),
        """
        to_base digits_in_base convert_base (N, B)
        Digits of N in base B as a list, highest first; empty for 0.
        OUT = []
        for _ in range(N.bit_length()):
            if N > 0:
                OUT.insert(0, N % B)
                N //= B
        return OUT
        """,
    ),
    _t(
        args(list_of(number(0, 1), 0, 6)),
        """
        from_bits bits_to_number binary_value (ITEMS)
        Number with the binary digits ITEMS, highest first; 0 if empty.
        N = 0
        for BIT in ITEMS:
            N = N * 2 + BIT
        return N
        """,
    ),
    _t(
        args(text_of("rwx", 0, 4)),
        """
        permission_bits rights_value mode_of (TEXT)
        Sum of 4 if r, 2 if w and 1 if x is in TEXT.
        N = 0
        for CHAR, VAL in (('r', 4), ('w', 2), ('x', 1)):
            if CHAR in TEXT:
                N += VAL
        return N
        """,
    ),
    _t(
        args(number(0, 7)),
        """
        permission_text rights_text show_rights (BITS)
        Letters r, w, x for the bits 4, 2, 1 of BITS, a hyphen for each missing.
        OUT = ''
        for CHAR, VAL in (('r', 4), ('w', 2), ('x', 1)):
            OUT += CHAR if BITS & VAL else '-'
        return OUT
        """,
    ),
    _t(
        args(_byte, _byte),
        """
        bit_distance differing_bits hamming (A, B)
        Number of bits in which A and B differ.
        return bin(A ^ B).count('1')
        """,
    ),
)
