"""X = T Qᵀ with orthonormal columns of Q, and products Xᵀc, without a copy of X.

Q is not kept: Q = XᵀM. X is read a few MB at a time; float32 becomes float64 there,
and nowhere else.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from scipy import linalg, sparse

from .._linalg import diagonal
from .._typing import Array
from .threads import blas_threads

NUMBERS_AT_ONCE = 1 << 17
"""Numbers worked on at once: 1 MB of float64."""

MAX_PARTS = 32
"""Most parts of a sparse X. Every pair of them is multiplied."""

MAX_TRACE_OF_INVERSE = 1e6
"""Trace of the inverse matrix of cosines between the rows beyond which X Xᵀ is not used.

Below, the columns of Q are orthonormal within some 1e-11.
"""

MIN_ROW_LENGTH = 1e-140
"""Length of a row whose products come near underflow."""


def factorise(X: Any) -> tuple[Array, Array]:
    """T and M of X = T Qᵀ, where Q = XᵀM is an orthonormal basis of the row space.

    The Cholesky factor of X Xᵀ is cheapest, but it squares the condition number. Rows
    that are nearly dependent are factorised another way: with X = U S Vᵀ, T is U S and
    M is U S⁻¹, without the singular values that are rounding.

    Parameters
    ----------
    X : matrix of shape (n_rows, n_features)
        Dense or CSR, with no more rows than features.

    Returns
    -------
    T, M : arrays of shape (n_rows, rank), float64
    """
    if not sparse.issparse(X):
        return _by_cholesky(_gram(X)) or _by_singular_values(X)
    scale = float(max(X.data.max(initial=0), -X.data.min(initial=0))) or 1.0
    factors = _by_cholesky(_sparse_gram(X, scale))
    return (factors[0] * scale, factors[1] / scale) if factors else _by_singular_values(X)


def transposed_product(X: Any, c: Array) -> Iterator[tuple[slice, slice, Array]]:
    """Xᵀc in the precision of c, piece by piece: features, columns of c, numbers."""
    if sparse.issparse(X):
        yield from _sparse_transposed_product(X, c)
        return
    for features in _runs(X.shape[1], NUMBERS_AT_ONCE // max(c.shape)):
        block = X[:, features].astype(c.dtype, copy=False)
        yield features, slice(None), (c.T @ block).T


def _sparse_transposed_product(X: Any, c: Array) -> Iterator[tuple[slice, slice, Array]]:
    """A few columns at a time; all features, since slices of CSR are copies."""
    parts = [slice(None)] if X.dtype == c.dtype else list(_parts(X))
    for columns in _runs(c.shape[1], 4 * NUMBERS_AT_ONCE // X.shape[1]):
        products = (_rows(X, part).T @ c[part, columns] for part in parts)
        yield slice(None), columns, sum(products)


def product(X: Any, w: Array) -> Array:
    """Xw in float64."""
    n_rows, n_features = X.shape
    if sparse.issparse(X):
        return np.vstack([_rows(X, part) @ w for part in _parts(X)])
    z = np.zeros((n_rows, w.shape[1]))
    for features in _runs(n_features, NUMBERS_AT_ONCE // n_rows):
        z += X[:, features].astype(np.float64, copy=False) @ w[features]
    return z


# -- the matrix of products between rows ----------------------------------------------------


def _gram(X: Array) -> Array:
    """X Xᵀ, float64."""
    n_rows, n_features = X.shape
    gram = np.zeros((n_rows, n_rows))
    with blas_threads(n_rows * X.size):
        for features in _runs(n_features, max(n_rows, NUMBERS_AT_ONCE // n_rows)):
            block = X[:, features].astype(np.float64, copy=False)
            gram += block @ block.T
    return gram


def _sparse_gram(X: Any, scale: float) -> Array:
    """X Xᵀ / scale² of a CSR array, float64."""
    gram = np.empty((X.shape[0], X.shape[0]))
    parts = list(_parts(X))
    for number, a in enumerate(parts):
        right = (_rows(X, a) / scale).T.tocsr()
        for b in parts[: number + 1]:
            products = ((_rows(X, b) / scale) @ right).toarray()
            gram[b, a], gram[a, b] = products, products.T
    return gram


def _parts(X: Any) -> Iterator[slice]:
    """Runs of rows of a CSR array, each with about ``NUMBERS_AT_ONCE`` entries or more."""
    n_rows = X.shape[0]
    return _runs(n_rows, max(NUMBERS_AT_ONCE * n_rows // max(X.nnz, 1), -(-n_rows // MAX_PARTS)))


def _rows(X: Any, part: slice) -> Any:
    return X if part == slice(None) else X[part].astype(np.float64)


def _runs(length: int, size: int) -> Iterator[slice]:
    """0 … length − 1 in runs of ``size``, at least 1."""
    size = max(size, 1)
    return (slice(start, min(start + size, length)) for start in range(0, length, size))


# -- factors --------------------------------------------------------------------------------


def _by_cholesky(gram: Array) -> tuple[Array, Array] | None:
    """T and M from X Xᵀ, which is overwritten; None if that is too inexact.

    With D = diag of the lengths of the rows, D⁻¹ X Xᵀ D⁻¹ = RᵀR, the cosines between
    the rows. T = (R D)ᵀ, M = (R D)⁻¹.
    """
    lengths = np.sqrt(diagonal(gram))
    if not (np.isfinite(lengths).all() and (lengths > MIN_ROW_LENGTH).all()):
        return None
    gram /= lengths
    gram /= lengths[:, np.newaxis]
    try:
        with blas_threads(len(gram) ** 3 / 3):
            r = linalg.cholesky(gram.T, overwrite_a=True, check_finite=False)
            inverse = linalg.lapack.dtrtri(r)[0]
    except linalg.LinAlgError:
        return None
    if not np.vdot(inverse, inverse) < MAX_TRACE_OF_INVERSE:
        return None
    r *= lengths
    inverse /= lengths[:, np.newaxis]
    return r.T, inverse


def _by_singular_values(X: Any) -> tuple[Array, Array]:
    """U S and U S⁻¹ of X = U S Vᵀ: U and S are those of Rᵀ, where Xᵀ = Q R."""
    n_rows, n_features = X.shape
    triangle: Any = np.empty((0, n_rows))
    for features in _runs(n_features, max(2 * n_rows, NUMBERS_AT_ONCE // n_rows)):
        block = X[:, features]
        block = (block.toarray() if sparse.issparse(block) else block).T.astype(np.float64)
        with blas_threads(4 * n_rows**3):
            triangle = np.linalg.qr(np.vstack([triangle, block]), mode="r")
    with blas_threads(4 * n_rows**3):
        u, s, _ = linalg.svd(triangle.T, full_matrices=False)
    kept = s > s.max(initial=0) * len(s) * np.finfo(np.float64).eps
    return u[:, kept] * s[kept], u[:, kept] / s[kept]
