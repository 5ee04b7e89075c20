"""Convex polygons whose edges know what they are: cut, measured.

A store holds polygons, a row each: the number of corners, and for every corner x, y and the *label* of the line under the
edge from there to the next one. Corners run so that the area is positive, u right and v down. Points closer than
`ON_LINE` to a line are on it.
"""
from ...jit import step

ON_LINE = 1e-12  # pixels
BORDER = -1.0  # the label of a line that does not move


@step
def copy_polygon(store, p, q):
    """Row q becomes the same as row p."""
    for entry in range(1 + 3 * int(store[p, 0])):
        store[q, entry] = store[p, entry]


@step
def make_square(store, p, x, y, half):
    """Row p becomes the square around (x, y)."""
    store[p, 0] = 4.0
    for k in range(4):
        store[p, 1 + 3 * k] = x + (half if k == 1 or k == 2 else -half)
        store[p, 2 + 3 * k] = y + (half if k >= 2 else -half)
        store[p, 3 + 3 * k] = BORDER


@step
def side_of_line(store, p, a, b, c):
    """1 if polygon p lies where a x + b y + c >= 0, -1 if where it is <= 0, 0 if the line cuts it."""
    inside = outside = False
    for at in range(1, 1 + 3 * int(store[p, 0]), 3):
        distance = a * store[p, at] + b * store[p, at + 1] + c
        inside |= distance > ON_LINE
        outside |= distance < -ON_LINE
    return 1 if not outside else -1 if not inside else 0


@step
def is_outside(store, p, a, b, c):
    """Whether polygon p lies where a x + b y + c <= 0."""
    for at in range(1, 1 + 3 * int(store[p, 0]), 3):
        if a * store[p, at] + b * store[p, at + 1] + c > ON_LINE:
            return False
    return True


@step
def keep_inside(store, p, a, b, c, label, q):
    """Row q becomes what polygon p has where a x + b y + c >= 0; less than three corners if that is nothing."""
    stop, to = 1 + 3 * int(store[p, 0]), 1
    here = a * store[p, 1] + b * store[p, 2] + c
    for at in range(1, stop, 3):
        following = at + 3 if at + 3 < stop else 1
        there = a * store[p, following] + b * store[p, following + 1] + c
        if here >= -ON_LINE:
            store[q, to], store[q, to + 1] = store[p, at], store[p, at + 1]
            store[q, to + 2] = label if here <= ON_LINE and there < -ON_LINE else store[p, at + 2]
            to += 3
        if (here > ON_LINE and there < -ON_LINE) or (here < -ON_LINE and there > ON_LINE):
            along = here / (here - there)
            store[q, to] = store[p, at] + along * (store[p, following] - store[p, at])
            store[q, to + 1] = store[p, at + 1] + along * (store[p, following + 1] - store[p, at + 1])
            store[q, to + 2] = label if here > 0.0 else store[p, at + 2]
            to += 3
        here = there
    store[q, 0] = (to - 1) // 3


@step
def range_over(store, p, a, b, c):
    """Least and most of a x + b y + c on polygon p."""
    least = most = a * store[p, 1] + b * store[p, 2] + c
    for at in range(4, 1 + 3 * int(store[p, 0]), 3):
        value = a * store[p, at] + b * store[p, at + 1] + c
        least, most = min(least, value), max(most, value)
    return least, most


@step
def area_and_moments(store, p):
    """Area of polygon p, and the integrals of x and of y over it."""
    stop = 1 + 3 * int(store[p, 0])
    area = moment_x = moment_y = 0.0
    x0, y0 = store[p, stop - 3], store[p, stop - 2]
    for at in range(1, stop, 3):
        x1, y1 = store[p, at], store[p, at + 1]
        cross = x0 * y1 - x1 * y0
        area += cross
        moment_x += (x0 + x1) * cross
        moment_y += (y0 + y1) * cross
        x0, y0 = x1, y1
    return 0.5 * area, moment_x / 6.0, moment_y / 6.0
