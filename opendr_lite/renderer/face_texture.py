"""Textures without texture coordinates: a cube of texels for each face, see `kernels.cpu.face_texture`."""
from ..ch import Ch

__all__ = ["FaceTexture"]


class FaceTexture(Ch):
    """Colours that vary over each face on its own, (F k³, C), to be the `fc` of a renderer.

    A point with barycentric coordinates b shows what trilinear interpolation gives at (k - 1) b in the cube of its
    face: texels[f, k - 1, 0, 0], texels[f, 0, k - 1, 0] and texels[f, 0, 0, k - 1] are its colours at the three
    corners. Faces do not share texels, and need no texture coordinates. With k = 1 a face has one colour.

    (Kato, Ushiku and Harada, "Neural 3D Mesh Renderer", CVPR 2018.)

    Parameters
    ----------
    texels : (F, k, k, k, C) node or array

    Raises
    ------
    ValueError
        When asked for its value, where the texels have another shape.

    Examples
    --------
    >>> texels = Ch(np.full((len(f), 4, 4, 4, 3), 0.5))
    >>> image = ColoredRenderer(camera=camera, f=f, frustum=frustum, fc=FaceTexture(texels))
    >>> minimize(image - photograph, x0=[texels])
    """

    dterms = "texels",

    def compute_r(self):
        return self._checked_texels.reshape(-1, self.texels.shape[-1])

    def compute_dr_wrt(self, wrt):
        return 1.0

    @property
    def _checked_texels(self):
        if getattr(self, "texels", None) is None:
            raise AttributeError("this FaceTexture has no texels yet: set them, (F, k, k, k, C)")
        texels = self.texels.r
        if texels.ndim != 5 or len(set(texels.shape[1:4])) > 1 or texels.size == 0:
            raise ValueError(f"FaceTexture: texels must have shape (F, k, k, k, C), got {texels.shape}")
        return texels

    @property
    def num_faces(self):
        """F"""
        return len(self._checked_texels)

    @property
    def side(self):
        """k, the number of texels along each axis of a cube."""
        return self._checked_texels.shape[1]
