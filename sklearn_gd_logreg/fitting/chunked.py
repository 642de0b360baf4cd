"""Readers of rows in chunks, checked: the counterpart of `inputs`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sklearn import config_context
from sklearn.utils import assert_all_finite
from sklearn.utils.validation import validate_data

from ..chunk_targets import ChunkedLabels, chunked_labels, label_sums
from ..data import Chunk, ChunkReader, check_chunk, chunk_reader, is_in_chunks
from ..validation import invalid
from .settings import Settings
from .validation_set import LabelledRows


def training_reader(
    estimator: Any, settings: Settings, rows: LabelledRows, validation: LabelledRows, reset: bool
) -> ChunkReader | None:
    """The reader of training rows in chunks, its columns checked; None for rows in memory.

    Mini-batches, and rows held out for early stopping, are drawn from all rows. For these a memory
    map is used like an array in memory, and other rows in chunks are refused.

    Raises
    ------
    ValueError
        If a parameter is not allowed with rows in chunks, or the columns of X do not fit.
    """
    draws_rows = settings.batch_size is not None or (
        estimator.early_stopping and validation.X is None
    )
    if is_in_chunks(rows.X):
        if settings.batch_size is not None:
            raise invalid(estimator, "batch_size", settings.batch_size, "None for rows in chunks")
        if draws_rows:
            hint = "Pass X_val and y_val."
            allowed = "False for rows in chunks without validation data"
            raise invalid(estimator, "early_stopping", estimator.early_stopping, allowed, hint)
    elif draws_rows:
        return None
    reader = chunk_reader(*rows)
    if reader is not None:
        check_header(estimator, reader, reset)
    return reader


def validation_reader(estimator: Any, validation: LabelledRows) -> ChunkReader | None:
    """The reader of validation rows in chunks, checked; None for rows in memory, or none given.

    Only a fit on training rows in chunks takes validation rows in chunks.
    """
    if validation.X is None:
        return None
    reader = chunk_reader(*validation, suffix="_val")
    if reader is not None:
        try:
            check_header(estimator, reader, reset=False)
        except ValueError as error:
            raise ValueError(f"X_val does not fit X: {error}") from error
        check_chunks_finite(estimator, reader, "X_val")
    return reader


def check_header(estimator: Any, reader: ChunkReader, reset: bool) -> None:
    """Check the columns of X; ``reset`` sets ``n_features_in_`` and ``feature_names_in_``."""
    validate_data(estimator, reader.header, reset=reset, skip_check_array=True)
    if not reader.n_features:
        raise ValueError(
            f"Found array with 0 feature(s) (shape={reader.header.shape}) while a minimum of 1 is "
            f"required by {type(estimator).__name__}."
        )


def labels_of(estimator: Any, reader: ChunkReader) -> ChunkedLabels:
    """The classes and weights of all rows, by one pass over the labels, which does not count."""
    sums = list(reader.map_labels(label_sums))
    return chunked_labels(estimator, sums, estimator.class_weight, reader.dtype)


@dataclass(frozen=True)
class CheckFinite:
    """Raises unless X of a chunk is finite; as an object it can be sent to other processes."""

    estimator_name: str
    input_name: str
    n_features: int
    dtype: Any

    def __call__(self, chunk: Chunk) -> None:
        """Check a chunk."""
        X = check_chunk(chunk, self.n_features, self.dtype)
        with config_context(assume_finite=False):
            assert_all_finite(X, estimator_name=self.estimator_name, input_name=self.input_name)


def check_chunks_finite(estimator: Any, reader: ChunkReader, name: str = "X") -> None:
    """Raise unless X is finite; one pass, which does not count."""
    check = CheckFinite(type(estimator).__name__, name, reader.n_features, reader.dtype)
    for _ in reader.map(check):
        pass
