import numpy as np
import pytest

from opendr_lite.ch.vectors import dot, norm


def test_products():
    a, b = np.random.default_rng(0).standard_normal((2, 20_000))
    assert type(dot(a, b)) is float
    assert dot(a, b) == pytest.approx(a @ b, rel=1e-10)
    assert norm(a) == pytest.approx(np.linalg.norm(a), rel=1e-14)
    assert norm(np.zeros(0)) == 0.0 and norm(np.full(3, 1e300)) == np.inf
