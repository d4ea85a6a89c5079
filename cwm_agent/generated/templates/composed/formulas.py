"""Formulas of two to four numbers, and lists cut, turned and compared: phrase by phrase."""

from __future__ import annotations

import itertools
import re

from cwm_agent.generated.templates.composed.engine import build, pick
from cwm_agent.generated.templates.composed.inputs import high
from cwm_agent.generated.templates.template import Template

_ORDER = ("A", "B", "C", "X", "ITEMS", "ITEMS2", "TEXT", "WORDS", "LIMIT", "LOW", "HIGH", "N", "N2",
          "N8", "STEP", "BASE", "SEP", "CHAR")  # fmt: skip

# name, what is returned, expression
_PLAIN = (
    ("clamp", "X limited to the range LOW to HIGH", "max(LOW, min(X, HIGH))"),
    ("cap", "X, but at most LIMIT", "min(X, LIMIT)"),
    ("floor", "X, but at least LIMIT", "max(X, LIMIT)"),
    ("above_part", "how far X is above LIMIT, at least 0", "max(X - LIMIT, 0)"),
    ("below_part", "how far X is below LIMIT, at least 0", "max(LIMIT - X, 0)"),
    ("outside", "the distance of X to the range LOW to HIGH, 0 inside",
     "max(LOW - X, X - HIGH, 0)"),
    ("pages", "the number of pages for X items with N per page, rounded up", "(X + N - 1) // N"),
    ("full_pages", "the number of full groups of N in X items, rounded down", "X // N"),
    ("page_of", "the page, from 1, of position X (from 0) with N items per page", "X // N + 1"),
    ("first_on_page", "the first position (from 0) of page X (from 1) with N items", "(X - 1) * N"),
    ("after_page", "the first position (from 0) after page X (from 1) with N items", "X * N"),
    ("place_on_page", "the place, from 1, of position X (from 0) on its page of N", "X % N + 1"),
    ("left_over", "how many of X items remain after groups of N", "X % N"),
    ("missing", "how many items X lacks to the next multiple of N", "-X % N"),
    ("round_down", "X rounded down to a multiple of N", "X // N * N"),
    ("round_up", "X rounded up to a multiple of N", "(X + N - 1) // N * N"),
    ("round_near", "X rounded to the nearest multiple of N, up if tied", "(X + N // 2) // N * N"),
    ("wrap", "X moved by STEP and wrapped around at N, from 0", "(X + STEP) % N"),
    ("wrap_back", "X moved back by STEP and wrapped around at N, from 0", "(X - STEP) % N"),
    ("middle", "the middle of A and B, rounded down", "(A + B) // 2"),
    ("middle_three", "the middle one of A, B and C by size", "sorted((A, B, C))[1]"),
    ("average", "the average of A, B and C, rounded down", "(A + B + C) // 3"),
    ("spread", "the largest minus the smallest of A, B and C", "max(A, B, C) - min(A, B, C)"),
    ("largest_sum", "the sum of the two largest of A, B and C", "A + B + C - min(A, B, C)"),
    ("smallest_sum", "the sum of the two smallest of A, B and C", "A + B + C - max(A, B, C)"),
    ("ascending", "whether A, B and C are strictly ascending", "A < B < C"),
    ("descending", "whether A, B and C are descending, equal ones allowed", "A >= B >= C"),
    ("first_equal", "whether A is equal to B or to C", "A == B or A == C"),
    ("all_different", "whether A, B and C are all different", "A != B and B != C and A != C"),
    ("some_equal", "whether at least two of A, B and C are equal", "len({A, B, C}) < 3"),
    ("triangle", "whether A, B and C are sides of a triangle (strict)",
     "A + B > C and A + C > B and B + C > A"),
    ("same_sign", "whether A and B are both positive or both negative", "A * B > 0"),
    ("opposite", "whether one of A and B is positive and the other negative", "A * B < 0"),
    ("perimeter", "the perimeter of a rectangle with sides A and B", "2 * (A + B)"),
    ("border", "the area of A by B less an inner area of LOW by HIGH", "A * B - LOW * HIGH"),
    ("manhattan", "the distance of A from LOW plus the distance of B from HIGH",
     "abs(A - LOW) + abs(B - HIGH)"),
    ("chess", "the larger of the distances of A from LOW and B from HIGH",
     "max(abs(A - LOW), abs(B - HIGH))"),
    ("squares", "the square of A plus the square of B", "A * A + B * B"),
    ("square_gap", "the square of A minus the square of B", "A * A - B * B"),
    ("square_of_sum", "the square of the sum of A and B", "(A + B) ** 2"),
    ("fee", "BASE plus STEP for each one of X above LIMIT", "BASE + STEP * max(X - LIMIT, 0)"),
    ("refund", "BASE minus STEP for each one of X below LIMIT", "BASE - STEP * max(LIMIT - X, 0)"),
    ("taxed", "X plus N percent of it, rounded down", "X + X * N // 100"),
    ("reduced", "X minus N percent of it, the part rounded down", "X - X * N // 100"),
    ("percent", "what percentage X is of N, rounded down", "X * 100 // N"),
    ("leap", "whether X is divisible by 4 but not by 100, or by 400",
     "X % 4 == 0 and X % 100 != 0 or X % 400 == 0"),
    ("sign", "1 for positive X, -1 for negative X and 0 for zero", "(X > 0) - (X < 0)"),
    ("valid_index", "whether X is an index from 0 up to but excluding N", "0 <= X < N"),
    ("valid_place", "whether X is a place from 1 to N inclusive", "1 <= X <= N"),
    ("overlap", "the length of the overlap of A to B and LOW to HIGH, at least 0",
     "max(min(B, HIGH) - max(A, LOW), 0)"),
    ("meets", "whether the ranges A to B and LOW to HIGH share a point, ends included",
     "A <= HIGH and LOW <= B"),
    ("apart", "whether A and B are at most LIMIT apart", "abs(A - B) <= LIMIT"),
    ("far", "whether A and B are more than LIMIT apart", "abs(A - B) > LIMIT"),
    ("nearer", "A if it is at least as near to X as B, otherwise B",
     "A if abs(A - X) <= abs(B - X) else B"),
    ("interest", "A multiplied by N, plus B for each step after the first of N",
     "A * N + B * (N - 1)"),
    ("series", "the term at place N (from 1) of the series from A in steps of B",
     "A + (N - 1) * B"),
    ("minutes", "A hours and B minutes, in minutes", "A * 60 + B"),
    ("split_time", "X minutes as a tuple of hours and minutes", "(X // 60, X % 60)"),
    ("last_digit", "whether the last digits of A and B are equal", "A % 10 == B % 10"),
    ("grid_index", "the index of row A and column B in rows of N, all from 0", "A * N + B"),
    ("grid_place", "the row and column, from 0, of index X in rows of N", "(X // N, X % N)"),
    ("rotate_left", "ITEMS with its first N moved to the end", "ITEMS[N:] + ITEMS[:N]"),
    ("rotate_right", "ITEMS with its last N moved to the front", "ITEMS[-N:] + ITEMS[:-N]"),
    ("trim", "ITEMS without its first N and last N2 values", "ITEMS[N:-N2]"),
    ("ends", "the first N and then the last N2 values of ITEMS", "ITEMS[:N] + ITEMS[-N2:]"),
    ("mirrored", "ITEMS followed by ITEMS in reverse order", "ITEMS + ITEMS[::-1]"),
    ("insert", "ITEMS with X inserted before position N", "ITEMS[:N] + [X] + ITEMS[N:]"),
    ("replace", "ITEMS with the value at position N replaced by X",
     "ITEMS[:N] + [X] + ITEMS[N + 1:]"),
    ("delete", "ITEMS without the value at position N", "ITEMS[:N] + ITEMS[N + 1:]"),
    ("pad_right", "ITEMS filled up with X at the end to N values",
     "ITEMS + [X] * (N - len(ITEMS))"),
    ("pad_left", "ITEMS filled up with X at the front to N values",
     "[X] * (N - len(ITEMS)) + ITEMS"),
    ("at", "the value of ITEMS at position N, or X if there is none",
     "ITEMS[N] if N < len(ITEMS) else X"),
    ("from_end", "the N-th last value of ITEMS, or X if there is none",
     "ITEMS[-N] if N <= len(ITEMS) else X"),
    ("shared", "the sorted distinct values in both ITEMS and ITEMS2",
     "sorted(set(ITEMS) & set(ITEMS2))"),
    ("either", "the sorted distinct values in ITEMS or ITEMS2", "sorted(set(ITEMS) | set(ITEMS2))"),
    ("only_first", "the sorted distinct values of ITEMS that are not in ITEMS2",
     "sorted(set(ITEMS) - set(ITEMS2))"),
    ("unshared", "the sorted distinct values in exactly one of ITEMS and ITEMS2",
     "sorted(set(ITEMS) ^ set(ITEMS2))"),
    ("rising", "whether each value of ITEMS is above the one before",
     "all(B > A for A, B in zip(ITEMS, ITEMS[1:]))"),
    ("sorted", "whether each value of ITEMS is at least the one before",
     "all(B >= A for A, B in zip(ITEMS, ITEMS[1:]))"),
    ("falling", "whether each value of ITEMS is below the one before",
     "all(B < A for A, B in zip(ITEMS, ITEMS[1:]))"),
    ("repeated", "whether ITEMS has any value more than once", "len(set(ITEMS)) < len(ITEMS)"),
    ("mirror", "whether ITEMS reads the same backwards", "ITEMS == ITEMS[::-1]"),
    ("padded", "TEXT filled up with CHAR at the front to a length of N8", "TEXT.rjust(N8, CHAR)"),
    ("padded_end", "TEXT filled up with CHAR at the end to a length of N8", "TEXT.ljust(N8, CHAR)"),
    ("shortened", "TEXT, cut to N8 characters plus '...' if longer",
     "TEXT if len(TEXT) <= N8 else TEXT[:N8] + '...'"),
    ("before_sep", "the part of TEXT before the first CHAR", "TEXT.split(CHAR, 1)[0]"),
    ("after_sep", "the part of TEXT after the last CHAR", "TEXT.rsplit(CHAR, 1)[-1]"),
)  # fmt: skip


def _parameters(sentence: str) -> list[str]:
    words = re.findall(r"\b[A-Z]+\d?\b", sentence)
    return [name for name in _ORDER if name in words]


def formula_family() -> list[Template]:
    """One expression each."""
    made = []
    for key, says, code in _PLAIN:
        bodies = [f"return {code}", f"OUT = {code}\nreturn OUT"]
        choice = re.fullmatch(r"(.+) if (.+) else (.+)", code)
        if choice:
            hit, test, miss = choice.groups()
            bodies = [f"if {test}:\n    return {hit}\nreturn {miss}"]
        special = {"B": high} if key in ("overlap", "meets") else {}
        name = f"formula/{key}"
        names = (key, f"get_{key}", f"{key}_value")
        sentence = f"Return {says}."
        made.append(build(name, names, _parameters(says), sentence, pick(name, bodies), **special))
    return [template for template in made if template]


_PIECES = (
    ("window", "windows of N neighbours in ITEMS", "range(len(ITEMS) - N + 1)"),
    ("chunk", "chunks of N in ITEMS (the last may be shorter)", "range(0, len(ITEMS), N)"),
    ("prefix", "prefixes of ITEMS (shortest first)", "range(1, len(ITEMS) + 1)"),
    ("suffix", "suffixes of ITEMS (longest first)", "range(len(ITEMS))"),
)
_OF_PIECE = (
    ("list", "@", "lists"),
    ("sum", "sum(@)", "sums"),
    ("max", "max(@)", "maximums"),
    ("min", "min(@)", "minimums"),
    ("spread", "max(@) - min(@)", "differences of maximum and minimum"),
    ("average", "sum(@) // len(@)", "averages (rounded down)"),
)
_ALL_OF = (
    ("all", "the #, in order", "[@ ~]"),
    ("best", "the largest of the #, or 0 if none", "max((@ ~), default=0)"),
    ("least", "the smallest of the #, or 0 if none", "min((@ ~), default=0)"),
    ("above", "how many of the # are above LIMIT", "sum(1 ~ if @ > LIMIT)"),
    ("below", "how many of the # are below LIMIT", "sum(1 ~ if @ < LIMIT)"),
    ("least_limit", "whether any of the # is at least LIMIT", "any(@ >= LIMIT ~)"),
)


def piece_family() -> list[Template]:
    """Windows, chunks, prefixes and suffixes of a list."""
    cuts = {"window": "ITEMS[I:I + N]", "chunk": "ITEMS[I:I + N]", "prefix": "ITEMS[:I]",
            "suffix": "ITEMS[I:]"}  # fmt: skip
    made = []
    for piece, of, how in itertools.product(_PIECES, _OF_PIECE, _ALL_OF):
        if of[0] in ("list", "spread", "average") and how[0] != "all":
            continue
        element = of[1].replace("@", cuts[piece[0]])
        says = piece[1] if of[0] == "list" else f"{of[2]} of the {piece[1]}"
        whole = how[2].replace("@", element).replace("~", f"for I in {piece[2]}")
        body = f"return {whole}"
        if how[0] != "all":
            listed = how[2].replace("@", of[1].replace("@", "ROW")).replace("~", "for ROW in PARTS")
            body = f"PARTS = [{cuts[piece[0]]} for I in {piece[2]}]\nreturn {listed}"
        if how[0] == "all" and of[0] != "list":
            body = f"OUT = []\nfor I in {piece[2]}:\n    OUT.append({element})\nreturn OUT"
        sentence = f"Return {how[1].replace('#', says)}."
        needs = [name for name in ("ITEMS", "N", "LIMIT") if re.search(rf"\b{name}\b", sentence)]
        names = (f"{piece[0]}_{of[0]}s", f"{how[0]}_{piece[0]}", f"{of[0]}_of_{piece[0]}s")
        made.append(build(f"piece/{piece[0]}/{of[0]}/{how[0]}", names, needs, sentence, body))
    return [template for template in made if template]


def families() -> list[list[Template]]:
    """The templates of all families of this module."""
    return [formula_family(), piece_family()]
