"""Stand-alone templates about points and shapes with whole coordinates."""

from __future__ import annotations

import random

from cwm_agent.generated.templates.pools import args, small_int
from cwm_agent.generated.templates.standalone.makers import list_of, number, tuple_of
from cwm_agent.generated.templates.standalone.writer import writer
from cwm_agent.generated.templates.template import Arguments

_t = writer("geometry")
_point = tuple_of(number(-2, 5), number(-2, 5))
_points = list_of(_point, 0, 4)
_some_points = list_of(_point, 1, 4)


def _box(rng: random.Random) -> tuple[int, int, int, int]:
    left, top = rng.randint(0, 2), rng.randint(0, 2)
    return left, top, left + rng.randint(1, 2), top + rng.randint(1, 2)


def _near_box(rng: random.Random) -> tuple[int, int, int, int]:
    left, top = rng.randint(0, 2), rng.randint(0, 2)
    return left, top, left + rng.randint(2, 4), top + rng.randint(2, 4)


def _boxes(rng: random.Random) -> Arguments:
    return (_box(rng), _box(rng))


def _sides(rng: random.Random) -> Arguments:
    known = [(3, 4, 5), (6, 8, 10), (5, 12, 13), (3, 4, 6), (5, 5, 5), (2, 3, 4), (6, 8, 9)]
    return tuple(rng.sample(rng.choice(known), 3))


TEMPLATES = (
    _t(
        args(_point, _point),
        """
        city_distance manhattan block_distance (POINT, POINT2)
        Sum of the absolute differences of both coordinates.
        return abs(POINT[0] - POINT2[0]) + abs(POINT[1] - POINT2[1])
        """,
    ),
    _t(
        args(_point, _point),
        """
        squared_distance distance_squared (POINT, POINT2)
        Sum of the squares of the differences of both coordinates.
        A = POINT[0] - POINT2[0]
        B = POINT[1] - POINT2[1]
        return A * A + B * B
        """,
    ),
    _t(
        args(_point, _point),
        """
        king_moves chess_distance king_distance (POINT, POINT2)
        Greater one of the absolute differences of both coordinates.
        A = abs(POINT[0] - POINT2[0])
        B = abs(POINT[1] - POINT2[1])
        return max(A, B)
        """,
    ),
    _t(
        args(_some_points),
        """
        bounding_box box_around limits (POINTS)
        Smallest first and second and greatest first and second coordinate of POINTS.
        ITEMS = [POINT[0] for POINT in POINTS]
        OTHERS = [POINT[1] for POINT in POINTS]
        return min(ITEMS), min(OTHERS), max(ITEMS), max(OTHERS)
        """,
    ),
    _t(
        args(_points),
        """
        path_length route_length total_way (POINTS)
        Sum of the absolute coordinate differences from each of POINTS to the next.
        TOTAL = 0
        for A, B in zip(POINTS, POINTS[1:]):
            TOTAL += abs(A[0] - B[0]) + abs(A[1] - B[1])
        return TOTAL
        """,
    ),
    _t(
        args(_near_box, tuple_of(number(1, 5), number(1, 5))),
        """
        inside_box contains_point in_rectangle (PARTS, POINT)
        True if POINT is in box PARTS of left, top, right, bottom; left and top inclusive only.
        START, LOW, END, HIGH = PARTS
        return START <= POINT[0] < END and LOW <= POINT[1] < HIGH
        """,
    ),
    _t(
        _boxes,
        """
        boxes_overlap rectangles_touch intersects (A, B)
        True if boxes of left, top, right, bottom share an area; touching edges do not count.
        if A[2] <= B[0] or B[2] <= A[0]:
            return False
        return A[1] < B[3] and B[1] < A[3]
        """,
    ),
    _t(
        _boxes,
        """
        shared_area overlap_area common_area (A, B)
        Area that two boxes of left, top, right, bottom share; 0 if there is none.
        SIZE = min(A[2], B[2]) - max(A[0], B[0])
        N = min(A[3], B[3]) - max(A[1], B[1])
        return max(SIZE, 0) * max(N, 0)
        """,
    ),
    _t(
        args(number(1, 6), number(1, 6)),
        """
        area_and_border measure rectangle_sizes (A, B)
        Area and perimeter of a rectangle with the sides A and B.
        return A * B, 2 * (A + B)
        """,
    ),
    _t(
        args(number(1, 4), number(1, 4), number(1, 4)),
        """
        box_surface surface surface_of (A, B, C)
        Surface of a box with three sides: twice the sum of the products of two.
        return 2 * (A * B + B * C + A * C)
        """,
    ),
    _t(
        args(number(1, 4), number(1, 4), number(1, 4)),
        """
        triangle_kind kind_of_triangle side_kind (A, B, C)
        Says equal if three sides are equal, two if exactly two are, else none.
        if A == B == C:
            return 'equal'
        if A == B or B == C or A == C:
            return 'two'
        return 'none'
        """,
    ),
    _t(
        _sides,
        """
        is_right_triangle right_angle (A, B, C)
        True if the square of the longest side is the sum of the squares of the others.
        A2, B2, C2 = sorted((A, B, C))
        return A2 * A2 + B2 * B2 == C2 * C2
        """,
    ),
    _t(
        args(_points, _point),
        """
        nearest_point closest_place (POINTS, TARGET)
        First of POINTS with the smallest sum of coordinate differences to TARGET; None if empty.
        BEST, LAST = None, 99
        for A, B in POINTS:
            N = abs(A - TARGET[0]) + abs(B - TARGET[1])
            if N < LAST:
                BEST, LAST = (A, B), N
        return BEST
        """,
    ),
    _t(
        args(tuple_of(number(-1, 2), number(-1, 2))),
        """
        quadrant which_quarter quarter_of (POINT)
        1 for both coordinates greater than 0, 2 for only the second, 4 for only the first, else 3.
        A, B = POINT
        if A > 0:
            return 1 if B > 0 else 4
        return 2 if B > 0 else 3
        """,
    ),
    _t(
        args(_points, number(-3, 3), number(-3, 3)),
        """
        move_points translate shift_all (POINTS, A, B)
        POINTS with A added to the first and B to the second coordinate.
        return [(POINT[0] + A, POINT[1] + B) for POINT in POINTS]
        """,
    ),
    _t(
        args(_point),
        """
        turn_left rotate_point quarter_turn (POINT)
        Turns POINT by 90 degrees to the left around the origin.
        A, B = POINT
        return -B, A
        """,
    ),
    _t(
        args(_point),
        """
        four_neighbours adjacent_cells next_to (POINT)
        The cells left, right, above and below POINT, in this order, with coordinates at least 0.
        OUT = []
        for A, B in ((-1, 0), (1, 0), (0, -1), (0, 1)):
            X, X2 = POINT[0] + A, POINT[1] + B
            if X >= 0 and X2 >= 0:
                OUT.append((X, X2))
        return OUT
        """,
    ),
    _t(
        args(_points, small_int),
        """
        count_near points_within in_reach (POINTS, LIMIT)
        Number of POINTS whose squared distance to the origin is at most LIMIT.
        COUNT = 0
        for A, B in POINTS:
            if A * A + B * B <= LIMIT:
                COUNT += 1
        return COUNT
        """,
    ),
)
