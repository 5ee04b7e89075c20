import pickle
from functools import partial

import numpy as np
import pytest

from opendr_lite import losses
from opendr_lite.ch import Ch, minimize
from opendr_lite.ch.robust import LOSSES
from tests import derivatives

assert_derivative = partial(derivatives.assert_derivative, tolerance=1e-7)
every_loss = pytest.mark.parametrize("loss", LOSSES)


def rows():
    x = 2.0 * np.random.default_rng(7).standard_normal((6, 3))
    x[0] = 0.0
    x[1] *= 1e-9
    x[2] *= 1e4
    return Ch(x)


@every_loss
@pytest.mark.parametrize("row_length", [1, 3, 9])
def test_squares_are_those_of_the_loss(loss, row_length):
    x = rows()
    residuals, number = (make(x, loss, 0.7, row_length) for make in (losses.robust_residuals, losses.robust_loss))
    z = np.sum(x.r.reshape(-1, row_length) ** 2, axis=1) / 0.49
    np.testing.assert_allclose(np.sum(residuals.r.reshape(-1, row_length) ** 2, axis=1), 0.49 * LOSSES[loss][0](z),
                               rtol=1e-12)
    np.testing.assert_allclose(number.r, 0.49 * LOSSES[loss][0](z).sum(), rtol=1e-12)
    assert residuals.shape == x.shape
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(residuals)).r, residuals.r)
    gradient = 2 * LOSSES[loss][1](z)[:, None] * x.r.reshape(-1, row_length)
    np.testing.assert_allclose(number.vjp(x, 1.0), gradient.ravel(), rtol=0, atol=1e-13 * np.abs(gradient).max())


@every_loss
@pytest.mark.parametrize("row_length", [1, 3])
def test_derivative(loss, row_length):
    x = Ch(rows().r[[0, 3, 4, 5]])
    assert_derivative(losses.robust_residuals(x, loss, 0.7, row_length), x)


@every_loss
def test_small_residuals_stay_as_they_are(loss):
    x = Ch([0.0, 1e-200, -1e-9, 1e-5])
    residuals = losses.robust_residuals(x, loss)
    np.testing.assert_allclose(residuals.r, x.r, rtol=1e-9)
    np.testing.assert_allclose(residuals.dr_wrt(x).toarray(), np.eye(4), atol=1e-9)


def test_smooth_l1():
    x = Ch([-3.0, -0.4, 0.0, 0.5, 2.0])
    expected = np.mean([3 - 0.25, 0.16, 0, 0.25, 2 - 0.25])
    np.testing.assert_allclose(losses.smooth_l1(x, beta=0.5).r, expected, rtol=1e-14)
    np.testing.assert_allclose(np.sum(losses.smooth_l1_residuals(x, beta=0.5).r ** 2), expected, rtol=1e-14)
    np.testing.assert_allclose(losses.smooth_l1(x, beta=0.5).vjp(x, 1.0), np.array([-1, -0.8, 0, 1, 1]) / 5)
    assert_derivative(losses.smooth_l1(x, beta=0.45), x)


def test_smooth_norm():
    x = rows()
    lengths = np.linalg.norm(x.r, axis=1)
    squares = np.sum(losses.smooth_norm_residuals(x, 0.3, row_length=3).r ** 2, axis=1)
    np.testing.assert_allclose(squares, lengths ** 2 / (np.sqrt(lengths ** 2 + 0.09) + 0.3), rtol=1e-12)


def test_a_function_as_loss():
    def half_as_much_beyond_one(z):
        return np.stack((np.where(z < 1, z, 0.5 * z + 0.5), np.where(z < 1, 1, 0.5), 0 * z))

    x = Ch([0.5, 3.0])
    residuals = losses.robust_residuals(x, half_as_much_beyond_one)
    np.testing.assert_allclose(residuals.r ** 2, [0.25, 5])
    assert_derivative(residuals, x)


def test_one_term_is_robust_and_the_other_is_not():
    observed = np.concatenate((np.full(20, 1.0), [50.0, 60.0]))
    level, slope = Ch([0.5]), Ch([0.0])
    robust = losses.robust_residuals(level - observed, "geman_mcclure", 0.5)
    minimize({"level": robust, "slope": slope - 3}, x0=[level, slope])
    np.testing.assert_allclose([level.r[0], slope.r[0]], [1, 3], atol=1e-2)


@pytest.mark.parametrize("make, message", [
    (lambda x: losses.robust_residuals(x, "hubert"), "loss must be one of"),
    (lambda x: losses.robust_residuals(x, "linear"), "residual itself"),
    (lambda x: losses.robust_residuals(x, "huber", -1), "f_scale must be a positive number"),
    (lambda x: losses.robust_residuals(x, "huber", 1, 4), "row_length must be a positive integer that divides the 18"),
    (lambda x: losses.robust_residuals(x, "huber", 1, 0), "row_length must be"),
    (lambda x: losses.smooth_l1(x, 0), "beta must be a positive number"),
    (lambda x: losses.smooth_l1(x[:0]), "no entries"),
    (lambda x: losses.smooth_norm_residuals(x, np.nan), "smoothing must be a positive number"),
    (lambda x: losses.smooth_l1(x * np.nan), "must be finite"),
])
def test_wrong_options_are_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make(rows()).r
