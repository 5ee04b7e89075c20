"""Convex polygons whose edges know what they are: cut, measured, subtracted from one another.

A *store* holds many polygons: arrays x, y (P, corners), label (P, corners), count (P,). Corners run so that the area is
positive, u right and v down. label[p, k] names the line under the edge from corner k to the next one. Points closer than
`ON_LINE` to a line are on it; a cut gives them to both sides.
"""
from ...jit import step

ON_LINE = 1e-12  # pixels
BORDER = -1  # the label of a line that does not move


@step
def copy_polygon(source, p, target, q):
    """Polygon q of a store becomes polygon p of another."""
    for k in range(source[3][p]):
        target[0][q, k], target[1][q, k], target[2][q, k] = source[0][p, k], source[1][p, k], source[2][p, k]
    target[3][q] = source[3][p]


@step
def side_of_line(store, p, a, b, c):
    """1 if the polygon lies where a x + b y + c >= 0, -1 if where it is <= 0, 0 if the line cuts it."""
    inside = outside = False
    for k in range(store[3][p]):
        distance = a * store[0][p, k] + b * store[1][p, k] + c
        inside |= distance > ON_LINE
        outside |= distance < -ON_LINE
    return 1 if not outside else -1 if not inside else 0


@step
def cut_polygon(store, p, a, b, c, label, inside, i, outside, o):
    """Cut polygon p by a line that cuts it: what is inside becomes polygon i of a store, the rest polygon o of another."""
    x, y, labels, count = store
    n = count[p]
    num_inside = num_outside = 0
    here = a * x[p, 0] + b * y[p, 0] + c
    for k in range(n):
        following = k + 1 if k + 1 < n else 0
        there = a * x[p, following] + b * y[p, following] + c
        if here >= -ON_LINE:
            inside[0][i, num_inside], inside[1][i, num_inside] = x[p, k], y[p, k]
            inside[2][i, num_inside] = label if here <= ON_LINE and there < -ON_LINE else labels[p, k]
            num_inside += 1
        if here <= ON_LINE:
            outside[0][o, num_outside], outside[1][o, num_outside] = x[p, k], y[p, k]
            outside[2][o, num_outside] = label if here >= -ON_LINE and there > ON_LINE else labels[p, k]
            num_outside += 1
        if (here > ON_LINE and there < -ON_LINE) or (here < -ON_LINE and there > ON_LINE):
            along = here / (here - there)
            cut_x = x[p, k] + along * (x[p, following] - x[p, k])
            cut_y = y[p, k] + along * (y[p, following] - y[p, k])
            inside[0][i, num_inside], inside[1][i, num_inside] = cut_x, cut_y
            inside[2][i, num_inside] = label if here > ON_LINE else labels[p, k]
            num_inside += 1
            outside[0][o, num_outside], outside[1][o, num_outside] = cut_x, cut_y
            outside[2][o, num_outside] = label if here < -ON_LINE else labels[p, k]
            num_outside += 1
        here = there
    inside[3][i], outside[3][o] = num_inside, num_outside


@step
def area_and_moments(store, p):
    """Area of a polygon, and the integrals of x and of y over it."""
    x, y, n = store[0][p], store[1][p], store[3][p]
    area = moment_x = moment_y = 0.0
    for k in range(n):
        m = k + 1 if k + 1 < n else 0
        cross = x[k] * y[m] - x[m] * y[k]
        area += cross
        moment_x += (x[k] + x[m]) * cross
        moment_y += (y[k] + y[m]) * cross
    return 0.5 * area, moment_x / 6.0, moment_y / 6.0
