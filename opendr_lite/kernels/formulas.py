"""Formulas of rasterization: scalar functions, the same for every device.

Edge functions (Pineda, "A parallel algorithm for polygon rasterization", SIGGRAPH 1988). For a directed edge
a -> b

    e(p) = (b_u - a_u) (p_v - a_v) - (b_v - a_v) (p_u - a_u)

is twice the signed area of the triangle (a, b, p). Three properties of this form in floating point carry the
rasterizer. It is exactly zero at both ends of the edge. With the end points in a fixed order (`precedes`),
and multiplied by -1 for one of the two faces of the edge, those faces see exactly opposite numbers, so that
no pixel falls between them or into both. And it only subtracts coordinates, so it is as exact far from the
origin as near it.

Perspective. With e_k the edge function opposite to corner k, lambda_k = e_k / sum(e) are barycentric
coordinates on the screen. 1/z is linear there, and so is every attribute divided by z (Heckbert and Moreton,
"Interpolation for polygon texture mapping and shading", 1991), hence

    1/z = sum lambda_k / z_k        b_k = (lambda_k / z_k) z

with b the barycentric coordinates on the face in space.
"""
import math

from .jit import formula

SMALLEST = 5e-324  # the least positive number: `x >= SMALLEST` is `x > 0`
NOTHING = 1e-290  # an area less than this, divided by, might overflow


@formula
def first_pixel_from(x, start, stop):
    """First pixel of `range(start, stop)` with its centre at x or beyond, else `stop`.

    Here and below x is cut off before it becomes an integer: it may be as large as it likes, but not NaN.
    """
    return math.ceil(min(max(x, start), stop))


@formula
def first_pixel_beyond(x, start, stop):
    """First pixel of `range(start, stop)` with its centre beyond x, else `stop`."""
    return math.floor(min(max(x, start - 1.0), stop - 1.0)) + 1


@formula
def pixels_along(origin, end, start, stop):
    """Range of the pixels of `range(start, stop)` with centres on the way from `origin` to short of `end`."""
    if origin <= end:
        return first_pixel_from(origin, start, stop), first_pixel_from(end, start, stop)
    return first_pixel_beyond(end, start, stop), first_pixel_beyond(origin, start, stop)


@formula
def precedes(au, av, bu, bv):
    """Whether point a comes before b: from left to right, then from top to bottom."""
    return au < bu or (au == bu and av < bv)


@formula
def left_to_right(au, av, za, bu, bv, zb):
    """Two points with their z, the one that precedes in front."""
    swap = precedes(bu, bv, au, av)
    return ((bu if swap else au), (bv if swap else av), (zb if swap else za),
            (au if swap else bu), (av if swap else bv), (za if swap else zb))


@formula
def edge_function(au, av, bu, bv, pu, pv):
    """Twice the signed area of the triangle (a, b, p)."""
    return (bu - au) * (pv - av) - (bv - av) * (pu - au)


@formula
def edge_threshold(slope_u, slope_v):
    """Least value of an edge function that is inside: the top-left rule.

    The slopes are the derivatives of the edge function with respect to u and v, so they point into the face.
    A point on the edge belongs to the face on its right, or below it where the edge is horizontal.
    """
    return 0.0 if slope_u > 0.0 or (slope_u == 0.0 and slope_v > 0.0) else SMALLEST


@formula
def may_be_inside(begin, end, first, last, slope_u, origin_u):
    """The part of [begin, end] where an edge function may be inside in some row of a strip.

    Along the first row it is `first + slope_u (u - origin_u)`, and alike in the last row. The part is a pixel
    longer at either end than that, for the sake of rounding.
    """
    from_first, from_last = origin_u - first / slope_u, origin_u - last / slope_u
    return (max(begin, min(from_first, from_last) - 1.0) if slope_u > 0.0 else begin,
            min(end, max(from_first, from_last) + 1.0) if slope_u < 0.0 else end)


@formula
def perspective_barycentrics(e0, e1, e2, inverse_z0, inverse_z1, inverse_z2):
    """Barycentric coordinates on the face in space, and the depth.

    From the edge functions opposite to the corners, and 1/z there. Where a face is so thin that rounding or
    underflow leaves nothing of the edge functions, the middle of the face.
    """
    if e0 + e1 + e2 < NOTHING:
        e0 = e1 = e2 = 1.0
    w0 = e0 * inverse_z0
    w1 = e1 * inverse_z1
    w2 = e2 * inverse_z2
    scale = 1.0 / (w0 + w1 + w2)
    return w0 * scale, w1 * scale, w2 * scale, (e0 + e1 + e2) * scale


@formula
def perspective_along(t, inverse_z0, inverse_z1):
    """Parameter along a segment in space, and the depth, at the parameter `t` along its image."""
    w0 = (1.0 - t) * inverse_z0
    w1 = t * inverse_z1
    return w1 / (w0 + w1), 1.0 / (w0 + w1)
