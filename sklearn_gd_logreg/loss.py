"""The loss ℒ(a, y) = −Σ_c [y = c] log a_c of a block of scores, and its derivative dz.

Two classes need one score: a = σ(z), the other class has 1 − a. K > 2 classes
have K scores: a = softmax(z). Only this file depends on the number of classes.

Conventions: z and dz have shape (m, n_outputs). The share of a row is its sample weight over
the sum of all sample weights. The loss is Σ share · ℒ, a number, and dz = share · (a − y).
"""

from abc import ABC, abstractmethod
from collections.abc import Iterable
from math import log
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, log_expit

from ._typing import Array


class CrossEntropy(ABC):
    """Cross-entropy of a block of rows.

    Attributes
    ----------
    n_outputs : int
        Number of scores of a row: 1 for one or two classes, K for K > 2.
    smoothness : float
        Upper bound on the eigenvalues of d²ℒ/dz².
    uniform_loss : float
        ℒ of equal probabilities, ln K: the cost at w = 0 without a penalty.
    shift_projector : array of shape (n_outputs, n_outputs)
        Projector on the common shift of all classes, which changes no probability.
    """

    n_outputs: int
    smoothness: ClassVar[float]
    uniform_loss: float
    shift_projector: Array

    def center_classes(self, v: Array) -> Array:
        """Subtract the common shift of all classes from coefficients or scores; same dtype."""
        return v

    @abstractmethod
    def targets(self, codes: NDArray[np.intp]) -> NDArray[Any]:
        """Encode class numbers 0 … K−1 as the y of `loss_and_dz`: a byte each if K allows it."""

    @abstractmethod
    def loss_and_dz(self, z: Array, y: NDArray[Any], share: Array | float) -> tuple[float, Array]:
        """Loss and its derivative; z is not modified.

        Parameters
        ----------
        z : array of shape (m, n_outputs)
        y : array of m entries
            As `targets` returns them.
        share : array of shape (m, 1) or float
            Sample weights over their sum; a float if they are equal.

        Returns
        -------
        loss : float
            Σ share · ℒ.
        dz : array of shape (m, n_outputs)
            share · (a − y).
        """

    def loss_and_dz_by_block(
        self, z: Array, y: NDArray[Any], share: Array | float, n_blocks: int
    ) -> Iterable[tuple[float, Array]]:
        """`loss_and_dz` of each of ``n_blocks`` blocks of equal length, with the same bits."""
        length = len(z) // n_blocks
        for start in range(0, len(z), length):
            part = slice(start, start + length)
            block_share = share[part] if isinstance(share, np.ndarray) else share
            yield self.loss_and_dz(z[part], y[part], block_share)

    @abstractmethod
    def loss_dz_and_probabilities(
        self, z: Array, y: NDArray[Any], share: Array | float
    ) -> tuple[float, Array, Array]:
        """`loss_and_dz`, and the probabilities from the same exponentials.

        The probabilities have shape (n_classes, m). For two classes the rows are the wrong and
        the right class.
        """

    @abstractmethod
    def loss_sum(self, z: Array, y: NDArray[Any], share: Array | float) -> float:
        """Σ share · ℒ, with the bits of `loss_and_dz`."""

    @abstractmethod
    def activations(self, z: Array) -> Array:
        """a, the probability of each class with a score; shape of z."""

    @abstractmethod
    def class_probabilities(self, z: Array) -> Array:
        """Transpose of `probabilities`, contiguous in each class: shape (n_classes, m)."""

    @abstractmethod
    def probabilities(self, z: Array) -> Array:
        """Probability of every class, shape (m, n_classes)."""

    @abstractmethod
    def log_probabilities(self, z: Array) -> Array:
        """Logarithm of `probabilities`, accurate where they underflow."""

    @abstractmethod
    def predict_codes(self, z: Array) -> NDArray[np.intp]:
        """Number of the most probable class of each row, shape (m,)."""

    @abstractmethod
    def is_correct(self, z: Array, y: NDArray[Any]) -> NDArray[np.bool_]:
        """Whether the most probable class is the class of y, shape (m,)."""


class SigmoidCrossEntropy(CrossEntropy):
    """Two classes: a = σ(z), ℒ = −(y log a + (1−y) log(1−a)).

    With t = −z for y = 1 and t = z for y = 0, ℒ = log(1 + eᵗ) and a − y = ±σ(t) = ±eᵗ/(1 + eᵗ):
    one exponential gives both, and no difference cancels digits. y is stored as the sign dt/dz.
    """

    n_outputs = 1
    smoothness = 0.25
    uniform_loss = log(2)
    shift_projector = np.zeros((1, 1))

    def targets(self, codes: NDArray[np.intp]) -> NDArray[np.int8]:
        return np.where(codes, np.int8(-1), np.int8(1))[:, np.newaxis]

    def loss_and_dz(self, z: Array, y: NDArray[Any], share: Array | float) -> tuple[float, Array]:
        loss, dz = self._losses_and_dz(z, y, share, (len(z),))
        return float(loss), dz

    def loss_and_dz_by_block(
        self, z: Array, y: NDArray[Any], share: Array | float, n_blocks: int
    ) -> Iterable[tuple[float, Array]]:
        losses, dz = self._losses_and_dz(z, y, share, (n_blocks, len(z) // n_blocks))
        return zip(losses.tolist(), dz.reshape(n_blocks, -1, 1), strict=True)

    def _losses_and_dz(
        self, z: Array, y: NDArray[Any], share: Array | float, shape: tuple[int, ...]
    ) -> tuple[Any, Array]:
        """Sums of ℒ along the last axis of the rows in ``shape``, and dz of shape (m, 1)."""
        share, sign = _shaped(share, shape), y.reshape(shape).astype(z.dtype)
        e, excess = _clipped_exp(sign * z.reshape(shape), share)
        u = 1 + e
        losses = excess + _sum_of_logs(u, e, share)
        dz = np.divide(share, u, out=u)
        dz *= e
        dz *= sign
        return losses, dz.reshape(-1, 1)

    def loss_dz_and_probabilities(
        self, z: Array, y: NDArray[Any], share: Array | float
    ) -> tuple[float, Array, Array]:
        share, sign = _shaped(share, (-1,)), y.reshape(-1).astype(z.dtype)
        e, excess = _clipped_exp(sign * z.reshape(-1), share)
        u = 1 + e
        loss = float(excess + _sum_of_logs(u, e, share))
        right = np.divide(1, u, out=u)
        wrong = e * right
        sign *= share
        return loss, (wrong * sign).reshape(-1, 1), np.concatenate((wrong, right)).reshape(2, -1)

    def loss_sum(self, z: Array, y: NDArray[Any], share: Array | float) -> float:
        share = _shaped(share, (-1,))
        e, excess = _clipped_exp(y.reshape(-1).astype(z.dtype) * z.reshape(-1), share)
        return float(excess + _sum_of_logs(1 + e, e, share))

    def activations(self, z: Array) -> Array:
        return expit(z)

    def class_probabilities(self, z: Array) -> Array:
        return np.concatenate((expit(-z.T), expit(z.T)))

    def probabilities(self, z: Array) -> Array:
        return np.hstack([expit(-z), expit(z)])

    def log_probabilities(self, z: Array) -> Array:
        return np.hstack([log_expit(-z), log_expit(z)])

    def predict_codes(self, z: Array) -> NDArray[np.intp]:
        return (z[:, 0] > 0).astype(np.intp)

    def is_correct(self, z: Array, y: NDArray[Any]) -> NDArray[np.bool_]:
        return (z[:, 0] > 0) == (y[:, 0] < 0)


class SingleClass(SigmoidCrossEntropy):
    """One class: its probability is 1, ℒ = 0 and dz = 0 for every score."""

    uniform_loss = 0.0
    shift_projector = np.ones((1, 1))

    def center_classes(self, v: Array) -> Array:
        return np.zeros_like(v)

    def targets(self, codes: NDArray[np.intp]) -> NDArray[np.int8]:
        return np.full((len(codes), 1), -1, np.int8)

    def _losses_and_dz(
        self, z: Array, y: NDArray[Any], share: Array | float, shape: tuple[int, ...]
    ) -> tuple[Any, Array]:
        return np.zeros(shape[:-1]), np.zeros_like(z)

    def loss_dz_and_probabilities(
        self, z: Array, y: NDArray[Any], share: Array | float
    ) -> tuple[float, Array, Array]:
        return 0.0, np.zeros_like(z), self.class_probabilities(z)

    def loss_sum(self, z: Array, y: NDArray[Any], share: Array | float) -> float:
        return 0.0

    def activations(self, z: Array) -> Array:
        return np.ones_like(z)

    def class_probabilities(self, z: Array) -> Array:
        return np.concatenate((np.zeros_like(z.T), np.ones_like(z.T)))

    def is_correct(self, z: Array, y: NDArray[Any]) -> NDArray[np.bool_]:
        return np.ones(len(z), np.bool_)


class SoftmaxCrossEntropy(CrossEntropy):
    """K > 2 classes: a = softmax(z), ℒ = −log a_y, in the symmetric parametrisation.

    Let e = exp(z − max z), g = max z − z_y ≥ 0, Σ the sum of e over all classes and R over the
    wrong classes. Then ℒ = g + log Σ, and a − y is e/Σ for a wrong class and −R/Σ for the right
    one: no difference cancels digits. If the right class has the highest score, log Σ is
    computed as log(1 + R), which is accurate for small R.

    Internal arrays have shape (K, m), so that reductions over the classes run over contiguous
    memory.

    Parameters
    ----------
    n_classes : int
        K.
    """

    smoothness = 0.5

    def __init__(self, n_classes: int) -> None:
        self.n_outputs = n_classes
        self.uniform_loss = log(n_classes)
        self.shift_projector = np.full((n_classes, n_classes), 1 / n_classes)

    def center_classes(self, v: Array) -> Array:
        centered: Array = v - np.add.reduce(v, axis=1, keepdims=True) / v.shape[1]
        return centered

    def targets(self, codes: NDArray[np.intp]) -> NDArray[Any]:
        return codes.astype(np.min_scalar_type(self.n_outputs - 1))

    def loss_and_dz(self, z: Array, y: NDArray[Any], share: Array | float) -> tuple[float, Array]:
        share = _shaped(share, (-1,))
        e, right, gap = self._exponentials(z, y)
        wrong_sum, sum_minus_1 = self._sums(e, right)[:2]
        total = 1 + sum_minus_1
        loss = float(_weighted_sum(gap, share) + _sum_of_logs(total, sum_minus_1, share))
        scale = share / total
        e *= scale
        e.reshape(-1)[right] = -wrong_sum * scale
        return loss, e.T

    def loss_dz_and_probabilities(
        self, z: Array, y: NDArray[Any], share: Array | float
    ) -> tuple[float, Array, Array]:
        share = _shaped(share, (-1,))
        e, right, gap = self._exponentials(z, y)
        wrong_sum, sum_minus_1, right_e = self._sums(e, right)
        total = 1 + sum_minus_1
        loss = float(_weighted_sum(gap, share) + _sum_of_logs(total, sum_minus_1, share))
        e /= total
        dz = share * e
        dz.reshape(-1)[right] = -wrong_sum * (share / total)
        e.reshape(-1)[right] = right_e / total
        return loss, dz.T, e

    def loss_sum(self, z: Array, y: NDArray[Any], share: Array | float) -> float:
        share = _shaped(share, (-1,))
        e, right, gap = self._exponentials(z, y)
        sum_minus_1 = self._sums(e, right)[1]
        return float(_weighted_sum(gap, share) + _sum_of_logs(1 + sum_minus_1, sum_minus_1, share))

    @staticmethod
    def _exponentials(z: Array, y: NDArray[Any]) -> tuple[Array, NDArray[np.intp], Array]:
        """The e of shape (K, m), the indices of the right classes in ``e.ravel()``, and g."""
        n_rows = len(z)
        e = np.array(z.T, order="C")
        right = np.multiply(y, n_rows, dtype=np.intp)
        right += np.arange(n_rows)
        e -= np.maximum.reduce(e)
        gap = -e.reshape(-1)[right]
        return np.exp(e, out=e), right, gap

    @staticmethod
    def _sums(e: Array, right: NDArray[np.intp]) -> tuple[Array, Array, Array]:
        """R, Σ − 1 and the e of the right classes; sets the latter to 0 in e."""
        flat = e.reshape(-1)
        right_e = flat[right]
        flat[right] = 0
        wrong_sum = np.add.reduce(e)
        return wrong_sum, wrong_sum + (right_e - 1), right_e

    def activations(self, z: Array) -> Array:
        return self.class_probabilities(z).T

    def class_probabilities(self, z: Array) -> Array:
        a = np.array(z.T, order="C")
        a -= np.maximum.reduce(a)
        np.exp(a, out=a)
        a /= np.add.reduce(a)
        return a

    def probabilities(self, z: Array) -> Array:
        return self.activations(z)

    def log_probabilities(self, z: Array) -> Array:
        largest = np.argmax(z, axis=1)[:, np.newaxis]
        shifted = z - np.take_along_axis(z, largest, axis=1)
        e = np.exp(shifted)
        np.put_along_axis(e, largest, 0, axis=1)
        return shifted - np.log1p(e.sum(axis=1, keepdims=True))

    def predict_codes(self, z: Array) -> NDArray[np.intp]:
        return np.argmax(z, axis=1)

    def is_correct(self, z: Array, y: NDArray[Any]) -> NDArray[np.bool_]:
        return np.argmax(z, axis=1) == y


def cross_entropy(n_classes: int) -> CrossEntropy:
    """Cross-entropy for ``n_classes`` classes."""
    if n_classes == 1:
        return SingleClass()
    return SigmoidCrossEntropy() if n_classes == 2 else SoftmaxCrossEntropy(n_classes)


# -- sums over the rows, along the last axis ---------------------------------------------

MAX_EXPONENT = 37.0
"""t from which log(1 + eᵗ) = t and eᵗ/(1 + eᵗ) = 1 in float64: e³⁷ > 2⁵³."""

FACTORS_PER_LOG = 16
"""Factors 1 + e in a product whose log is taken: (1 + e³⁷)¹⁷ does not overflow."""

MIN_ROWS_FOR_LOG_PRODUCT = 1024
"""Rows from which the log of products is faster than log1p of each row."""

MIN_MEAN_LOG_TERM = 1 / 32
"""Mean of log(1 + e) below which the rounding of 1 + e is too large."""


def _clipped_exp(t: Array, share: Array | float) -> tuple[Array, Any]:
    """exp(min(t, `MAX_EXPONENT`)), written over t, and Σ share · max(t − MAX_EXPONENT, 0)."""
    excess = 0.0
    if np.maximum.reduce(t, axis=None) > MAX_EXPONENT:
        excess = _weighted_sum(np.maximum(t - MAX_EXPONENT, 0), share)
        np.minimum(t, MAX_EXPONENT, out=t)
    return np.exp(t, out=t), excess


def _sum_of_logs(u: Array, e: Array, share: Array | float) -> Any:
    """Σ share · log(1 + e), where u = 1 + e, as accurate as the sum of log1p(e).

    The log of a product costs as much as the log of one factor. Its rounding error is about
    1e-16 a row, so log1p is used where the mean is small.
    """
    if u.shape[-1] < MIN_ROWS_FOR_LOG_PRODUCT:
        return _weighted_sum(np.log1p(e), share)
    if isinstance(share, np.ndarray):
        total = _weighted_sum(np.log(u), share)
        mass = np.add.reduce(share, axis=-1, dtype=np.float64)
    else:
        total, mass = share * _log_of_product(u), share * u.shape[-1]
    small = total < MIN_MEAN_LOG_TERM * mass
    if not small.any():
        return total
    return np.where(small, _weighted_sum(np.log1p(e), share), total)


def _log_of_product(u: Array) -> Any:
    """Σ log u, from products of `FACTORS_PER_LOG` factors."""
    width = u.shape[-1] // FACTORS_PER_LOG
    head, rest = u[..., : width * FACTORS_PER_LOG], u[..., width * FACTORS_PER_LOG :]
    factors = head.reshape(*u.shape[:-1], FACTORS_PER_LOG, width)
    products = np.multiply.reduce(factors, axis=-2, dtype=np.float64)
    products[..., : rest.shape[-1]] *= rest
    return np.add.reduce(np.log(products), axis=-1)


def _weighted_sum(values: Array, share: Array | float) -> Any:
    """Σ share · value, float64."""
    if isinstance(share, np.ndarray):
        return np.add.reduce(share * values, axis=-1, dtype=np.float64)
    return share * np.add.reduce(values, axis=-1, dtype=np.float64)


def _shaped(share: Array | float, shape: tuple[int, ...]) -> Array | float:
    """Reshape the shares if they are an array."""
    return share.reshape(shape) if isinstance(share, np.ndarray) else share
