"""Loss functions against their definitions, central differences and SciPy."""
import numpy as np
import pytest
import scipy.optimize

from opendr_lite.ch.robust import LOSSES, make_loss


@pytest.mark.parametrize("name", LOSSES)
def test_derivatives(name):
    z = np.array([1e-3, 0.1, 0.5, 0.9, 1.1, 2.0, 10.0, 1e3])
    rho, first, second = LOSSES[name]
    h = 1e-5 * z
    np.testing.assert_allclose(first(z), (rho(z + h) - rho(z - h)) / (2 * h), rtol=1e-6)
    np.testing.assert_allclose(second(z), (first(z + h) - first(z - h)) / (2 * h), rtol=1e-6, atol=1e-12)


@pytest.mark.parametrize("name", LOSSES)
def test_small_residuals_count_as_in_least_squares(name):
    r = np.array([1e-4, -2e-4])
    loss = make_loss(name, 1.0)
    assert loss.value(r) == pytest.approx(r @ r, rel=1e-7)
    np.testing.assert_allclose(loss.slope(r), r, rtol=1e-6)


@pytest.mark.parametrize("name", ["linear", *LOSSES])
def test_slope_is_half_of_the_gradient(name):
    r = np.array([-3.0, -0.4, 0.1, 0.7, 5.0])
    loss, h = make_loss(name, 0.6), 1e-6
    numeric = [(loss.value(r + h * unit) - loss.value(r - h * unit)) / (2 * h) for unit in np.eye(5)]
    np.testing.assert_allclose(2.0 * loss.slope(r), numeric, rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("name", ["linear", *(name for name in LOSSES if name != "geman_mcclure")])
def test_value_is_that_of_scipy(name):
    r = np.array([-3.0, -0.4, 0.1, 0.7, 5.0])
    found = scipy.optimize.least_squares(lambda x: r + 0.0 * x, [0.0], loss=name, f_scale=0.6, max_nfev=1)
    assert make_loss(name, 0.6).value(r) == pytest.approx(2.0 * found.cost, rel=1e-14)


@pytest.mark.parametrize("name", LOSSES)
def test_the_weighted_quadratic_lies_above(name):
    """F(r + d) <= F(r) + 2 s d + w d² for concave ρ: what makes reweighting safe."""
    loss = make_loss(name, 1.0)
    for r in (0.1, 0.9, 3.0):
        r = np.array([r])
        for d in np.linspace(-5.0, 5.0, 41):
            above = loss.value(r) + 2.0 * loss.slope(r)[0] * d + loss.weights(r)[0] * d * d
            assert loss.value(r + d) <= above + 1e-12


def test_own_loss():
    def cauchy(z):
        return np.stack([np.log1p(z), 1.0 / (1.0 + z), -1.0 / (1.0 + z) ** 2])

    r = np.array([-3.0, 0.1, 0.7])
    own, named = make_loss(cauchy, 0.3), make_loss("cauchy", 0.3)
    assert own.value(r) == pytest.approx(named.value(r), rel=1e-14)
    np.testing.assert_allclose(own.weights(r), named.weights(r), rtol=1e-14)
    np.testing.assert_allclose(own(r ** 2), named(r ** 2), rtol=1e-14)
    with pytest.raises(ValueError, match=r"shape \(3, 3\)"):
        make_loss(lambda z: z, 1.0).value(r)


@pytest.mark.parametrize("loss, scale, message", [("l1", 1.0, "geman_mcclure"), (3, 1.0, "loss must be"),
                                                  ("huber", -1.0, "f_scale"), ("huber", np.nan, "f_scale")])
def test_refused(loss, scale, message):
    with pytest.raises(ValueError, match=message):
        make_loss(loss, scale)


def test_own_loss_may_work_in_place():
    def loss(z):
        z += 1.0
        return np.stack([np.log(z), 1.0 / z, -1.0 / z ** 2])

    own, named, r = make_loss(loss, 0.5), make_loss("cauchy", 0.5), np.linspace(-2.0, 2.0, 9)
    np.testing.assert_allclose(own.value(r), named.value(r))
    np.testing.assert_allclose(own.weights(r), named.weights(r))


def test_a_loss_that_falls_is_refused():
    loss = make_loss(lambda z: np.stack([-z, -np.ones_like(z), np.zeros_like(z)]), 1.0)
    with pytest.raises(ValueError, match="rho' must not be negative"):
        loss.weights(np.ones(3))
