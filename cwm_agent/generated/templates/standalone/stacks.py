"""Stand-alone templates about stacks, queues and small machines."""

from __future__ import annotations

from cwm_agent.generated.templates.pools import args, ints
from cwm_agent.generated.templates.standalone.makers import (
    choose,
    list_of,
    number,
    text_of,
    tuple_of,
)
from cwm_agent.generated.templates.standalone.writer import writer

_t = writer("stacks")
_steps = list_of(tuple_of(choose("add", "sub", "set"), number(0, 9)), 0, 4)

TEMPLATES = (
    _t(
        args(choose("()", "(", ")(", "(())", "", "(()", "a(b)c", "())", "()()")),
        """
        is_balanced brackets_match valid_brackets (TEXT)
        True if every closing bracket in TEXT has an opening one before it and none is left.
        DEPTH = 0
        for CHAR in TEXT:
            if CHAR == '(':
                DEPTH += 1
            elif CHAR == ')':
                DEPTH -= 1
            if DEPTH < 0:
                return False
        return DEPTH == 0
        """,
    ),
    _t(
        args(choose("([])", "([)]", "(", "", "[]()", "]", "[[]", "()[", "(())")),
        """
        matched all_closed brackets_ok (TEXT)
        True if round and square brackets in TEXT are closed in the right order.
        STACK = []
        for CHAR in TEXT:
            if CHAR in '([':
                STACK.append(CHAR)
            elif not STACK or STACK.pop() + CHAR not in ('()', '[]'):
                return False
        return not STACK
        """,
    ),
    _t(
        args(text_of("(()", 0, 6)),
        """
        max_depth deepest_level nesting_depth (TEXT)
        Greatest number of round brackets that are open at once in TEXT.
        DEPTH = 0
        BEST = 0
        for CHAR in TEXT:
            if CHAR == '(':
                DEPTH += 1
                BEST = max(BEST, DEPTH)
            elif CHAR == ')':
                DEPTH -= 1
        return BEST
        """,
    ),
    _t(
        args(text_of("ab#", 0, 7)),
        """
        apply_backspaces typed_text erase (TEXT)
        Text that is left if each hash sign removes the character before it, if any.
        OUT = []
        for CHAR in TEXT:
            if CHAR != '#':
                OUT.append(CHAR)
            elif OUT:
                OUT.pop()
        return ''.join(OUT)
        """,
    ),
    _t(
        args(text_of("aabb", 0, 7)),
        """
        remove_pairs cancel_equal reduce_text (TEXT)
        Removes equal neighbours in twos, again and again, from left to right.
        STACK = []
        for CHAR in TEXT:
            if STACK and STACK[-1] == CHAR:
                STACK.pop()
            else:
                STACK.append(CHAR)
        return ''.join(STACK)
        """,
    ),
    _t(
        args(choose("1 2 +", "3 4 -", "2 3 + 1 -", "1 2 3 + -", "5", "9 1 - 2 -", "7 7 -")),
        """
        evaluate postfix_value compute (TEXT)
        Value of a postfix term of numbers, plus and minus, separated by blanks.
        STACK = []
        for W in TEXT.split():
            if W.isdigit():
                STACK.append(int(W))
            else:
                B, A = STACK.pop(), STACK.pop()
                C = {'+': A + B, '-': A - B}[W]
                STACK.append(C)
        return STACK[-1]
        """,
    ),
    _t(
        args(_steps),
        """
        run_steps apply_operations run_program (PAIRS)
        Runs steps on a number, at first 0: add, sub or set with a value.
        TOTAL = 0
        for MOVE, VAL in PAIRS:
            if MOVE == 'add':
                TOTAL += VAL
            elif MOVE == 'sub':
                TOTAL -= VAL
            else:
                TOTAL = VAL
        return TOTAL
        """,
    ),
    _t(
        args(list_of(choose(1, 2, 3, 4, "undo"), 0, 6)),
        """
        apply_undo with_undo history (ITEMS)
        List of ITEMS in which each text undo removes the one before, if any.
        OUT = []
        for X in ITEMS:
            if X == 'undo':
                OUT = OUT[:-1]
            else:
                OUT.append(X)
        return OUT
        """,
    ),
    _t(
        args(ints),
        """
        next_greater following_greater greater_after (ITEMS)
        For each of ITEMS the first later one that is greater; -1 if there is none.
        OUT = []
        for I, X in enumerate(ITEMS):
            OTHERS = [X2 for X2 in ITEMS[I + 1:] if X2 > X]
            OUT.append(OTHERS[0] if OTHERS else -1)
        return OUT
        """,
    ),
    _t(
        args(list_of(number(0, 5), 0, 6), number(1, 3)),
        """
        recent_items last_used remember (ITEMS, SIZE)
        The last SIZE different ITEMS used, the latest use last.
        OUT = []
        for X in ITEMS:
            if X in OUT:
                OUT.remove(X)
            OUT.append(X)
            OUT = OUT[-SIZE:]
        return OUT
        """,
    ),
    _t(
        args(list_of(number(0, 3), 0, 7), number(1, 3)),
        """
        cache_misses count_loads page_faults (ITEMS, SIZE)
        Number of ITEMS not among the last SIZE ones loaded; each of these is loaded.
        OUT = []
        COUNT = 0
        for X in ITEMS:
            if X not in OUT[-SIZE:]:
                COUNT += 1
                OUT.append(X)
        return COUNT
        """,
    ),
    _t(
        args(list_of(number(0, 9), 0, 6), number(1, 4)),
        """
        serve_queue rotate_queue after_turns (ITEMS, N)
        Moves the first of ITEMS to the end, N times.
        OUT = list(ITEMS)
        for _ in range(N):
            if OUT:
                OUT.append(OUT.pop(0))
        return OUT
        """,
    ),
    _t(
        args(text_of("+-", 0, 7)),
        """
        visitors_inside people_in counter (TEXT)
        Starts at 0; plus adds 1, minus subtracts 1, but never below 0.
        COUNT = 0
        for CHAR in TEXT:
            if CHAR == '+':
                COUNT += 1
            elif COUNT > 0:
                COUNT -= 1
        return COUNT
        """,
    ),
    _t(
        args(text_of("tf", 0, 6)),
        """
        turnstile gate_state light_after (TEXT)
        State after all signs, at first off: each t toggles it between off and on.
        FLAG = False
        for CHAR in TEXT:
            if CHAR == 't':
                FLAG = not FLAG
        return 'on' if FLAG else 'off'
        """,
    ),
    _t(
        args(list_of(number(0, 4), 0, 6), list_of(number(0, 4), 0, 4)),
        """
        is_subsequence in_same_order appears_in_order (ITEMS, OTHERS)
        True if OTHERS can be made from ITEMS by leaving out elements.
        I = 0
        for X in ITEMS:
            if I < len(OTHERS) and X == OTHERS[I]:
                I += 1
        return I == len(OTHERS)
        """,
    ),
    _t(
        args(list_of(choose(1, 2, [3], [4, 5], [], [[6], 7]), 0, 4)),
        """
        flatten_one_level open_lists unpack (ITEMS)
        Replaces every list in ITEMS by its elements, one level only.
        OUT = []
        for X in ITEMS:
            if isinstance(X, list):
                OUT.extend(X)
            else:
                OUT.append(X)
        return OUT
        """,
    ),
)
