"""A fresh start: ``python -m benchmarks.start`` prints, as JSON, milliseconds from the start of the import."""
import json
import time

START = time.perf_counter()


def main():
    times = {}

    def reached(step):
        times[step] = 1e3 * (time.perf_counter() - START)

    import opendr_lite
    reached("import")

    from opendr_lite import ch

    from .scenes import ball
    scene = ball(320, 320, 240)
    camera = opendr_lite.ProjectPoints(v=scene.v, rt=ch.zeros(3), t=ch.zeros(3), f=2 * [scene.focal], c=[160, 120])
    image = opendr_lite.ColoredRenderer(camera=camera, f=scene.f, vc=scene.vc, bgcolor=0.0,
                                        frustum={"near": scene.near, "far": scene.far, "width": scene.width,
                                                 "height": scene.height})
    observed = image.r
    reached("first image")

    camera.t[:] = [0.1, 0.0, 0.2]
    pyramid = opendr_lite.gaussian_pyramid(image - observed, n_levels=3, normalization="size")
    ch.minimize(pyramid, x0=[camera.rt, camera.t], options={"maxiter": 1})
    reached("first Gauss-Newton step")
    print(json.dumps(times))


if __name__ == "__main__":
    main()
