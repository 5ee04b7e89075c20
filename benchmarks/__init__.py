"""How fast the main jobs are, beside other renderers: ``python -m benchmarks``.

    scenes.py      balls of any number of faces, the globe of the demos
    peers.py       an adapter for each renderer
    timing.py      jobs, turns, medians
    row.py         a line of the table: a job, and who does it
    images.py      rows: images and their gradients
    jacobians.py   rows: products with the Jacobian, and the Jacobian itself
    fits.py        rows: Gauss-Newton steps
    models.py      rows: exact, neural and soft images and their gradients; many views
    rows.py        all rows, and which of them are chosen
    pictures.py    whether the peers draw the same pictures
    worker.py      does jobs in a process of its own
    race.py        lets workers take turns
    start.py       a fresh start, step by step
    report.py      the table, JSON, the page of the documentation
    figure.py      the figure
    __main__.py    the command line

How right derivatives are, from how far fits come home, and a fit beside one of DEODR:

    level_sets.py         closed meshes of functions in space
    shapes.py             an animal, a pot, fans, triangles
    truth.py              pictures from many samples for each pixel
    soft.py               pictures by Soft Rasterizer that can be compared with others
    gradient_accuracy.py  derivatives beside the truth, and along paths: ``python -m benchmarks.gradient_accuracy``
    basin.py              fits of a pose from afar: ``python -m benchmarks.basin``
    hand_depth.py         a hand in a depth image: ``python -m benchmarks.hand_depth --data PATH``
    study.py              what these share with the command line above
"""
