"""opendr_lite: a renderer of triangle meshes that gives the Jacobian of its image.

    from opendr_lite import ch, ColoredRenderer, ProjectPoints

    camera = ProjectPoints(v=v, rt=ch.zeros(3), t=ch.array([0, 0, 5]), f=[320, 320], c=[160, 120])
    image = ColoredRenderer(camera=camera, f=faces, vc=colours,
                            frustum={'near': 1, 'far': 20, 'width': 320, 'height': 240})
    image.r                     # the image, (240, 320, 3)
    image.dr_wrt(camera.t)      # its Jacobian, sparse, (240 * 320 * 3, 3)
    ch.minimize(image - observed, x0=[camera.t, camera.rt])

`ch` holds the differentiable arrays and the optimizers; `camera`, `geometry`, `lighting`, `renderer`, `filters`,
`serialization` and `topology` are modules of nodes and functions, named as in OpenDR. `viewpoints` and `views` are for many
cameras, `losses`, `primitives` and `ops` for meshes. `diagnosis` says what is wrong with a scene.
"""
from . import (
    camera,
    ch,
    diagnosis,
    filters,
    geometry,
    lighting,
    losses,
    ops,
    primitives,
    renderer,
    serialization,
    topology,
    viewpoints,
    views,
)
from .camera import (
    Camera,
    FieldOfViewCamera,
    FisheyeCamera,
    OrthographicCamera,
    ProjectPoints,
    ProjectPoints3D,
    RigidTransform,
    WeakPerspectiveCamera,
)
from .diagnosis import check_scene, explain_derivative
from .filters import gaussian_pyramid, laplacian_pyramid
from .geometry import LargeSteps, Rodrigues, TriNormals, VertNormals
from .lighting import (
    AmbientLight,
    DirectionalLight,
    EnvironmentHarmonics,
    LambertianPointLight,
    PointLight,
    SphericalHarmonics,
    SpotLight,
)
from .renderer import (
    BoundaryRenderer,
    ColoredRenderer,
    DepthRenderer,
    FaceTexture,
    ShadedRenderer,
    ShadedTexturedRenderer,
    SilhouetteRenderer,
    SoftRenderer,
    SoftSilhouetteRenderer,
    TexturedRenderer,
)
from .serialization import Mesh, load_image, load_mesh, save_image, save_mesh
from .threads import get_num_threads, set_num_threads
from .version import __version__
from .viewpoints import eye_from_angles, look, look_at
from .views import Views, seen_by
from .warmup import warmup

__all__ = [
    "AmbientLight", "BoundaryRenderer", "Camera", "ColoredRenderer", "DepthRenderer", "DirectionalLight",
    "EnvironmentHarmonics", "FaceTexture", "FieldOfViewCamera", "FisheyeCamera", "LambertianPointLight", "LargeSteps",
    "Mesh", "OrthographicCamera", "PointLight", "ProjectPoints", "ProjectPoints3D", "RigidTransform", "Rodrigues",
    "ShadedRenderer", "ShadedTexturedRenderer", "SilhouetteRenderer", "SoftRenderer", "SoftSilhouetteRenderer",
    "SphericalHarmonics", "SpotLight", "TexturedRenderer", "TriNormals", "VertNormals", "Views",
    "WeakPerspectiveCamera", "__version__", "camera", "ch", "check_scene", "diagnosis", "explain_derivative",
    "eye_from_angles", "filters", "gaussian_pyramid", "geometry", "get_num_threads", "laplacian_pyramid", "lighting",
    "load_image", "load_mesh", "look", "look_at", "losses", "ops", "primitives", "renderer", "save_image", "save_mesh",
    "seen_by", "serialization", "set_num_threads", "topology", "viewpoints", "views", "warmup",
]
