"""Stand-alone templates about prices and accounts, in whole cents."""

from __future__ import annotations

from cwm_agent.generated.templates.pools import args, ints, positive_int, small_int
from cwm_agent.generated.templates.standalone.makers import (
    choose,
    dict_of,
    list_of,
    number,
    rows,
    tuple_of,
)
from cwm_agent.generated.templates.standalone.writer import writer

_t = writer("money")
_cents = choose(0, 1, 50, 99, 100, 101, 250, 500, 999, 1000, 1001, 2000)
_percent = choose(0, 5, 10, 20, 25, 50, 100)
_cart = rows(0, 4, price=number(1, 9), qty=number(0, 4))

TEMPLATES = (
    _t(
        args(_cents, _percent),
        """
        discount price_after_discount reduced_price (PRICE, RATE)
        PRICE reduced by RATE percent; the reduction is rounded down.
        return PRICE - PRICE * RATE // 100
        """,
    ),
    _t(
        args(_cents, _percent),
        """
        with_tax add_tax gross_price (PRICE, RATE)
        PRICE plus RATE percent tax, which is rounded up.
        return PRICE + (PRICE * RATE + 99) // 100
        """,
    ),
    _t(
        args(choose(0, 499, 500, 501, 999, 1000, 1001)),
        """
        shipping shipping_cost delivery_fee (PRICE)
        Free of charge for PRICE at least 1000, 250 from 500 on, else 499.
        if PRICE >= 1000:
            return 0
        if PRICE >= 500:
            return 250
        return 499
        """,
    ),
    _t(
        args(_cart),
        """
        cart_total order_total bill (ROWS)
        Sum of price times quantity of all ROWS.
        TOTAL = 0
        for ROW in ROWS:
            TOTAL += ROW['price'] * ROW['qty']
        return TOTAL
        """,
    ),
    _t(
        args(_cents),
        """
        format_cents money_text show_price (PRICE)
        Whole units and two digits of cents, separated by a dot.
        return f'{PRICE // 100}.{PRICE % 100:02d}'
        """,
    ),
    _t(
        args(choose("0.00", "1.50", "12.05", "0.99", "100.10", "7.00")),
        """
        parse_price to_cents read_price (TEXT)
        Cents of a text with units and two digits of cents, separated by a dot.
        A, B = TEXT.split('.')
        return int(A) * 100 + int(B)
        """,
    ),
    _t(
        args(number(0, 99)),
        """
        coins make_change fewest_coins (PRICE)
        List of the coins 50, 20, 10, 5, 2 and 1 that pay PRICE, greatest first.
        OUT = []
        for VAL in (50, 20, 10, 5, 2, 1):
            OUT += [VAL] * (PRICE // VAL)
            PRICE %= VAL
        return OUT
        """,
    ),
    _t(
        args(number(0, 40), positive_int),
        """
        split_bill share_evenly fair_shares (TOTAL, N)
        Splits TOTAL into N whole shares that differ by at most 1, the greater ones first.
        X = TOTAL // N
        COUNT = TOTAL % N
        return [X + 1] * COUNT + [X] * (N - COUNT)
        """,
    ),
    _t(
        args(small_int, list_of(number(-9, 9), 0, 5)),
        """
        balance balance_after final_balance (N, ITEMS)
        Adds ITEMS to N in order, but skips each that would make it less than 0.
        TOTAL = N
        for X in ITEMS:
            if TOTAL + X >= 0:
                TOTAL += X
        return TOTAL
        """,
    ),
    _t(
        args(number(0, 12), number(1, 9)),
        """
        bulk_price volume_price tiered_price (N, PRICE)
        N pieces at PRICE each; those beyond K cost half of it, rounded down.
        if N <= K:
            return N * PRICE
        return K * PRICE + (N - K) * (PRICE // 2)
        """,
    ),
    _t(
        args(number(0, 9), number(1, 9)),
        """
        three_for_two deal_price promotion (N, PRICE)
        Price of N pieces at PRICE each if every third piece is free.
        return (N - N // 3) * PRICE
        """,
    ),
    _t(
        args(choose(100, 500, 1000), _percent, number(0, 4)),
        """
        grow interest savings_after (TOTAL, RATE, YEAR)
        TOTAL after so many years, each adding RATE percent rounded down.
        for _ in range(YEAR):
            TOTAL += TOTAL * RATE // 100
        return TOTAL
        """,
    ),
    _t(
        args(ints, number(0, 20)),
        """
        affordable items_for_budget can_buy (ITEMS, LIMIT)
        Number of ITEMS that can be bought for at most LIMIT together, cheapest first.
        COUNT = 0
        for PRICE in sorted(ITEMS):
            if PRICE > LIMIT:
                break
            LIMIT -= PRICE
            COUNT += 1
        return COUNT
        """,
    ),
    _t(
        args(number(0, 30)),
        """
        income_tax tax_for progressive_tax (TOTAL)
        Nothing for the first 10 of TOTAL, 1 for each up to 20, 2 for each beyond.
        A = max(0, min(TOTAL, 20) - 10)
        B = max(0, TOTAL - 20)
        return A + 2 * B
        """,
    ),
    _t(
        args(choose(0, 100, 200, 500), choose(100, 200, 400)),
        """
        profit_percent margin gain_percent (PRICE, PRICE2)
        Percent by which PRICE is greater than PRICE2, rounded down; may be negative.
        return (PRICE - PRICE2) * 100 // PRICE2
        """,
    ),
    _t(
        args(list_of(tuple_of(choose("in", "out"), number(0, 9)), 0, 5)),
        """
        net_amount account_balance sum_bookings (PAIRS)
        Sum of the numbers, those marked out subtracted and all others added.
        TOTAL = 0
        for KEY, VAL in PAIRS:
            if KEY == 'out':
                TOTAL -= VAL
            else:
                TOTAL += VAL
        return TOTAL
        """,
    ),
    _t(
        args(
            dict_of(choose("tea", "bee", "owl"), number(1, 9), 0, 3),
            list_of(choose("tea", "bee", "owl"), 0, 4),
        ),
        """
        price_list_total checkout sum_prices (TABLE, WORDS)
        Sum of the prices of WORDS in TABLE; None if one is missing.
        TOTAL = 0
        for W in WORDS:
            if W not in TABLE:
                return None
            TOTAL += TABLE[W]
        return TOTAL
        """,
    ),
    _t(
        args(number(0, 12), number(0, 12)),
        """
        change_due give_back cash_back (PRICE, N)
        Change when N is paid for PRICE; -1 if N is less than PRICE.
        if N < PRICE:
            return -1
        return N - PRICE
        """,
    ),
)
