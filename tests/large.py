"""Arrays with many rows, and the memory that a call takes."""

import tracemalloc

import numpy as np
from scipy import sparse


def stored_bytes(X):
    """Bytes of the arrays that X consists of."""
    if sparse.issparse(X):
        return X.data.nbytes + X.indices.nbytes + X.indptr.nbytes
    return X.nbytes


def peak(function):
    """Most bytes allocated at any moment of a call."""
    tracemalloc.start()
    try:
        function()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def tall(n_rows):
    """Many rows, enough features for the vectors of that many entries to look small."""
    return np.random.default_rng(0).random((n_rows, 80))


def tall_csr(n_rows, n_features=100, per_row=80):
    """A CSR array of random numbers, as many in every row."""
    columns = np.tile(np.arange(per_row, dtype=np.int32), n_rows)
    starts = np.arange(n_rows + 1, dtype=np.int32) * per_row
    return sparse.csr_array((tall(n_rows).ravel(), columns, starts), (n_rows, n_features))


def unaligned(X):
    """A copy at an address that is not a multiple of the size of an entry, in the same order."""
    memory = np.empty(X.nbytes + 1, np.uint8)[1:]
    order = "C" if X.flags.c_contiguous else "F"
    copy = np.ndarray(X.shape, X.dtype, memory, order=order)
    copy[...] = X
    assert not copy.flags.aligned
    return copy
