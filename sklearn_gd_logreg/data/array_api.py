"""Rows in arrays of another library by the array API standard, on their device.

A function of a pass computes there. w goes to the device with each block, and the sums of the pass
come back together: arrays of the size of the parameters, or of F.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from .._cached import cached_attribute
from .._namespace import astype, namespace, to_numpy
from .._typing import Array, Precision
from .base import Dataset, stratified_quantiles
from .dense import DENSE_GRAM_WORK, DENSE_PASS_WORK, DENSE_SCALING_WORK
from .passes import Passes
from .rows import BlockGroup, Rows, pairs
from .threads import Parts

BLOCK_BYTES = 1 << 29
"""Size in bytes of a block of X: temporary arrays are a fraction of it, and kernels few."""

MAX_SAMPLE_BYTES = 1 << 29
"""Size in bytes of X up to which rows are copied for a sample."""


class ArrayApiRows(Rows):
    """A block of rows on a device."""

    @property
    def _xp(self) -> Any:
        return namespace(self.X)

    def _there(self, array: Any) -> Any:
        """An array of NumPy on the device, in the precision of X; others as they are."""
        if not isinstance(array, np.ndarray):
            return array
        return self._xp.asarray(array.astype(_dtype(self.X), copy=False), device=self.X.device)

    def forward(self, w: Array) -> Array:
        z = self.X @ self._there(w[: self.X.shape[1]])
        return z + self._there(w[self.X.shape[1] :]) if self.intercept else z

    def forward_float64(self, w: Array) -> Array:
        return astype(self.forward(w), np.float64)

    def backward(self, dz: Array) -> Array:
        xp = self._xp
        dw = self.X.T @ astype(dz, _dtype(self.X))
        if not self.intercept:
            return dw
        db = xp.sum(dz, axis=0, keepdims=True, dtype=xp.float64)
        return xp.concat((dw, astype(db, _dtype(self.X))))

    def times(self, w: Array) -> Array:
        return self.X @ self._there(w)

    def transposed_times(self, dz: Array) -> Array:
        return self.X.T @ dz

    def shares(self) -> Array:
        xp, n_rows = self._xp, self.X.shape[0]
        if isinstance(self.share, float):
            return xp.full((n_rows,), self.share, dtype=xp.float64, device=self.X.device)
        return astype(self.share[:, 0], np.float64)

    def weight_of(self, chosen: NDArray[np.bool_]) -> float:
        return float(self._xp.sum(self.shares() * astype(chosen, np.float64)))

    def gram(
        self, root: Array, columns: NDArray[np.intp] | slice, precision: Precision = np.float64
    ) -> Array:
        xp, X = self._xp, self.X
        if not isinstance(columns, slice):
            X = xp.take(X, xp.asarray(columns, device=X.device), axis=1)
        root = astype(root, _dtype(X))[:, None]
        scaled = X * root
        gram = astype(scaled.T @ scaled, np.float64)
        if not self.intercept:
            return gram
        border = astype(scaled.T @ root, np.float64)
        corner = xp.reshape(xp.sum(root**2, dtype=xp.float64), (1, 1))
        above = xp.concat((gram, border), axis=1)
        return xp.concat((above, xp.concat((border.T, corner), axis=1)))

    def pair_grams(
        self,
        a: Array,
        columns: NDArray[np.intp] | slice = slice(None),
        precision: Precision = np.float64,
    ) -> Array:
        xp, share = self._xp, self.shares()
        roots = (
            (share * a[c, :] * a[d, :]) ** 0.5 for c, d in zip(*pairs(a.shape[0]), strict=True)
        )
        return xp.stack([self.gram(root, columns, precision) for root in roots])

    def counts_and_squares(self) -> tuple[NDArray[np.intp], Array]:
        xp = self._xp
        counts = xp.sum(astype(self.X != 0, np.int64), axis=0)
        return counts, xp.sum(self.X * self.X, axis=0, dtype=xp.float64)

    def squares(self, h: Array) -> Array:
        xp = self._xp
        squares = astype((self.X * self.X).T @ astype(h, _dtype(self.X)), np.float64)
        if not self.intercept:
            return squares
        return xp.concat((squares, xp.sum(astype(h, np.float64), axis=0, keepdims=True)))


class ArrayApiDataset(Dataset):
    """Rows in an array of another library.

    Parameters
    ----------
    rows : array of shape (n_rows, n_features), float64 or float32
    y : array of n_rows entries
        As `CrossEntropy.targets` of `loss_array_api` encodes labels.
    share : array of shape (n_rows, 1), float or None
        As in `Dataset`.
    intercept : bool
    offset : array of shape (n_features,), default=None
        Subtracted from each block of rows.
    """

    stores_row_values: ClassVar[bool] = False

    def __init__(
        self, rows: Any, y: Any, share: Any, intercept: bool, offset: Array | None = None
    ) -> None:
        self.X, self.rows, self.y, self.intercept, self.offset = None, rows, y, intercept, offset
        self.n_rows, self.n_features = map(int, rows.shape)
        self.share = 1 / self.n_rows if share is None else share
        self.dtype, self.passes, self.rows_per_pass = _dtype(rows), Passes(), self.n_rows

    def block(self, index: slice) -> Rows:
        X = self.rows[index, :]
        if self.offset is not None:
            X = X - namespace(X).asarray(self.offset.astype(self.dtype), device=X.device)
        share = self.share if isinstance(self.share, float) else self.share[index, :]
        y = self.y[index, ...]
        return ArrayApiRows(X, y, share, self.position(index), self.intercept)

    def _sum_over_blocks(
        self,
        function: Callable[[Rows], Parts],
        size: int,
        products: bool,
        of_group: Callable[[BlockGroup], Iterable[Parts]] | None,
    ) -> Parts:
        total: Parts | None = None
        for index in self._block_slices:
            parts = function(self.block(index))
            total = parts if total is None else tuple(map(sum, zip(total, parts, strict=True)))
        assert total is not None
        return tuple(_on_host(part) for part in total)

    # -- subsets ---------------------------------------------------------------------------

    def take(self, index: NDArray[np.signedinteger], factor: float) -> Dataset:
        if isinstance(self.share, float):
            return self._chosen(index, factor * self.share)
        xp = namespace(self.rows)
        there = xp.asarray(index.astype(np.int64), device=self.rows.device)
        return self._chosen(index, factor * xp.take(self.share, there, axis=0))

    def sample(self, size: int, mass: Array | None = None) -> Dataset:
        if mass is not None:
            raise NotImplementedError("No mass can be stored for each row.")
        quantiles = stratified_quantiles(size)
        if isinstance(self.share, float):
            index, counts = (quantiles * self.n_rows).astype(np.int64), None
        else:
            xp = namespace(self.rows)
            cumulative = xp.cumulative_sum(astype(self.share[:, 0], np.float64))
            wanted = xp.asarray(quantiles, device=self.rows.device) * cumulative[-1]
            found = to_numpy(xp.searchsorted(cumulative, wanted, side="right"))
            index, counts = np.unique(np.minimum(found, self.n_rows - 1), return_counts=True)
        if counts is None:
            return self._chosen(index, 1 / size)
        share = (counts / size).astype(self.dtype)[:, np.newaxis]
        there = namespace(self.rows).asarray(share, device=self.rows.device)
        return self._chosen(index, there)

    def _chosen(self, index: NDArray[np.signedinteger], share: Any) -> Dataset:
        """Some rows with these shares, and the pass counter of this data set."""
        xp = namespace(self.rows)
        there = xp.asarray(index.astype(np.int64), device=self.rows.device)
        rows, y = xp.take(self.rows, there, axis=0), xp.take(self.y, there, axis=0)
        subset = ArrayApiDataset(rows, y, share, self.intercept, self.offset)
        subset.passes, subset.rows_per_pass = self.passes, self.rows_per_pass
        subset.n_outputs = self.n_outputs
        return subset

    def subtract(self, offset: Array) -> Dataset:
        return ArrayApiDataset(self.rows, self.y, self.share, self.intercept, offset)

    def some_rows(self, size: int) -> Array:
        sample = self.sample(size)
        assert isinstance(sample, ArrayApiDataset)
        return np.asarray(to_numpy(sample.rows))

    # -- weights and work ------------------------------------------------------------------

    @cached_attribute
    def effective_sample_size(self) -> float:
        if isinstance(self.share, float):
            return float(self.n_rows)
        xp = namespace(self.share)
        return 1 / float(xp.sum(astype(self.share, np.float64) ** 2))

    @cached_attribute
    def n_weighted_rows(self) -> int:
        if isinstance(self.share, float):
            return self.n_rows
        return int(namespace(self.share).sum(astype(self.share != 0, np.int64)))

    def weighted_rows(self) -> NDArray[np.signedinteger]:
        dtype = np.promote_types(np.int32, np.min_scalar_type(-self.n_rows))
        if isinstance(self.share, float):
            return np.arange(self.n_rows, dtype=dtype)
        return np.flatnonzero(to_numpy(self.share)).astype(dtype, copy=False)

    @property
    def n_blocks(self) -> int:
        return -(-self.n_bytes // BLOCK_BYTES)

    @property
    def max_rows_to_sample(self) -> int:
        row_bytes = max(1, self.n_features * self.dtype.itemsize)
        return int(min(self.n_rows, max(MAX_SAMPLE_BYTES, self.n_bytes / 16) // row_bytes))

    @property
    def pass_work(self) -> float:
        return DENSE_PASS_WORK * self.n_entries

    def gram_work(self, n_rows: float) -> float:
        return (
            n_rows * self.n_parameters * (DENSE_SCALING_WORK + DENSE_GRAM_WORK * self.n_parameters)
        )

    @property
    def n_entries(self) -> int:
        return self.n_rows * self.n_features

    @property
    def n_bytes(self) -> int:
        return self.n_entries * int(self.dtype.itemsize)


def _dtype(array: Any) -> np.dtype[np.floating]:
    """The dtype of NumPy of the same name."""
    return np.dtype(str(array.dtype).rpartition(".")[2])


def _on_host(part: Any) -> Any:
    """A number, or an array of NumPy."""
    array = to_numpy(part)
    return float(array) if np.ndim(array) == 0 else array
