"""Stand-alone templates about games."""

from __future__ import annotations

from cwm_agent.generated.templates.pools import args
from cwm_agent.generated.templates.standalone.makers import (
    choose,
    dict_of,
    list_of,
    number,
    same_length,
    text_of,
    tuple_of,
)
from cwm_agent.generated.templates.standalone.writer import writer

_t = writer("games")
_card = choose(2, 3, 5, 9, 10, 11)
_throw = choose("rock", "paper", "scissors")

TEMPLATES = (
    _t(
        args(list_of(choose(5, 10, 11, 11), 0, 4)),
        """
        hand_value blackjack card_total (ITEMS)
        Sum of ITEMS, but each 11 counts 1 as long as the sum is greater than 21.
        TOTAL = sum(ITEMS)
        for _ in range(ITEMS.count(11)):
            if TOTAL > 21:
                TOTAL -= 10
        return TOTAL
        """,
    ),
    _t(
        args(_throw, _throw),
        """
        winner who_wins throw_winner (A, B)
        1 if A beats B, 2 if B beats A, 0 if they are equal: rock, paper, scissors.
        if A == B:
            return 0
        TABLE = {'rock': 'scissors', 'paper': 'rock', 'scissors': 'paper'}
        return 1 if TABLE[A] == B else 2
        """,
    ),
    _t(
        args(list_of(number(1, 6), 0, 5)),
        """
        dice_score score_throw count_dice (ITEMS)
        Counts 100 for each 1 and 50 for each 5 among ITEMS.
        return 100 * ITEMS.count(1) + 50 * ITEMS.count(5)
        """,
    ),
    _t(
        args(list_of(number(1, 3), 2, 5)),
        """
        three_of_kind has_triple is_triple (ITEMS)
        True if a value occurs at least three times in ITEMS.
        for X in set(ITEMS):
            if ITEMS.count(X) >= 3:
                return True
        return False
        """,
    ),
    _t(
        args(list_of(number(1, 5), 2, 4)),
        """
        is_straight consecutive_cards in_a_row (ITEMS)
        True if sorted ITEMS grow by exactly 1 from each to the next.
        ITEMS2 = sorted(ITEMS)
        return all(B - A == 1 for A, B in zip(ITEMS2, ITEMS2[1:]))
        """,
    ),
    _t(
        args(text_of("LRUD", 0, 6)),
        """
        final_position walk follow_moves (TEXT)
        Position after the moves l, r, u, d in any case: r adds 1 to the first, u to the second.
        A, B = 0, 0
        for CHAR in TEXT.lower():
            A += (CHAR == 'r') - (CHAR == 'l')
            B += (CHAR == 'u') - (CHAR == 'd')
        return A, B
        """,
    ),
    _t(
        args(list_of(number(-3, 6), 0, 6), number(5, 9)),
        """
        board_position move_token play_moves (ITEMS, N)
        Field after all moves, from field 0 on a ring of N fields.
        I = 0
        for MOVE in ITEMS:
            I = (I + MOVE) % N
        return I
        """,
    ),
    _t(
        args(list_of(number(1, 6), 0, 7)),
        """
        finish_turn turns_to_goal when_finished (ITEMS)
        Number of throws until their sum is at least 10; 0 if that never happens.
        TOTAL = 0
        for I, X in enumerate(ITEMS, start=1):
            TOTAL += X
            if TOTAL >= 10:
                return I
        return 0
        """,
    ),
    _t(
        args(list_of(tuple_of(number(0, 3), number(0, 3)), 0, 4)),
        """
        league_points team_points points_of (PAIRS)
        3 points for each tuple whose first is greater, 1 for each with equal values.
        TOTAL = 0
        for A, B in PAIRS:
            if A > B:
                TOTAL += 3
            elif A == B:
                TOTAL += 1
        return TOTAL
        """,
    ),
    _t(
        args(list_of(list_of(choose("x", "x", "o"), 3, 3), 3, 3), choose("x", "o")),
        """
        wins_row has_row row_winner (GRID, CHAR)
        True if a row or column of the 3 by 3 GRID has only CHAR.
        for ROW in GRID + [list(COL) for COL in zip(*GRID)]:
            if ROW.count(CHAR) == 3:
                return True
        return False
        """,
    ),
    _t(
        args(text_of("abc", 4, 4), text_of("abc", 4, 4)),
        """
        hits guess_hits right_places (TEXT, TARGET)
        Number of positions at which both texts have the same character.
        COUNT = 0
        for A, B in zip(TEXT, TARGET):
            COUNT += A == B
        return COUNT
        """,
    ),
    _t(
        args(text_of("abcde", 0, 5), text_of("abcd", 1, 6)),
        """
        reveal hangman show_guessed (TEXT, TARGET)
        TARGET with every character that is not in TEXT replaced by an underscore.
        OUT = ''
        for CHAR in TARGET:
            OUT += CHAR if CHAR in TEXT else '_'
        return OUT
        """,
    ),
    _t(
        same_length(choose("Ann", "Bob", "Cid"), number(0, 9), low=0, high=5),
        """
        high_scores best_scores personal_bests (WORDS, ITEMS)
        Dictionary from each of WORDS to its greatest score in ITEMS at the same position.
        TABLE = {}
        for W, X in zip(WORDS, ITEMS):
            TABLE[W] = max(TABLE.get(W, 0), X)
        return TABLE
        """,
    ),
    _t(
        args(number(1, 9), number(0, 12), number(0, 5)),
        """
        damage hit_points_left after_hit (N, A, B)
        N less the damage A reduced by the shield B; at least 0 on both counts.
        X = max(A - B, 0)
        return max(N - X, 0)
        """,
    ),
    _t(
        args(choose(0, 50, 99, 100, 101, 199, 200, 250, 300)),
        """
        player_level level_for level_of (N)
        Level from 1 on: each full 100 of N adds 1, up to level 3.
        return min(3, 1 + N // 100)
        """,
    ),
    _t(
        args(dict_of(choose("Ann", "Bob", "Cid"), number(0, 3), 1, 4)),
        """
        draw_or_winner leading_player champion (TABLE)
        Key of TABLE with the greatest value; a text draw if several have it.
        BEST = max(TABLE.values())
        OUT = [W for W in TABLE if TABLE[W] == BEST]
        if len(OUT) > 1:
            return 'draw'
        return OUT[0]
        """,
    ),
    _t(
        args(number(1, 9), number(1, 5)),
        """
        last_standing survivor counting_out (N, STEP)
        Number, from 0, of the last of N players in a ring if every STEP places one drops out.
        I = 0
        for SIZE in range(2, N + 1):
            I = (I + STEP) % SIZE
        return I
        """,
    ),
)
