"""Stand-alone templates about pages, ranges and limits."""

from __future__ import annotations

from cwm_agent.generated.templates.pools import args, ints, positive_int, small_int
from cwm_agent.generated.templates.standalone.makers import choose, list_of, number
from cwm_agent.generated.templates.standalone.writer import writer

_t = writer("paging")
_long = list_of(number(0, 9), 0, 12)

TEMPLATES = (
    _t(
        args(_long, number(1, 4), positive_int),
        """
        page_items get_page nth_page (ITEMS, PAGE, SIZE)
        Elements of page PAGE, counted from 1, with SIZE of ITEMS on each page.
        START = (PAGE - 1) * SIZE
        return ITEMS[START:START + SIZE]
        """,
    ),
    _t(
        args(number(0, 20), positive_int),
        """
        page_count number_of_pages pages_needed (N, SIZE)
        Number of pages of SIZE each that N entries need; 0 for none.
        return (N + SIZE - 1) // SIZE
        """,
    ),
    _t(
        args(number(0, 20), positive_int, number(1, 5)),
        """
        has_next_page more_pages is_more (N, SIZE, PAGE)
        True if N entries with SIZE on a page go beyond page PAGE, counted from 1.
        return PAGE * SIZE < N
        """,
    ),
    _t(
        args(number(0, 20), number(2, 6)),
        """
        page_of which_page find_page (I, SIZE)
        Page, counted from 1, of the entry at index I, with SIZE on a page.
        return I // SIZE + 1
        """,
    ),
    _t(
        args(number(-1, 8), number(1, 6)),
        """
        valid_page fix_page clamp_page (PAGE, N)
        PAGE, but 1 if it is less than 1 and N if it is greater than N.
        if PAGE < 1:
            return 1
        if PAGE > N:
            return N
        return PAGE
        """,
    ),
    _t(
        args(number(1, 9), number(1, 9)),
        """
        page_links nearby_pages page_window (PAGE, N)
        Numbers from PAGE minus 2 to PAGE plus 2 inclusive that lie between 1 and N.
        START = max(1, PAGE - 2)
        END = min(N, PAGE + 2)
        return list(range(START, END + 1))
        """,
    ),
    _t(
        args(number(1, 4), positive_int, number(1, 20)),
        """
        range_text showing_text page_label (PAGE, SIZE, N)
        First and last entry number on a page, separated by a hyphen, and the number of all.
        START = (PAGE - 1) * SIZE + 1
        END = min(PAGE * SIZE, N)
        return f'{START}-{END} of {N}'
        """,
    ),
    _t(
        args(_long, small_int, small_int),
        """
        slice_from skip_and_take offset_limit (ITEMS, START, N)
        Skips the first START of ITEMS and returns at most N after them.
        return ITEMS[START:START + N]
        """,
    ),
    _t(
        args(_long, number(2, 4)),
        """
        last_page final_page items_on_last_page (ITEMS, SIZE)
        Elements on the last page of SIZE each; empty if there are no ITEMS.
        if not ITEMS:
            return []
        START = (len(ITEMS) - 1) // SIZE * SIZE
        return ITEMS[START:]
        """,
    ),
    _t(
        args(list_of(choose("a", "be", "cat"), 0, 12)),
        """
        preview teaser first_few (WORDS)
        First K of WORDS separated by commas, with three dots after them if there are more.
        TEXT = ', '.join(WORDS[:K])
        if len(WORDS) > K:
            TEXT += '...'
        return TEXT
        """,
    ),
    _t(
        args(ints, number(0, 7)),
        """
        next_index wrap_next following (ITEMS, I)
        Index after I in ITEMS, 0 after the last one; None if ITEMS is empty.
        if not ITEMS:
            return None
        return (I + 1) % len(ITEMS)
        """,
    ),
    _t(
        args(number(1, 9), number(1, 9)),
        """
        previous_index step_back wrap_previous (N, PAGE)
        Page before PAGE, counted from 1; before page 1 comes page N.
        if PAGE <= 1:
            return N
        return PAGE - 1
        """,
    ),
    _t(
        args(number(0, 12), number(1, 12)),
        """
        progress percent_done completion (COUNT, TOTAL)
        Percent of TOTAL that COUNT is, rounded down, at most 100.
        return min(100, COUNT * 100 // TOTAL)
        """,
    ),
    _t(
        args(number(0, 10)),
        """
        progress_bar bar_text draw_bar (N)
        Text of 10 characters: N hash signs, then dots.
        return '#' * N + '.' * (10 - N)
        """,
    ),
    _t(
        args(number(0, 20), number(2, 5)),
        """
        row_and_column to_cell grid_position (I, SIZE)
        Row and column, both from 0, of index I with SIZE columns in a row.
        return I // SIZE, I % SIZE
        """,
    ),
    _t(
        args(number(0, 14), number(1, 6), number(0, 5)),
        """
        batches_left remaining_batches (N, SIZE, COUNT)
        Number of batches of SIZE that N needs beyond the COUNT done; at least 0.
        TOTAL = -(-N // SIZE)
        return max(TOTAL - COUNT, 0)
        """,
    ),
)
