"""Stand-alone templates about grids: lists of rows."""

from __future__ import annotations

from cwm_agent.generated.templates.pools import args, positive_int, small_int
from cwm_agent.generated.templates.standalone.makers import binary_grid, grid, number, square
from cwm_agent.generated.templates.standalone.writer import writer

_t = writer("grids")

TEMPLATES = (
    _t(
        args(grid),
        """
        transpose flip_axes columns_as_rows (GRID)
        Rows of GRID as columns: row 0 becomes column 0.
        return [list(COL) for COL in zip(*GRID)]
        """,
    ),
    _t(
        args(grid),
        """
        row_sums sum_rows row_totals (GRID)
        List of the sum of each row of GRID.
        return [sum(ROW) for ROW in GRID]
        """,
    ),
    _t(
        args(grid),
        """
        column_sums sum_columns column_totals (GRID)
        List of the sum of each column of GRID.
        OUT = [0] * len(GRID[0])
        for ROW in GRID:
            for COL, X in enumerate(ROW):
                OUT[COL] += X
        return OUT
        """,
    ),
    _t(
        args(square),
        """
        diagonal_sum trace main_diagonal (GRID)
        Sum of the main diagonal of a square GRID, from top left to bottom right.
        return sum(GRID[I][I] for I in range(len(GRID)))
        """,
    ),
    _t(
        args(square),
        """
        other_diagonal anti_diagonal (GRID)
        Values from the top right to the bottom left corner of a square GRID.
        SIZE = len(GRID)
        return [GRID[I][SIZE - 1 - I] for I in range(SIZE)]
        """,
    ),
    _t(
        args(square),
        """
        is_symmetric symmetric same_transposed (GRID)
        True if each cell of a square GRID equals the one with row and column swapped.
        for R in range(len(GRID)):
            for COL in range(R):
                if GRID[R][COL] != GRID[COL][R]:
                    return False
        return True
        """,
    ),
    _t(
        args(grid),
        """
        rotate_clockwise turn_right rotate_grid (GRID)
        Turns GRID by a quarter to the right: the last row becomes the first column.
        return [list(ROW) for ROW in zip(*GRID[::-1])]
        """,
    ),
    _t(
        args(grid),
        """
        mirror_rows flip_sideways (GRID)
        Every row of GRID in reverse order; the rows keep their order.
        return [ROW[::-1] for ROW in GRID]
        """,
    ),
    _t(
        args(binary_grid, number(0, 3), number(0, 3)),
        """
        count_neighbours neighbour_sum (GRID, R, COL)
        Sum of the cells left, right, above and below a place; cells outside count 0.
        TOTAL = 0
        for A, B in ((0, 1), (1, 0), (0, -1), (-1, 0)):
            I, I2 = R + A, COL + B
            if 0 <= I < len(GRID) and 0 <= I2 < len(GRID[0]):
                TOTAL += GRID[I][I2]
        return TOTAL
        """,
    ),
    _t(
        args(grid, number(-1, 2), number(-1, 3)),
        """
        cell_or_default get_cell safe_cell (GRID, R, COL)
        Cell of GRID in row R and column COL, both from 0; -1 if outside.
        if R < 0 or R >= len(GRID):
            return -1
        if COL < 0 or COL >= len(GRID[R]):
            return -1
        return GRID[R][COL]
        """,
    ),
    _t(
        args(binary_grid),
        """
        full_rows complete_rows find_full_rows (GRID)
        Indexes of the rows of GRID in which every cell is 1.
        OUT = []
        for I, ROW in enumerate(GRID):
            if all(X == 1 for X in ROW):
                OUT.append(I)
        return OUT
        """,
    ),
    _t(
        args(binary_grid),
        """
        clear_full_rows drop_rows (GRID)
        Removes rows of GRID without any 0 and puts as many rows of zeros on top.
        ROWS = [ROW for ROW in GRID if 0 in ROW]
        SIZE = len(GRID) - len(ROWS)
        return [[0] * len(GRID[0]) for _ in range(SIZE)] + ROWS
        """,
    ),
    _t(
        args(positive_int, positive_int),
        """
        times_table multiplication_table products (N, SIZE)
        Grid of N rows and SIZE columns with the products of row and column, both from 1.
        OUT = []
        for R in range(1, N + 1):
            OUT.append([R * COL for COL in range(1, SIZE + 1)])
        return OUT
        """,
    ),
    _t(
        args(positive_int),
        """
        identity unit_grid identity_matrix (SIZE)
        Square grid with 1 on the main diagonal and 0 elsewhere.
        OUT = [[0] * SIZE for _ in range(SIZE)]
        for I in range(SIZE):
            OUT[I][I] = 1
        return OUT
        """,
    ),
    _t(
        args(positive_int, positive_int),
        """
        checkerboard checkers pattern (N, SIZE)
        Grid of N rows and SIZE columns of 0 and 1 in turn; the first is 0.
        OUT = []
        for R in range(N):
            OUT.append([(R + COL) % 2 for COL in range(SIZE)])
        return OUT
        """,
    ),
    _t(
        args(grid, small_int),
        """
        find_cell locate position_in_grid (GRID, TARGET)
        Row and column of the first cell equal to TARGET; None if there is none.
        for R, ROW in enumerate(GRID):
            for COL, X in enumerate(ROW):
                if X == TARGET:
                    return R, COL
        return None
        """,
    ),
    _t(
        args(square),
        """
        border_sum edge_total frame_sum (GRID)
        Sum of the cells in the first or last row or column of a square GRID.
        LAST = len(GRID) - 1
        TOTAL = 0
        for R, ROW in enumerate(GRID):
            for COL, X in enumerate(ROW):
                if R in (0, LAST) or COL in (0, LAST):
                    TOTAL += X
        return TOTAL
        """,
    ),
    _t(
        args(grid),
        """
        max_of_row_minimums saddle_value (GRID)
        Greatest of the smallest values of the rows of GRID.
        return max(min(ROW) for ROW in GRID)
        """,
    ),
    _t(
        args(grid),
        """
        snake_order zigzag boustrophedon (GRID)
        All cells row by row; rows with an odd index are read in reverse order.
        OUT = []
        for I, ROW in enumerate(GRID):
            OUT.extend(ROW if I % 2 == 0 else ROW[::-1])
        return OUT
        """,
    ),
)
