"""How likely any face covers a pixel: a T-conorm of the probabilities of the faces.

T-conorms are the unions of fuzzy logic: commutative, associative, increasing, with 0 as their neutral element. An
Archimedean one has a *generator* g (Klement, Mesiar, Pap, "Triangular Norms", 2000), with which it is a sum:

    S(D_1, ..., D_n) = h(g(D_1) + ... + g(D_n))        dS = h'(s) sum_j g'(D_j) dD_j

so a pixel needs a single number s, and its derivative nothing of the other faces but that. A row of the tables is

    g(D), g'(D)   from D and C = 1 - D        h(s), h'(s)

                  g               h
    prod          -log C          1 - exp(-s)        1 - prod_j C_j: one or the other, independently
    einstein      artanh D        tanh s             (a + b) / (1 + a b)
    hamacher      D / C           s / (1 + s)        (a + b - 2 a b) / (1 - a b)
    bounded       D               min(s, 1)          min(a + b, 1), Lukasiewicz'
    yager         D^2             min(sqrt(s), 1)    min(sqrt(a^2 + b^2), 1)
    sum           D               s / F              no T-conorm: the mean over the F faces of the mesh

max has no generator: its s is the largest D, and the first face that has it, the *winner*, alone matters. `hard` is 1
where that exceeds one half. Petersen et al., CVPR 2022, section 3.3; Liu et al., ICCV 2019, have prod, sum and hard.

To add one: a code and a line in `generator` and `union_of`, and its name.
"""
import math

from ...jit import formula

__all__ = ["MAX", "UNIONS", "generator", "union_of"]

PROD, EINSTEIN, HAMACHER, BOUNDED, YAGER, SUM, MAX, HARD = range(8)

UNIONS = {"prod": PROD, "einstein": EINSTEIN, "hamacher": HAMACHER, "bounded": BOUNDED, "yager": YAGER, "sum": SUM,
          "max": MAX, "hard": HARD}

LEAST = 1e-150  # of C: squares of its reciprocal are finite, and what is covered as surely as that does not change


@formula
def generator(union, covered, uncovered):
    """g(D), g'(D)"""
    uncovered = max(uncovered, LEAST)
    if union == PROD:
        return -math.log(uncovered), 1.0 / uncovered
    if union == EINSTEIN:
        return 0.5 * math.log((1.0 + covered) / uncovered), 1.0 / (uncovered * (1.0 + covered))
    if union == HAMACHER:
        return covered / uncovered, 1.0 / (uncovered * uncovered)
    if union == YAGER:
        return covered * covered, 2.0 * covered
    return covered, 1.0


@formula
def union_of(union, s, num_faces):
    """h(s), h'(s)"""
    if union == PROD:
        return -math.expm1(-s), math.exp(-s)
    if union == EINSTEIN:
        rest = math.exp(-2.0 * s)
        return -math.expm1(-2.0 * s) / (1.0 + rest), 4.0 * rest / ((1.0 + rest) * (1.0 + rest))
    if union == HAMACHER:
        return s / (1.0 + s), 1.0 / ((1.0 + s) * (1.0 + s))
    if union == BOUNDED:
        return min(s, 1.0), 1.0 if s < 1.0 else 0.0
    if union == YAGER:
        return min(math.sqrt(s), 1.0), 0.5 / math.sqrt(s) if 0.0 < s < 1.0 else 0.0
    if union == SUM:
        return s / num_faces, 1.0 / num_faces
    if union == MAX:
        return s, 1.0
    return 1.0 if s > 0.5 else 0.0, 0.0
