"""How the faces that reach a pixel are mixed.

A face has a probability D (`sigmoids`), a depth z (`surface`) and a colour c (`colors`) at each pixel that it reaches.
With the nearness q = (far - z) / (far - near), q_b that of the background, and M the largest of them all,

    I = (sum_j W_j c_j + W_b B) / W        W_j = D_j exp((q_j - M) / gamma)        W = sum_j W_j + W_b

    softmax      W_b = exp((q_b - M) / gamma), and faces count up to `far`: Soft Rasterizer
    pytorch3d    W_b = max(exp((q_b - M) / gamma), 1e-10)
    hard         the nearest face that has the pixel inside, or B

(M makes no difference but for the bound on W_b: it keeps the exponentials from overflow.) With the shares W_j / W,

    dI = sum_j W_j / W ((c_j - I) (dD_j / D_j + dq_j / gamma - (q_j - M) / gamma^2 dgamma) + dc_j)
         + W_b / W ((B - I) d log W_b + dB)

Nothing is divided by D_j, as W_j is a multiple of it. Where W_b is at its bound, M matters: it changes I by
W_b / W (B - I) / gamma, through the face in front.
"""
import math
from typing import NamedTuple

from ...jit import formula
from .sigmoids import probability

__all__ = ["BLENDINGS", "HARD", "PYTORCH3D", "Mix", "background_weight", "is_bounded", "nearness", "share_of"]

SOFTMAX, PYTORCH3D, HARD = range(3)
BLENDINGS = {"softmax": SOFTMAX, "pytorch3d": PYTORCH3D, "hard": HARD}

LEAST_BACKGROUND = 1e-10  # PyTorch3D's bound on the weight of the background


class Mix(NamedTuple):
    """How the faces of a pixel are mixed.

    Attributes
    ----------
    blending : int
        A code.
    gamma : float
    nearness : float
        q_b
    near, far : float
    """

    blending: int
    gamma: float
    nearness: float
    near: float
    far: float


@formula
def background_weight(nearest, mix):
    """(W_b, d log W_b / dgamma)"""
    beyond = mix.nearness - nearest
    weight, slope = math.exp(beyond / mix.gamma), -beyond / (mix.gamma * mix.gamma)
    if mix.blending == PYTORCH3D and weight < LEAST_BACKGROUND:
        return LEAST_BACKGROUND, 0.0
    return weight, slope


@formula
def is_bounded(nearest, mix):
    """Whether the weight of the background is at its bound, so that a change of M matters."""
    weight, _ = background_weight(nearest, mix)
    return mix.blending == PYTORCH3D and mix.nearness < nearest and weight == LEAST_BACKGROUND


@formula
def nearness(z, mix):
    return (mix.far - z) / (mix.far - mix.near)


@formula
def share_of(x, z, is_front, nearest, total, blur, mix):
    """(share of a face at a pixel, its derivative by x, by q, by gamma), the last three over (c - I)."""
    if mix.blending == HARD:
        return (1.0 if is_front else 0.0), 0.0, 0.0, 0.0
    if mix.blending == SOFTMAX and z > mix.far:
        return 0.0, 0.0, 0.0, 0.0
    ahead = nearness(z, mix) - nearest
    ratio = math.exp(ahead / mix.gamma) / total
    covered, _, density = probability(blur.sigmoid, x)
    share = covered * ratio
    return share, density * ratio, share / mix.gamma, -share * ahead / (mix.gamma * mix.gamma)
