"""Stand-alone templates about numbers."""

from __future__ import annotations

from cwm_agent.generated.templates.pools import args, positive_int, signed_int, small_int
from cwm_agent.generated.templates.standalone.makers import choose, number
from cwm_agent.generated.templates.standalone.writer import writer

_t = writer("numbers")

TEMPLATES = (
    _t(
        args(number(0, 400)),
        """
        digit_sum sum_digits cross_sum (N)
        Sum of the decimal digits of N.
        return sum(int(DIGIT) for DIGIT in str(N))
        """,
    ),
    _t(
        args(number(0, 400)),
        """
        digit_product multiply_digits (N)
        Product of the decimal digits of N that are not 0.
        TOTAL = 1
        for DIGIT in str(N):
            if DIGIT != '0':
                TOTAL *= int(DIGIT)
        return TOTAL
        """,
    ),
    _t(
        args(number(0, 30)),
        """
        is_prime prime check_prime (N)
        True if N is a prime number; numbers less than 2 are not.
        if N < 2:
            return False
        for I in range(2, N):
            if N % I == 0:
                return False
        return True
        """,
    ),
    _t(
        args(number(1, 30)),
        """
        divisors divisors_of factors (N)
        All numbers from 1 to N inclusive that divide N, in ascending order.
        return [I for I in range(1, N + 1) if N % I == 0]
        """,
    ),
    _t(
        args(number(1, 30), number(1, 30)),
        """
        gcd common_divisor greatest_divisor (A, B)
        Greatest number that divides both A and B.
        BEST = 1
        for I in range(2, min(A, B) + 1):
            if A % I == 0 and B % I == 0:
                BEST = I
        return BEST
        """,
    ),
    _t(
        args(small_int),
        """
        factorial product_up_to (N)
        Product of the numbers from 1 to N inclusive; 1 for 0.
        TOTAL = 1
        for I in range(2, N + 1):
            TOTAL *= I
        return TOTAL
        """,
    ),
    _t(
        args(small_int),
        """
        fibonacci fib nth_fibonacci (N)
        Number N of the sequence 0, 1, 1, 2, 3, 5, counted from 0.
        A, B = 0, 1
        for _ in range(N):
            A, B = B, A + B
        return A
        """,
    ),
    _t(
        args(signed_int, number(-2, 4), number(3, 8)),
        """
        clamp limit_to keep_between (X, LOW, HIGH)
        X, but LOW if it is less than LOW and HIGH if it is greater.
        return max(LOW, min(X, HIGH))
        """,
    ),
    _t(
        args(signed_int),
        """
        sign sign_of direction (X)
        1 if X is greater than 0, -1 if it is less, and 0 for 0.
        if X > 0:
            return 1
        if X < 0:
            return -1
        return 0
        """,
    ),
    _t(
        args(number(0, 40), positive_int),
        """
        round_up next_multiple ceil_to (N, STEP)
        Smallest multiple of STEP that is at least N.
        return (N + STEP - 1) // STEP * STEP
        """,
    ),
    _t(
        args(number(0, 40), positive_int),
        """
        round_nearest to_nearest (N, STEP)
        Multiple of STEP that is nearest to N; halves are rounded up.
        return (2 * N + STEP) // (2 * STEP) * STEP
        """,
    ),
    _t(
        args(number(1, 20)),
        """
        collatz_step next_collatz hailstone (N)
        Half of N if it is even, else three times N plus 1.
        if N % 2 == 0:
            return N // 2
        return 3 * N + 1
        """,
    ),
    _t(
        args(number(-99, 999)),
        """
        reverse_number backwards mirror_number (N)
        Digits of N in reverse order as a number; the sign stays.
        A = -1 if N < 0 else 1
        return A * int(str(abs(N))[::-1])
        """,
    ),
    _t(
        args(number(0, 50)),
        """
        square_root whole_root isqrt_of (N)
        Greatest number whose square is at most N.
        A = 0
        for I in range(N + 1):
            if I * I <= N:
                A = I
        return A
        """,
    ),
    _t(
        args(number(0, 60)),
        """
        to_binary binary_digits as_binary (N)
        Binary digits of N as a list, the lowest one first; empty for 0.
        OUT = []
        for _ in range(N.bit_length()):
            OUT.append(N % 2)
            N //= 2
        return OUT
        """,
    ),
    _t(
        args(number(1, 60)),
        """
        fizz fizz_buzz_word (N)
        Text fizz for multiples of K, buzz for multiples of K2, else N as text.
        if N % K == 0:
            return 'fizz'
        if N % K2 == 0:
            return 'buzz'
        return str(N)
        """,
    ),
    _t(
        args(number(0, 9), number(0, 9), number(0, 9)),
        """
        middle_of_three median_of_three middle_value (A, B, C)
        Neither the greatest nor the smallest of the three numbers.
        return sorted((A, B, C))[1]
        """,
    ),
    _t(
        args(number(1, 5), number(1, 5), number(1, 5)),
        """
        is_triangle can_be_triangle (A, B, C)
        True if any two of the three sides are together longer than the other.
        if A + B <= C or A + C <= B:
            return False
        return B + C > A
        """,
    ),
    _t(
        args(choose(1, 2, 5, 6, 6, 8, 12, 24, 27, 28, 28)),
        """
        is_perfect perfect_number (N)
        True if the sum of all divisors of N less than N is N.
        TOTAL = 0
        for I in range(1, N):
            if N % I == 0:
                TOTAL += I
        return TOTAL == N
        """,
    ),
    _t(
        args(number(-3, 5), number(0, 5)),
        """
        power raise_to repeated_product (X, N)
        X multiplied with itself N times, 1 for N equal to 0.
        TOTAL = 1
        for _ in range(N):
            TOTAL *= X
        return TOTAL
        """,
    ),
)
