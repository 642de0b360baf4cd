"""LQ or singular value decomposition X = T Qᵀ of a wide X, and products with X and Xᵀ.

The columns of Q are orthonormal. Q is not stored: Q = XᵀM. X is not copied: it is converted
to float64 in chunks of a few MB.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from scipy import linalg, sparse

from .._linalg import diagonal
from .._typing import Array
from .blas import blas_threads
from .rows import CHUNK_ENTRIES

MAX_CHUNKS = 32
"""Largest number of row chunks of a sparse X. X Xᵀ takes one product for each pair of chunks."""

MAX_TRACE_OF_INVERSE = 1e6
"""Largest trace of the inverse of the cosine matrix of the rows for which Cholesky is used.

This trace grows with the condition number. Up to it, the columns of Q are orthonormal within
about 1e-11.
"""

MIN_ROW_NORM = 1e-140
"""Norm of a row up to which its products may underflow, so that Cholesky is not used."""


def factorise(X: Any) -> tuple[Array, Array]:
    """T and M of X = T Qᵀ, where Q = XᵀM is an orthonormal basis of the row space.

    They follow from the Cholesky factor of X Xᵀ, which squares the condition number. If the rows
    are nearly dependent, they follow from the singular value decomposition X = U S Vᵀ: T = U S
    and M = U S⁻¹, truncated to the numerical rank.

    Parameters
    ----------
    X : matrix of shape (n_rows, n_features)
        Dense or CSR, with at most as many rows as features.

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
    """Yield blocks of Xᵀc in the precision of c, as (features, columns of c, block)."""
    if sparse.issparse(X):
        yield from _sparse_transposed_product(X, c)
        return
    for features in _slices(X.shape[1], CHUNK_ENTRIES // max(c.shape)):
        block = X[:, features].astype(c.dtype, copy=False)
        yield features, slice(None), (c.T @ block).T


def _sparse_transposed_product(X: Any, c: Array) -> Iterator[tuple[slice, slice, Array]]:
    """Yield a few columns of Xᵀc at a time, all features: column slices of CSR are copies."""
    chunks = [slice(None)] if X.dtype == c.dtype else list(_row_slices(X))
    for columns in _slices(c.shape[1], 4 * CHUNK_ENTRIES // X.shape[1]):
        products = (_rows_float64(X, chunk).T @ c[chunk, columns] for chunk in chunks)
        yield slice(None), columns, sum(products)


def product(X: Any, w: Array) -> Array:
    """Xw in float64."""
    n_rows, n_features = X.shape
    if sparse.issparse(X):
        return np.vstack([_rows_float64(X, chunk) @ w for chunk in _row_slices(X)])
    z = np.zeros((n_rows, w.shape[1]))
    for features in _slices(n_features, CHUNK_ENTRIES // n_rows):
        z += X[:, features].astype(np.float64, copy=False) @ w[features]
    return z


# -- X Xᵀ -----------------------------------------------------------------------------------


def _gram(X: Array) -> Array:
    """X Xᵀ, float64."""
    n_rows, n_features = X.shape
    gram = np.zeros((n_rows, n_rows))
    with blas_threads(n_rows * X.size):
        for features in _slices(n_features, max(n_rows, CHUNK_ENTRIES // n_rows)):
            block = X[:, features].astype(np.float64, copy=False)
            gram += block @ block.T
    return gram


def _sparse_gram(X: Any, scale: float) -> Array:
    """X Xᵀ / scale² of a CSR array, float64."""
    gram = np.empty((X.shape[0], X.shape[0]))
    chunks = list(_row_slices(X))
    for number, second in enumerate(chunks):
        transposed = (_rows_float64(X, second) / scale).T.tocsr()
        for first in chunks[: number + 1]:
            block = ((_rows_float64(X, first) / scale) @ transposed).toarray()
            gram[first, second], gram[second, first] = block, block.T
    return gram


def _row_slices(X: Any) -> Iterator[slice]:
    """At most `MAX_CHUNKS` slices of CSR rows, of about ``CHUNK_ENTRIES`` entries or more."""
    n_rows = X.shape[0]
    return _slices(n_rows, max(CHUNK_ENTRIES * n_rows // max(X.nnz, 1), -(-n_rows // MAX_CHUNKS)))


def _rows_float64(X: Any, chunk: slice) -> Any:
    """Copy of a chunk of rows in float64; X itself, in its precision, for ``slice(None)``."""
    return X if chunk == slice(None) else X[chunk].astype(np.float64)


def _slices(length: int, size: int) -> Iterator[slice]:
    """Consecutive slices of ``range(length)``, each of ``size`` entries or, if size < 1, of one."""
    size = max(size, 1)
    return (slice(start, min(start + size, length)) for start in range(0, length, size))


# -- factors --------------------------------------------------------------------------------


def _by_cholesky(gram: Array) -> tuple[Array, Array] | None:
    """T and M from the Gram matrix X Xᵀ, which is overwritten; None if they would be inaccurate.

    With D the diagonal matrix of the norms of the rows, D⁻¹ X Xᵀ D⁻¹ = RᵀR is their cosine
    matrix. Then T = (R D)ᵀ and M = (R D)⁻¹.
    """
    norms = np.sqrt(diagonal(gram))
    if not (np.isfinite(norms).all() and (norms > MIN_ROW_NORM).all()):
        return None
    gram /= norms
    gram /= norms[:, np.newaxis]
    try:
        with blas_threads(len(gram) ** 3 / 3):
            r = linalg.cholesky(gram.T, overwrite_a=True, check_finite=False)
            inverse = linalg.lapack.dtrtri(r)[0]
    except linalg.LinAlgError:
        return None
    if not np.vdot(inverse, inverse) < MAX_TRACE_OF_INVERSE:
        return None
    r *= norms
    inverse /= norms[:, np.newaxis]
    return r.T, inverse


def _by_singular_values(X: Any) -> tuple[Array, Array]:
    """T = U S and M = U S⁻¹ of X = U S Vᵀ.

    With the QR decomposition Xᵀ = Q R, updated chunk by chunk, Rᵀ has the same U and S as X.
    """
    n_rows, n_features = X.shape
    r: Any = np.empty((0, n_rows))
    for features in _slices(n_features, max(2 * n_rows, CHUNK_ENTRIES // n_rows)):
        block = X[:, features]
        block = (block.toarray() if sparse.issparse(block) else block).T.astype(np.float64)
        with blas_threads(4 * n_rows**3):
            r = np.linalg.qr(np.vstack([r, block]), mode="r")
    with blas_threads(4 * n_rows**3):
        u, s, _ = linalg.svd(r.T, full_matrices=False)
    kept = s > s.max(initial=0) * len(s) * np.finfo(np.float64).eps
    return u[:, kept] * s[kept], u[:, kept] / s[kept]
