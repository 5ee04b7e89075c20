"""Area sampling of the pixels that edges cross: what is seen of each face in the square of a pixel, and how it moves.

    planes ──► marks ──► gather ──► arrangement
    of faces   which     which      the visible part of each face in each marked pixel: its area, its centroid, and
               pixels    faces      what moves its border

Over a face everything that matters is affine on the screen: barycentric coordinates, and w = 1/z. So is which of two
faces is nearer, and all that is cut off in a pixel is convex polygons.
"""
