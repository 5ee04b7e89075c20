"""Pictures by Soft Rasterizer that can be compared with others: before black, with outlines where they belong.

The colours of `SoftRenderer` reach as far as any face counts, as its background is next to invisible there: at an
outline they make a shape larger by three sigma. Soft silhouettes say how likely any face covers a pixel, a half at the
outline. So colours are multiplied by them.
"""
from opendr_lite import ch
from opendr_lite.renderer import SoftRenderer

__all__ = ["SIGMA_PIXELS", "before_black"]

SIGMA_PIXELS = 0.5
GAMMA = 1e-2


def before_black(**scene):
    """A node of the colours of a scene times how likely any face covers a pixel, (h, w) or (h, w, C)."""
    colours = SoftRenderer(sigma_pixels=SIGMA_PIXELS, gamma=GAMMA, **scene)
    height, width = colours.shape[:2]
    return colours * ch.reshape(colours.silhouette, (height, width, 1)[:len(colours.shape)])
