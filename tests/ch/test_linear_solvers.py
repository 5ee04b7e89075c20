"""The models of A p = -g: what each holds, how they agree, and which is chosen."""
import numpy as np
import pytest
import scipy.sparse as sp
import scipy.sparse.linalg
from scipy.linalg import LinAlgError

from opendr_lite import ch
from opendr_lite.ch import linear_solvers
from opendr_lite.ch.linear_maps import SparseMap
from opendr_lite.ch.linear_solvers import (
    ConjugateGradientModel,
    DenseBlocks,
    DenseModel,
    KrylovModel,
    LinearAlgebra,
    SparseModel,
    SparseNormalEquations,
    choice,
    conjugate_gradients,
    factorizations,
    gram_is_cheap,
    sparse_normal_equations,
)
from opendr_lite.ch.problem import Problem
from opendr_lite.ch.robust import make_loss
from opendr_lite.primitives import icosphere
from opendr_lite.topology import get_vert_connectivity

EXTRAS = {"cholmod": "sksparse.cholmod", "cholespy": "cholespy"}


def installed(name):
    """The factorization of that name; the test is skipped where its library is not installed."""
    if name in EXTRAS:
        pytest.importorskip(EXTRAS[name])
    return factorizations.FACTORIZATIONS[name]


FACTORIZATIONS = pytest.mark.parametrize("name", list(factorizations.FACTORIZATIONS))


def grid_of_points(columns, rows=None):
    """A and g of noisy observations of some points, (columns rows, 3), and of the differences of neighbours."""
    rng = np.random.default_rng(0)
    size = columns * (rows or columns)
    index = np.arange(size).reshape(-1, columns)
    pairs = np.concatenate([np.column_stack([index[:, :-1].ravel(), index[:, 1:].ravel()]),
                            np.column_stack([index[:-1].ravel(), index[1:].ravel()])])
    signs = np.tile([1.0, -1.0], len(pairs))
    edges = sp.csr_matrix((signs, pairs.ravel(), np.arange(len(pairs) + 1) * 2), shape=(len(pairs), size))
    seen = sp.block_diag(rng.standard_normal((size, 2, 3)), format="csr")[:size]
    J = sp.csr_matrix(sp.vstack([seen, 0.3 * sp.kron(edges, sp.identity(3))]))
    return sparse_normal_equations(J, rng.standard_normal(J.shape[0]), None)


# ---------------------------------------------------------------------- normal equations


def _in_blocks(J):
    """Of (60, 7): all columns in the first 25 rows in two blocks, in the others in one."""
    odd, even = np.array([1, 3, 5]), np.array([0, 2, 4, 6])
    blocks = [(0, odd, J[:25, odd]), (0, even, J[:25, even]), (25, slice(0, 7), J[25:])]
    return DenseBlocks(blocks, J.shape)


def test_dense_blocks_are_the_matrix_that_they_make_up():
    random = np.random.default_rng(5)
    J, x, y = random.standard_normal((60, 7)), random.standard_normal((7, 2)), random.standard_normal(60)
    blocks = _in_blocks(J)
    np.testing.assert_array_equal(blocks.to_dense(), J)
    np.testing.assert_allclose(blocks @ x, J @ x, rtol=1e-13, atol=1e-13)
    np.testing.assert_allclose(blocks.T @ y, J.T @ y, rtol=1e-13, atol=1e-13)
    gap = DenseBlocks(blocks.blocks[1:], J.shape)
    A, g = gap.normal_equations(None, y)
    np.testing.assert_allclose(A, gap.to_dense().T @ gap.to_dense(), rtol=1e-13, atol=1e-13)
    np.testing.assert_allclose(g, gap.to_dense().T @ y, rtol=1e-13, atol=1e-13)


@pytest.mark.parametrize("weighted", [False, True])
def test_sparse_normal_equations(weighted):
    rng = np.random.default_rng(1)
    J, r = sp.random(40, 9, 0.3, random_state=1, format="csr"), rng.standard_normal(40)
    w = rng.random(40) if weighted else None
    A, g = sparse_normal_equations(J, r, w)
    W = np.eye(40) if w is None else np.diag(w)
    np.testing.assert_allclose(A.toarray(), J.toarray().T @ W @ J.toarray(), rtol=1e-13, atol=1e-14)
    np.testing.assert_allclose(g, J.toarray().T @ W @ r, rtol=1e-13, atol=1e-14)


def test_the_product_of_a_constant_jacobian_is_formed_once():
    rng = np.random.default_rng(1)
    J, w = sp.random(40, 9, 0.3, random_state=1, format="csr"), rng.random(40)
    equations = SparseNormalEquations()
    first, _ = equations(J, rng.standard_normal(40), w)
    r = rng.standard_normal(40)
    again, g = equations(J.copy(), r, w.copy())
    assert again is first
    np.testing.assert_allclose(g, J.T @ (w * r), rtol=1e-13)
    J.data[3] += 1e-9  # in place: what is remembered is no view of it
    changed, _ = equations(J, r, w)
    assert changed is not first
    np.testing.assert_array_equal(changed.toarray(), sparse_normal_equations(J, r, w)[0].toarray())
    for other in (w + 1e-9, None):
        np.testing.assert_array_equal(equations(J, r, other)[0].toarray(),
                                      sparse_normal_equations(J, r, other)[0].toarray())


def test_which_products_are_cheap():
    assert gram_is_cheap(sp.identity(100_000, format="csr"))
    assert not gram_is_cheap(sp.csr_matrix(np.ones((2, 4000))))           # A would be an array
    assert not gram_is_cheap(sp.csr_matrix((np.ones(3_000_000), np.tile(np.arange(1000), 3000),
                                            np.arange(0, 3_000_001, 1000)), shape=(3000, 1000)))


# ---------------------------------------------------------------------- models


@pytest.mark.parametrize("weights", [None, "random"])
def test_models_agree(weights):
    random = np.random.default_rng(3)
    J, r = random.standard_normal((60, 9)), random.standard_normal(60)
    w = None if weights is None else random.random(60) + 0.1
    W = np.eye(60) if w is None else np.diag(w)
    A, g, p = J.T @ W @ J, J.T @ W @ r, random.standard_normal(9)
    sparse = sparse_normal_equations(sp.csr_matrix(J), r, w)
    models = [DenseModel(*DenseBlocks([(0, slice(0, 9), J)], J.shape).normal_equations(w, r if w is None else w * r)), SparseModel(*sparse),
              ConjugateGradientModel(*sparse, 1e-9), KrylovModel(SparseMap(J), r, w)]
    for model in models:
        np.testing.assert_allclose(model.gradient, g, rtol=1e-12)
        np.testing.assert_allclose(model.product(p), A @ p, rtol=1e-12)
        np.testing.assert_allclose(model.product(np.eye(9)), A, rtol=1e-12, atol=1e-12)
        np.testing.assert_allclose(model.column_squares(), np.diag(A), rtol=1e-12)
        np.testing.assert_allclose(model.curvature(p), p @ A @ p, rtol=1e-12)
        np.testing.assert_allclose(model.gauss_newton_step(), np.linalg.solve(A, -g), rtol=1e-6)
        np.testing.assert_allclose(model.damped_step(0.3, np.diag(A)),
                                   np.linalg.solve(A + 0.3 * np.diag(np.diag(A)), -g), rtol=1e-6)
        np.testing.assert_allclose(model.cauchy_step(), -(g @ g) / (g @ A @ g) * g, rtol=1e-12)
        assert model.decrease(p) == pytest.approx(-(2 * g @ p + p @ A @ p), rel=1e-11)
        assert model.undetermined()[1] == 0
    some = np.array([2, 5])
    for model in [*models[:3], models[3].factorized()]:
        np.testing.assert_allclose(model.inverse(some), np.linalg.inv(A)[np.ix_(some, some)], rtol=1e-10)
    with pytest.raises(ValueError, match="fewer free variables"):
        models[3].inverse(some)


@FACTORIZATIONS
def test_factorizations_agree(name):
    A, g = grid_of_points(12)
    scale = 10.0 ** np.random.default_rng(1).uniform(-6, 6, g.size)  # units
    A, g = sp.diags(scale) @ A @ sp.diags(scale), scale * g
    model = SparseModel(A, g, installed(name))
    exact = np.linalg.solve(A.toarray() / np.outer(scale, scale), -g / scale)
    np.testing.assert_allclose(model.gauss_newton_step() * scale, exact, rtol=1e-9, atol=1e-10 * np.abs(exact).max())
    inverse = np.linalg.inv(A.toarray() / np.outer(scale, scale))[:4, :4]
    np.testing.assert_allclose(model.inverse(np.arange(4)) * np.outer(scale[:4], scale[:4]), inverse, rtol=1e-9)


@FACTORIZATIONS
def test_factorizations_notice_singular_matrices(name):
    factorize = installed(name)
    ring = 0.5 * (2.0 * np.eye(50) - np.roll(np.eye(50), 1, axis=0) - np.roll(np.eye(50), -1, axis=0))
    with pytest.raises(LinAlgError, match="singular"):
        factorize(sp.csc_matrix(ring))
    A = sp.csr_matrix(ring + np.diag(np.r_[np.zeros(49), -0.0]))
    model = SparseModel(A, A @ np.arange(50.0), factorize)  # the constant is in the null space
    weights, count = model.undetermined()
    assert count == 1 and weights.min() > 0.9
    np.testing.assert_allclose(np.diff(model.gauss_newton_step()), -1.0, atol=1e-6)


def test_a_subdivided_mesh_does_not_fill_in(monkeypatch):
    """By minimum degree alone a subdivided icosahedron fills in half as much again, and more with each subdivision."""
    factors = []

    def superlu(*args, **options):
        factors.append(scipy.sparse.linalg.splu(*args, **options))
        return factors[-1]

    monkeypatch.setattr(factorizations, "superlu", superlu)
    mesh = icosphere(5)
    neighbours = get_vert_connectivity(mesh)
    A = sp.csc_matrix(sp.diags(1.0 + np.asarray(neighbours.sum(axis=1)).ravel()) - neighbours)
    b = np.random.default_rng(0).standard_normal((len(mesh.v), 2))
    x = factorizations.splu(A)(b)
    np.testing.assert_allclose(A @ x, b, atol=1e-12)
    alone = scipy.sparse.linalg.splu(A, permc_spec="MMD_AT_PLUS_A", diag_pivot_thresh=0.0,
                                     options={"SymmetricMode": True})
    assert factors[0].nnz < 0.75 * alone.nnz


@pytest.mark.parametrize("name", EXTRAS)
def test_an_extra_that_is_missing_is_named(name, monkeypatch):
    def missing(module):
        raise ImportError(module)

    monkeypatch.setattr(factorizations, "import_module", missing)
    with pytest.raises(ImportError, match=rf"factorization '{name}' needs .*pip install opendr-lite\[{name}\]"):
        LinearAlgebra(400, 400, name).model(sp.identity(400, format="csr"), np.ones(400)).gauss_newton_step()


def test_a_given_function_solves():
    A, g = grid_of_points(12)
    calls = []

    def solve(matrix, b):
        calls.append((matrix, b))
        return np.linalg.solve(matrix.toarray(), b)

    model = LinearAlgebra(1000, g.size, solve).model(A, g)
    np.testing.assert_allclose(A @ model.gauss_newton_step(), -g, atol=1e-10)
    np.testing.assert_allclose(A @ model.damped_step(0.1, np.ones(g.size)) + 0.1 * calls[1][1] @ np.linalg.inv(
        calls[1][0].toarray()), -g, atol=1e-10)
    assert len(calls) == 2 and sp.issparse(calls[0][0])


# ---------------------------------------------------------------------- conjugate gradients


def test_conjugate_gradients_reach_the_residual_asked_for():
    A, g = grid_of_points(30, 20)
    exact = sp.linalg.spsolve(A.tocsc(), -g)
    errors, decreases = [], []
    for residual in (1e-1, 1e-2, 1e-4, 1e-12):
        model = ConjugateGradientModel(A, g, residual)
        step = model.gauss_newton_step()
        left = -g - A @ step
        assert left @ model._undamped(left) <= 1.001 * residual ** 2 * model.gradient_norm() ** 2
        errors.append(np.linalg.norm(step - exact) / np.linalg.norm(exact))
        decreases.append(model.decrease(step) / model.decrease(exact))
    assert errors == sorted(errors, reverse=True) and errors[-1] < 1e-9
    assert decreases == sorted(decreases) and decreases[1] > 0.99


@pytest.mark.parametrize("points", [7, 8])
@pytest.mark.parametrize("shift", [0.0, 0.5])
def test_the_preconditioner_inverts_the_diagonal_blocks(points, shift):
    """Of three unknowns, or of one where they do not come in threes."""
    n = 3 * points if points == 7 else 3 * points + 1
    half = np.random.default_rng(2).standard_normal((n, n))
    A, shift = half @ half.T, shift * np.ones(n)
    precondition = ConjugateGradientModel(sp.csr_matrix(A), np.ones(n))._preconditioner(shift)
    size = 3 if n % 3 == 0 else 1
    same_block = np.arange(n)[:, None] // size == np.arange(n) // size
    expected = np.linalg.inv(np.where(same_block, A, 0.0) + np.diag(shift))
    actual = np.column_stack([precondition(column) for column in np.eye(n)])
    np.testing.assert_allclose(actual, expected, rtol=1e-5, atol=1e-6 * np.abs(expected).max())


def test_what_nothing_depends_on_stays():
    """Unknowns without residuals, and points of which a projection alone is seen, along the line of sight."""
    rng = np.random.default_rng(4)
    J = sp.block_diag(rng.standard_normal((20, 2, 3)), format="csr")
    J = sp.csr_matrix(sp.hstack([J, sp.csr_matrix((40, 3))]))
    r = rng.standard_normal(40)
    A, g = sparse_normal_equations(J, r, None)
    model = ConjugateGradientModel(A, g)
    scale = np.sqrt(np.where(A.diagonal() > 0.0, A.diagonal(), 1.0))
    shortest = -np.linalg.pinv(J.toarray() / scale) @ r / scale
    np.testing.assert_allclose(model.gauss_newton_step(), shortest, atol=1e-6 * np.abs(shortest).max())
    assert (model.gauss_newton_step()[60:] == 0.0).all()
    weights, count = model.undetermined()
    assert count == 20 + 3 and (weights[60:] == 1.0).all()
    scaled = np.linalg.svd(J[:2, :3].toarray() / scale[:3])[2][2]
    np.testing.assert_allclose(weights[:3], scaled ** 2, atol=1e-6)


def test_the_forcing_term_falls_with_the_gradient():
    assert conjugate_gradients.forcing_term(1.0, 1.0) == 1e-2
    assert conjugate_gradients.forcing_term(1e-6, 1.0) == pytest.approx(1e-3)
    assert conjugate_gradients.forcing_term(0.0, 1.0) == conjugate_gradients.forcing_term(0.0, 0.0) == 1e-8
    A, g = grid_of_points(12)
    algebra = LinearAlgebra(1000, g.size, "pcg")
    residuals = [algebra.model(A, factor * g).residual for factor in (1.0, 10.0, 1e-8)]
    np.testing.assert_allclose(residuals, [1e-2, 1e-2, 1e-4])


def test_derivatives_that_are_not_finite_make_a_model():
    A, g = grid_of_points(12)
    A.data[0] = np.inf
    model = LinearAlgebra(1000, g.size, "pcg").model(A, g)
    assert not np.isfinite(model.column_squares()).all()


def test_a_covariance_takes_a_factorization(monkeypatch):
    A, g = grid_of_points(12)
    model = ConjugateGradientModel(A, g, 1e-1)
    np.testing.assert_allclose(model.inverse(np.arange(6)), np.linalg.inv(A.toarray())[:6, :6], rtol=1e-9)
    assert isinstance(model.factorized(), SparseModel)
    monkeypatch.setattr(conjugate_gradients, "FACTORIZED_UNKNOWNS", 100)
    with pytest.raises(ValueError, match="linear_solver='splu'"):
        model.inverse(np.arange(6))


# ---------------------------------------------------------------------- the choice


def test_the_form_goes_by_size():
    assert LinearAlgebra(300_000, 15).form == "dense"
    assert LinearAlgebra(10_000, 300).form == "dense"
    assert LinearAlgebra(10_000, 20_000).form == LinearAlgebra(10_000, 500_000).form == "sparse"
    assert LinearAlgebra(10_000_000, 200).form == LinearAlgebra(10_000, 2_000_000).form == "products"


@pytest.mark.parametrize("solver, form", [("dense", "dense"), ("splu", "sparse"), ("cholmod", "sparse"),
                                          ("cholespy", "sparse"), ("pcg", "sparse"), (max, "sparse"),
                                          ("lsmr", "products")])
def test_the_form_goes_by_the_solver(solver, form):
    algebra = LinearAlgebra(10, 10, solver)
    assert algebra.form == form and algebra.is_given
    assert not LinearAlgebra(10, 10).is_given


def test_a_factorization_is_taken_where_it_is_cheap():
    chain = sp.diags([-1.0, 2.1, -1.0], [-1, 0, 1], shape=(20_000, 20_000), format="csr")
    pose = sp.csr_matrix(np.ones((6, 20_000)))
    with_pose = sp.bmat([[chain, pose.T], [pose, sp.identity(6)]], format="csr")
    for matrix in (chain, with_pose, grid_of_points(30)[0]):
        assert choice.factor_is_cheap(matrix)
    A, g = grid_of_points(60)
    assert isinstance(LinearAlgebra(10_000, 2_700).model(*grid_of_points(30)), SparseModel)
    assert isinstance(LinearAlgebra(10_000, g.size).model(A, g), ConjugateGradientModel)
    far_apart = sp.random(4000, 4000, 1e-3, random_state=0, format="csr")
    assert not choice.factor_is_cheap(far_apart + far_apart.T)


def test_dense_and_krylov_models():
    assert isinstance(LinearAlgebra(10, 3).model(np.eye(3), np.ones(3)), DenseModel)
    jacobian = SparseMap(sp.identity(3, format="csr"))
    assert isinstance(LinearAlgebra(10, 3).model_of_products(jacobian, np.ones(3), None), KrylovModel)


def test_the_names_of_solvers():
    assert set(linear_solvers.OLDER_NAMES.values()) <= set(linear_solvers.SOLVERS)
    with pytest.raises(ValueError, match="linear_solver must be None, a function .*'pcg', 'lsmr'; got 'umfpack'"):
        LinearAlgebra(10, 10, "umfpack")


def test_a_full_matrix_is_an_array_even_if_it_came_sparse():
    J = np.random.default_rng(0).standard_normal((500, 400))
    J[:, 7] = J[:, 8]
    model = LinearAlgebra(500, 400).model(*sparse_normal_equations(sp.csr_matrix(J), np.ones(500), None))
    assert isinstance(model, DenseModel)
    assert model.undetermined()[1] == 1


@pytest.mark.parametrize("method", ["lm", "dogleg"])
def test_after_a_rejected_step_products_with_the_jacobian_are_still_those_of_the_last_state(method):
    """From this start, in a curved valley, many steps are rejected."""
    found = []
    for solver in ("lsmr", "dense"):
        x = ch.array([-1.2, 1.0])
        valley = ch.concatenate([10.0 * (x[1:] - x[:1] ** 2), 1.0 - x[:1]])
        result = ch.minimize(valley, x0=[x], method=method, linear_solver=solver, options={"e_1": 1e-8})
        assert result.nfev > result.nit + 2
        np.testing.assert_allclose(result.x, 1, atol=1e-6)
        found.append(result)
    assert found[0].nit == found[1].nit


def test_a_jacobian_of_products_stays_at_its_state():
    x = ch.array([1.0, 2.0])
    problem = Problem(x ** 2, [x], make_loss("linear"))
    jacobian = problem.jacobian("products")
    problem.move(np.array([5.0, 6.0]))
    np.testing.assert_array_equal(jacobian @ np.array([1.0, 1.0]), [2, 4])
    np.testing.assert_array_equal(jacobian.T @ np.array([1.0, 1.0]), [2, 4])
    np.testing.assert_array_equal(x.r, [5, 6])
