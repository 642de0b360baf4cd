"""Rows in arrays of another library by the array API standard, on their device.

A function of a pass computes there. Its parameters go to the device once a pass, and its sums come
back together: arrays of the size of the parameters, or of F.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from .._cached import cached_attribute
from .._namespace import astype, is_other, namespace, numpy_dtype, to_numpy
from .._typing import Array, Precision
from .base import Dataset, stratified_positions
from .dense import DENSE_GRAM_WORK, DENSE_PASS_WORK, DENSE_SCALING_WORK
from .passes import Passes
from .rows import BlockGroup, Rows, pairs
from .threads import Parts, add_parts

BLOCK_BYTES = 1 << 29
"""Size in bytes of a block of X. Kernels are few, and temporary arrays of the size of a block or
two."""

MAX_SAMPLE_BYTES = 1 << 29
"""Size in bytes of X up to which rows are copied for a sample."""


@dataclass(frozen=True)
class ArrayApiRows(Rows):
    """A block of rows on a device.

    Attributes
    ----------
    X, y, share, index, intercept
        As in `Rows`.
    sent : dict
        Arrays of NumPy and their copies on the device, by the id of the first, which stays its own
        while the dictionary holds the array. The blocks of a pass share it.
    """

    sent: dict[int, tuple[Any, Any]] = field(default_factory=dict)

    @property
    def _xp(self) -> Any:
        return namespace(self.X)

    def _on_device(self, w: Any) -> Any:
        """Parameters of NumPy on the device, in the precision of X; others as they are.

        Their columns are contiguous: PyTorch then multiplies X by several of them faster.
        """
        if not isinstance(w, np.ndarray):
            return w
        columns = np.ascontiguousarray(w.T, numpy_dtype(self.X))
        return self._sent_once(w, columns).T

    def _sent_once(self, key: Any, array: Any) -> Any:
        """An array on the device. It is sent for the first block of a pass, known by ``key``."""
        if id(key) not in self.sent:
            self.sent[id(key)] = key, self._xp.asarray(array, device=self.X.device)
        return self.sent[id(key)][1]

    def _with_features(self, columns: NDArray[np.intp] | slice) -> Any:
        """X with these features."""
        if isinstance(columns, slice):
            return self.X
        numbers = self._sent_once(columns, columns.astype(np.int64, copy=False))
        return self._xp.take(self.X, numbers, axis=1)

    def forward(self, w: Array) -> Array:
        (n_rows, n_features), xp = self.X.shape, self._xp
        if isinstance(w, np.ndarray) and not w.any():
            shape = n_rows, w.shape[1]
            return xp.zeros(shape, dtype=self.X.dtype, device=self.X.device)
        there = self._on_device(w)
        z = self.X @ there[:n_features, :]
        return z + there[n_features:, :] if self.intercept else z

    def forward_float64(self, w: Array) -> Array:
        return astype(self.forward(w), np.float64)

    def backward(self, dz: Array) -> Array:
        xp = self._xp
        dw = self.transposed_times(astype(dz, numpy_dtype(self.X)))
        if not self.intercept:
            return dw
        db = xp.sum(dz, axis=0, keepdims=True, dtype=xp.float64)
        return xp.concat((dw, astype(db, numpy_dtype(self.X))))

    def times(self, w: Array) -> Array:
        return self.X @ self._on_device(w)

    def transposed_times(self, dz: Array) -> Array:
        return (dz.T @ self.X).T  # faster than Xᵀdz in PyTorch, for several columns

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
        return self._gram(self._with_features(columns), root)

    def _gram(self, X: Any, root: Array) -> Array:
        """The Gram matrix of rows of X scaled by ``root``, with a border for the intercept."""
        xp, root = self._xp, astype(root, numpy_dtype(X))[:, None]
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
        xp, X, share = self._xp, self._with_features(columns), self.shares()
        roots = (
            (share * a[c, :] * a[d, :]) ** 0.5 for c, d in zip(*pairs(a.shape[0]), strict=True)
        )
        return xp.stack([self._gram(X, root) for root in roots])

    def counts_and_squares(self) -> tuple[NDArray[np.intp], Array]:
        xp = self._xp
        counts = xp.sum(astype(self.X != 0, np.int8), axis=0, dtype=xp.int64)
        return counts, xp.sum(self.X * self.X, axis=0, dtype=xp.float64)

    def squares(self, h: Array) -> Array:
        xp = self._xp
        squares = astype((astype(h, numpy_dtype(self.X)).T @ (self.X * self.X)).T, np.float64)
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
        self.dtype, self.passes, self.rows_per_pass = numpy_dtype(rows), Passes(), self.n_rows

    def block(self, index: slice) -> ArrayApiRows:
        X = self.rows[index, :]
        if self.offset is not None:
            X = X - self._offset_on_device
        share = self.share if isinstance(self.share, float) else self.share[index, :]
        y = self.y[index, ...]
        return ArrayApiRows(X, y, share, self.position(index), self.intercept)

    @cached_attribute
    def _offset_on_device(self) -> Any:
        """The offset, in the precision of X."""
        assert self.offset is not None
        offset = self.offset.astype(self.dtype, copy=False)
        return namespace(self.rows).asarray(offset, device=self.rows.device)

    def _sum_over_blocks(
        self,
        function: Callable[[Rows], Parts],
        size: int,
        products: bool,
        of_group: Callable[[BlockGroup], Iterable[Parts]] | None,
    ) -> Parts:
        total: Parts | None = None
        sent: dict[int, tuple[Any, Any]] = {}
        for index in self._block_slices:
            parts = function(replace(self.block(index), sent=sent))
            total = parts if total is None else add_parts(total, parts, in_place=False)
        assert total is not None
        return _on_host(total)

    # -- subsets ---------------------------------------------------------------------------

    def take(self, index: NDArray[np.signedinteger], factor: float) -> Dataset:
        xp = namespace(self.rows)
        there = xp.asarray(index.astype(np.int64, copy=False), device=self.rows.device)
        if isinstance(self.share, float):
            return self._chosen(there, factor * self.share)
        return self._chosen(there, factor * xp.take(self.share, there, axis=0))

    def sample(self, size: int, mass: Array | None = None) -> Dataset:
        if mass is not None:
            raise NotImplementedError("No mass can be stored for each row.")
        xp, device = namespace(self.rows), self.rows.device
        quantiles = stratified_positions(xp.arange(size, dtype=xp.float64, device=device)) / size
        if isinstance(self.share, float):
            return self._chosen(astype(quantiles * self.n_rows, np.int64), 1 / size)
        cumulative = xp.cumulative_sum(astype(self.share[:, 0], np.float64))
        found = xp.searchsorted(cumulative, quantiles * cumulative[-1], side="right")
        last = xp.asarray(self.n_rows - 1, dtype=found.dtype, device=device)
        index, counts = xp.unique_counts(xp.minimum(found, last))
        return self._chosen(index, astype(astype(counts, np.float64) / size, self.dtype)[:, None])

    def _chosen(self, index: Any, share: Any) -> Dataset:
        """Rows by their numbers on the device, with these shares and the pass counter of this."""
        xp = namespace(self.rows)
        rows, y = xp.take(self.rows, index, axis=0), xp.take(self.y, index, axis=0)
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
        if self.n_weighted_rows == self.n_rows:
            return np.arange(self.n_rows, dtype=dtype)
        return self._weighted_rows.astype(dtype)  # a copy, which an epoch shuffles

    @cached_attribute
    def _weighted_rows(self) -> NDArray[np.signedinteger]:
        """The numbers of the rows of weight > 0, found on the device."""
        assert not isinstance(self.share, float)
        return np.asarray(to_numpy(namespace(self.share).nonzero(self.share[:, 0])[0]))

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


def _on_host(parts: Parts) -> Parts:
    """Numbers and arrays of NumPy for those of a device, which come in one array.

    They come as float64, in which float32 and numbers of rows are exact, and get their dtype back.
    """
    there = [part for part in parts if is_other(part)]
    if not there:
        return parts
    xp = namespace(*there)
    flat = [xp.reshape(astype(part, np.float64), (-1,)) for part in there]
    values, arrays = to_numpy(xp.concat(flat)), []
    ends = np.cumsum([part.shape[0] for part in flat])
    for part, array in zip(there, np.split(values, ends[:-1]), strict=True):
        arrays.append(array.reshape(tuple(part.shape)).astype(numpy_dtype(part)))
    back = iter(arrays)
    found = (next(back) if is_other(part) else part for part in parts)
    return tuple(float(part) if np.ndim(part) == 0 else part for part in found)
