"""How fast the main jobs are, beside other renderers: ``python -m benchmarks``.

    scenes.py      balls of any number of faces, the globe of the demos
    peers.py       an adapter for each renderer
    timing.py      jobs, turns, medians
    row.py         a line of the table: a job, and who does it
    images.py      rows: images and their gradients
    jacobians.py   rows: products with the Jacobian, and the Jacobian itself
    fits.py        rows: Gauss-Newton steps
    rows.py        all rows, and which of them are chosen
    pictures.py    whether the peers draw the same pictures
    worker.py      does jobs in a process of its own
    race.py        lets workers take turns
    start.py       a fresh start, step by step
    report.py      the table, JSON, the page of the documentation
    figure.py      the figure
    __main__.py    the command line
"""
