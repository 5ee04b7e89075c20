import pickle

import numpy as np
import pytest
import scipy.sparse as sp
from scipy.sparse.linalg import LinearOperator

from opendr_lite.ch.linear_maps import (
    BackwardRule,
    BlockDiagonal,
    Broadcast,
    DenseMap,
    Diagonal,
    FunctionMap,
    LinearMap,
    Selection,
    SparseMap,
    as_linear_map,
    identity,
)
from opendr_lite.ch.tangents import FormedTangent

RANDOM = np.random.default_rng(11)
MATRIX = RANDOM.standard_normal((4, 6))
SPARSE = sp.random(4, 6, 0.4, random_state=1, format="coo")
BLOCKS = RANDOM.standard_normal((3, 2, 4))
DENSE_BLOCKS = np.zeros((6, 12))
for i in range(3):
    DENSE_BLOCKS[2 * i:2 * i + 2, 4 * i:4 * i + 4] = BLOCKS[i]
MORE_BLOCKS = RANDOM.standard_normal((3, 4, 3))
DENSE_MORE_BLOCKS = sp.block_diag(MORE_BLOCKS).toarray()


def broadcast_matrix(from_shape, to_shape):
    columns = np.broadcast_to(np.arange(np.prod(from_shape, dtype=int)).reshape(from_shape), to_shape).ravel()
    return np.eye(int(np.prod(from_shape)))[columns]


MAPS = {
    "diagonal": (lambda: Diagonal([1.0, -2.0, 0.0]), np.diag([1.0, -2.0, 0.0])),
    "one number": (lambda: Diagonal(3.0, 4), 3 * np.eye(4)),
    "identity": (lambda: identity(3), np.eye(3)),
    "selection": (lambda: Selection([2, 0, 2, 4], 5), np.eye(5)[[2, 0, 2, 4]]),
    "empty selection": (lambda: Selection([], 5), np.zeros((0, 5))),
    "broadcast": (lambda: Broadcast((3, 1), (2, 3, 4)), broadcast_matrix((3, 1), (2, 3, 4))),
    "broadcast of a number": (lambda: Broadcast((), (2, 3)), np.ones((6, 1))),
    "blocks": (lambda: BlockDiagonal(BLOCKS), DENSE_BLOCKS),
    "blocks of blocks": (lambda: BlockDiagonal(BLOCKS) @ BlockDiagonal(MORE_BLOCKS), DENSE_BLOCKS @ DENSE_MORE_BLOCKS),
    "outer products": (lambda: BlockDiagonal(BLOCKS[:, :, :1]) @ BlockDiagonal(MORE_BLOCKS[:, :1]),
                       sp.block_diag([a[:, :1] @ b[:1] for a, b in zip(BLOCKS, MORE_BLOCKS)]).toarray()),
    "blocks that do not match": (lambda: BlockDiagonal(BLOCKS) @ BlockDiagonal(BLOCKS.reshape(2, 6, 2)),
                                 DENSE_BLOCKS @ sp.block_diag(BLOCKS.reshape(2, 6, 2)).toarray()),
    "sparse": (lambda: SparseMap(SPARSE), SPARSE.toarray()),
    "dense": (lambda: DenseMap(MATRIX), MATRIX),
    "function": (lambda: FunctionMap((4, 6), lambda x: MATRIX @ x, lambda y: MATRIX.T @ y), MATRIX),
    "transpose": (lambda: DenseMap(MATRIX).T, MATRIX.T),
    "transpose of a selection": (lambda: Selection([2, 0, 2, 4], 5).T, np.eye(5)[[2, 0, 2, 4]].T),
    "composition": (lambda: DenseMap(MATRIX) @ Diagonal(2.0, 6), 2 * MATRIX),
    "sparse composition": (lambda: Selection([3, 3, 0], 4) @ SparseMap(SPARSE), SPARSE.toarray()[[3, 3, 0]]),
    "sum": (lambda: DenseMap(MATRIX) + SparseMap(SPARSE), MATRIX + SPARSE.toarray()),
    "multiple": (lambda: 2 * DenseMap(MATRIX), 2 * MATRIX),
    "negative": (lambda: -Selection([0, 1], 3), -np.eye(3)[[0, 1]]),
    "composition of sums": (lambda: ((Diagonal([1.0, 2, 3, 4]) + identity(4))
                                     @ (DenseMap(MATRIX) + SparseMap(SPARSE))),
                            np.diag([2.0, 3, 4, 5]) @ (MATRIX + SPARSE.toarray())),
}


@pytest.fixture(params=MAPS, ids=str)
def map_and_matrix(request):
    make, matrix = MAPS[request.param]
    return make(), matrix


def test_shape(map_and_matrix):
    linear, matrix = map_and_matrix
    assert isinstance(linear, LinearMap) and linear.shape == matrix.shape and linear.T.shape == matrix.T.shape
    assert f"{matrix.shape[0]}x{matrix.shape[1]}" in repr(linear)


def test_products_with_arrays(map_and_matrix):
    linear, matrix = map_and_matrix
    m, n = matrix.shape
    for columns in ((), (1,), (3,)):
        x, y = RANDOM.standard_normal((n, *columns)), RANDOM.standard_normal((m, *columns))
        np.testing.assert_allclose(linear @ x, matrix @ x, atol=1e-14)
        np.testing.assert_allclose(linear.dot(x), matrix @ x, atol=1e-14)
        np.testing.assert_allclose(linear.T @ y, matrix.T @ y, atol=1e-14)
        np.testing.assert_allclose(y.T @ linear, y.T @ matrix, atol=1e-14)


def test_explicit_forms(map_and_matrix):
    linear, matrix = map_and_matrix
    for explicit in (linear.to_sparse(), linear.T.to_sparse().T):
        assert sp.issparse(explicit) and explicit.shape == matrix.shape
        np.testing.assert_allclose(explicit.toarray(), matrix, atol=1e-14)
    assert isinstance(linear.to_sparse(), sp.csr_matrix)
    np.testing.assert_allclose(linear.to_dense(), matrix, atol=1e-14)


def test_products_with_sparse_matrices(map_and_matrix):
    linear, matrix = map_and_matrix
    m, n = matrix.shape
    right, left = sp.random(n, 3, 0.5, random_state=2), sp.random(3, m, 0.5, random_state=3)
    for product, expected in [(linear @ right, matrix @ right.toarray()),
                              (left @ linear, left.toarray() @ matrix)]:
        assert sp.issparse(product)
        np.testing.assert_allclose(product.toarray(), expected, atol=1e-14)


def test_products_and_sums_of_maps(map_and_matrix):
    linear, matrix = map_and_matrix
    np.testing.assert_allclose((linear @ linear.T).to_dense(), matrix @ matrix.T, atol=1e-13)
    np.testing.assert_allclose((linear.T @ linear).to_sparse().toarray(), matrix.T @ matrix, atol=1e-13)
    np.testing.assert_allclose((linear + linear).to_sparse().toarray(), 2 * matrix, atol=1e-14)


def test_scipys_linear_operator(map_and_matrix):
    linear, matrix = map_and_matrix
    wrapped = linear.as_linear_operator()
    x, y = RANDOM.standard_normal(matrix.shape[1]), RANDOM.standard_normal(matrix.shape[0])
    np.testing.assert_allclose(wrapped @ x, matrix @ x, atol=1e-14)
    np.testing.assert_allclose(wrapped.T @ y, matrix.T @ y, atol=1e-14)


@pytest.mark.parametrize("name", [name for name in MAPS if name != "function"])
def test_pickles(name):
    make, matrix = MAPS[name]
    np.testing.assert_allclose(pickle.loads(pickle.dumps(make())).to_dense(), matrix, atol=1e-14)


def test_columns_of_many_blocks():
    wide = FunctionMap((2, 150), lambda x: x[:2] + x[100:102], lambda y: None)
    expected = np.zeros((2, 150))
    expected[[0, 1, 0, 1], [0, 1, 100, 101]] = 1
    np.testing.assert_array_equal(wide.to_sparse().toarray(), expected)


def test_shapes_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match="expected 6 rows"):
        DenseMap(MATRIX) @ np.ones(5)
    with pytest.raises(ValueError, match="expected 6 rows"):
        DenseMap(MATRIX) @ identity(5)
    with pytest.raises(ValueError, match="cannot add"):
        DenseMap(MATRIX) + identity(4)


@pytest.mark.parametrize("value, shape, expected", [
    (2.0, (3, 3), 2 * np.eye(3)), (2, (1, 4), np.full((1, 4), 2.0)), (2.0, (4, 1), np.full((4, 1), 2.0)),
    (np.array([[3.0]]), (2, 2), 3 * np.eye(2)), (MATRIX, (4, 6), MATRIX), (MATRIX.ravel(), (4, 6), MATRIX),
    (np.arange(3.0), (1, 3), np.arange(3.0)[None]), (SPARSE, (4, 6), SPARSE.toarray()),
    (DenseMap(MATRIX), (4, 6), MATRIX)])
def test_what_a_node_may_answer(value, shape, expected):
    linear = as_linear_map(value, shape)
    np.testing.assert_allclose(linear.to_dense(), expected)


def test_a_node_may_answer_with_a_linear_operator():
    linear = as_linear_map(LinearOperator((4, 6), matvec=lambda x: MATRIX @ x, rmatvec=lambda y: MATRIX.T @ y,
                                          dtype=float), (4, 6))
    np.testing.assert_allclose(linear @ np.ones(6), MATRIX.sum(axis=1))
    np.testing.assert_allclose(linear.T @ np.ones(4), MATRIX.sum(axis=0))
    assert as_linear_map(None, (4, 6)) is None


@pytest.mark.parametrize("value, shape, message", [
    (np.ones((2, 3)), (3, 2), r"of shape \(2, 3\); expected \(3, 2\)"),
    (sp.eye(3), (3, 2), r"of shape \(3, 3\); expected \(3, 2\)"),
    (1.0, (3, 2), "a multiple of the identity, which is square")])
def test_wrong_answers_are_refused(value, shape, message):
    with pytest.raises(ValueError, match=message):
        as_linear_map(value, shape, "Thing.compute_dr_wrt")


def test_a_rule_is_applied_backwards_to_one_vector():
    rule = BackwardRule((3, 2), lambda y: np.maximum(y[:2], 0.0), "there is no matrix")
    doubled = Diagonal(2.0, 3) @ rule @ Diagonal(0.5, 2)
    np.testing.assert_array_equal(rule.T @ np.array([1.0, -1.0, 0.0]), [1, 0])
    np.testing.assert_array_equal(doubled.T @ np.array([3.0, -1.0, 0.0]), [3, 0])
    for each in (rule, doubled, rule + rule):
        for ask in (lambda: each @ np.ones(2), lambda: each @ np.ones((2, 4)), lambda: each.T @ np.eye(3), each.to_sparse,
                    each.to_dense, each.written, lambda: each @ sp.identity(2, format="csr"),
                    lambda: each @ FormedTangent.of(np.eye(2)), lambda: each.T @ sp.identity(3, format="csr")):
            with pytest.raises(ValueError, match="there is no matrix"):
                ask()


def test_small_blocks_are_multiplied_out():
    projection, rotation = (BlockDiagonal(RANDOM.standard_normal((5, p, 3))) for p in (2, 3))
    assert isinstance(projection @ rotation, BlockDiagonal)
    column, row = BlockDiagonal(np.ones((5, 30, 1))), BlockDiagonal(np.ones((5, 1, 30)))
    assert not isinstance(column @ row, BlockDiagonal)
