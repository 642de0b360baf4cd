"""Data from a folder: the files that are known, and any svmlight or NPZ file.

The environment variable SKLEARN_GD_LOGREG_DATA names the folder; folders in it are
searched too. A file ``<name>.svmlight`` (also .svm, .libsvm, .trn; with .bz2 or .gz after
it) or ``<name>.npz`` (with X and y, or X_train and y_train) is a data set of that name.
"""

import os
from pathlib import Path
from typing import Any

import numpy as np
from scipy import sparse
from sklearn.datasets import load_svmlight_file
from sklearn.feature_extraction.text import TfidfVectorizer

VARIABLE = "SKLEARN_GD_LOGREG_DATA"
SVMLIGHT = ".svmlight", ".svm", ".libsvm", ".trn"
COMPRESSED = ".bz2", ".gz"
TEXT = {"SMSSpamCollection": ("\t", "utf-8"), "rt-polarity.all": (" ", "latin-1")}
CATS = "train_catvnoncat.h5"


def folder() -> Path | None:
    name = os.environ.get(VARIABLE)
    return Path(name) if name and Path(name).is_dir() else None


def data_sets() -> dict[str, Path]:
    """Names and files of all data sets in the folder."""
    root = folder()
    files = sorted(root.rglob("*")) if root else []
    return {name: path for path in files if (name := name_of(path))}


def name_of(path: Path) -> str | None:
    if path.name in TEXT or path.name == CATS:
        return path.name.split(".")[0]
    suffixes = [suffix for suffix in path.suffixes if suffix not in COMPRESSED]
    if suffixes and suffixes[-1] in (*SVMLIGHT, ".npz"):
        return path.name.split(".")[0]
    return None


def load(path: Path) -> tuple[Any, np.ndarray]:
    """X, dense or CSR, and y."""
    if path.name in TEXT:
        return text(path)
    if path.name == CATS:
        return images(path)
    return arrays(path) if path.suffix == ".npz" else svmlight(path)


def csr(X: Any) -> sparse.csr_array:
    """A CSR array with indices of 32 bits, the only ones that some solvers take."""
    X = sparse.csr_array(X)
    return sparse.csr_array(
        (X.data, X.indices.astype(np.int32), X.indptr.astype(np.int32)), X.shape
    )


def svmlight(path: Path) -> tuple[Any, np.ndarray]:
    X, y = load_svmlight_file(str(path))
    return csr(X), y


def arrays(path: Path) -> tuple[Any, np.ndarray]:
    """X and y of an NPZ file; rows of pixels (uint8) are divided by 255."""
    with np.load(path) as held:
        X, y = (held[name if name in held else f"{name}_train"] for name in ("X", "y"))
    X = X.reshape(len(X), -1)
    if X.dtype == np.uint8:
        return X / 255, y
    return X if X.dtype == np.float32 else X.astype(float), y


def text(path: Path) -> tuple[Any, np.ndarray]:
    """TF-IDF of lines that begin with their label."""
    separator, encoding = TEXT[path.name]
    lines = [line.split(separator, 1) for line in path.read_text(encoding).split("\n") if line]
    labels, texts = zip(*lines, strict=True)
    return csr(TfidfVectorizer().fit_transform(texts)), np.array(labels)


def images(path: Path) -> tuple[Any, np.ndarray]:
    """The cat images, pixels / 255."""
    import h5py

    with h5py.File(path) as held:
        return held["train_set_x"][:].reshape(209, -1) / 255, held["train_set_y"][:]
