"""The same rows in every storage of chunks, for tests of the answers."""

from importlib.util import find_spec

import numpy as np
import pytest
from scipy import sparse

from sklearn_gd_logreg import Chunks
from sklearn_gd_logreg.data import chunks as chunks_module

needs_dask = pytest.mark.skipif(find_spec("dask") is None, reason="dask is not installed")

ROWS = 37
"""Rows of a chunk: not a divisor of the numbers of rows in tests."""


class ReadAnew:
    """Chunks made anew in each pass, which counts the passes."""

    def __init__(self, *columns, rows=ROWS):
        self.columns, self.rows, self.n_passes = columns, rows, 0

    def __iter__(self):
        self.n_passes += 1
        for start in range(0, self.columns[0].shape[0], self.rows):
            chunk = slice(start, start + self.rows)
            yield tuple(part[chunk].copy() for part in self.columns)


class Store:
    """Puts rows into a storage: X, y and weights as `fit` takes them."""

    def __init__(self, storage, folder, monkeypatch):
        self.storage, self.folder, self.n_files = storage, folder, 0
        if storage.startswith("memory map"):
            monkeypatch.setattr(chunks_module, "MAX_BYTES_IN_MEMORY", 0)
            monkeypatch.setattr(chunks_module, "MAX_BYTES_TO_CONVERT", 0)
            monkeypatch.setattr(chunks_module, "MAX_ROWS_PER_CHUNK", ROWS)

    def __call__(self, X, y=None, sample_weight=None):
        given = [part for part in (X, y, sample_weight) if part is not None]
        if self.storage == "Chunks":
            return Chunks(ReadAnew(*given)), None, None
        if self.storage == "Chunks of CSR":
            return Chunks(ReadAnew(sparse.csr_array(X), *given[1:])), None, None
        if self.storage.startswith("memory map"):
            return self._mapped(X), y, sample_weight
        import dask.array as da

        X, y, sample_weight = (
            None if part is None else da.from_array(part, chunks=(ROWS,) + (4,) * (part.ndim - 1))
            for part in (X, y, sample_weight)
        )
        if self.storage == "dask array":
            return X, y, sample_weight
        return self._in_dask(X, y, sample_weight)

    def _mapped(self, X):
        self.n_files += 1
        order = "F" if "Fortran" in self.storage else "C"
        path = self.folder / f"{self.n_files}.npy"
        np.save(path, np.asarray(X, order=order))
        return np.load(path, mmap_mode="r")

    def _in_dask(self, X, y, sample_weight):
        import dask.dataframe as dd

        if self.storage == "dask array of CSR":
            rows = X.rechunk({1: -1}).map_blocks(sparse.csr_array, dtype=X.dtype)
            return rows, y, sample_weight
        frame = dd.from_dask_array(X.rechunk({1: -1}), columns=[f"x{i}" for i in range(X.shape[1])])
        if self.storage == "dask frame":
            return frame, y, sample_weight
        assert self.storage == "dask array of unknown length"
        parts = (None if p is None else dd.from_dask_array(p) for p in (y, sample_weight))
        return frame.to_dask_array(), *parts


LOCAL = ("Chunks", "Chunks of CSR", "memory map", "memory map in Fortran order")
DASK = ("dask array", "dask array of CSR", "dask frame", "dask array of unknown length")
STORAGES = [*LOCAL, *(pytest.param(name, marks=needs_dask) for name in DASK)]
