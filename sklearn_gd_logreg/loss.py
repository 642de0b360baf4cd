"""The loss ℒ(a, y) = −Σ_c [y = c] log a_c of a block of scores, and its derivative dz.

Two classes need one score: a = σ(z), the other class has 1 − a. K > 2 classes
have K scores: a = softmax(z). The classes below answer the same questions, and
nothing outside this file asks how many classes there are.

Conventions: z and dz = a − y have shape (m, n_outputs). The loss is a number, the sum
over the rows, each with its share; dz has the shares in it too.
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
        Number of scores of a row: 1 for two classes or one, K for K > 2.
    smoothness : float
        Largest eigenvalue that d²ℒ/dz² can have.
    uniform_loss : float
        ℒ where all classes are as likely, ln K: the cost at w = 0 without a penalty.
    redundancy : array of shape (n_outputs, n_outputs)
        Projector on the changes of the scores that change no probability.
    """

    n_outputs: int
    smoothness: ClassVar[float]
    uniform_loss: float
    redundancy: Array

    def without_shared(self, v: Array) -> Array:
        """Weights, or scores, without the part that changes no probability; in their precision."""
        return v

    @abstractmethod
    def targets(self, codes: NDArray[np.intp]) -> NDArray[Any]:
        """Class numbers 0 … K−1 in the form in which the loss wants y: a byte where it does."""

    @abstractmethod
    def loss_and_dz(self, z: Array, y: NDArray[Any], share: Array | float) -> tuple[float, Array]:
        """Forward and backward through the loss; z is left as it is.

        Parameters
        ----------
        z : array of shape (m, n_outputs)
        y : array of m entries
            Some of the `targets`.
        share : array of shape (m, 1) or float

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
        """`loss_and_dz` of each of some blocks of as many rows, with the same bits."""
        length = len(z) // n_blocks
        for start in range(0, len(z), length):
            part = slice(start, start + length)
            own = share[part] if isinstance(share, np.ndarray) else share
            yield self.loss_and_dz(z[part], y[part], own)

    @abstractmethod
    def loss_dz_and_a(
        self, z: Array, y: NDArray[Any], share: Array | float
    ) -> tuple[float, Array, Array]:
        """`loss_and_dz`, and from the same exponentials the a of every class.

        They come as lines, shape (n_classes, m); for two classes as that of the wrong and
        that of the right one.
        """

    @abstractmethod
    def loss_sum(self, z: Array, y: NDArray[Any], share: Array | float) -> float:
        """Σ share · ℒ alone, the same number as from `loss_and_dz`."""

    @abstractmethod
    def activations(self, z: Array) -> Array:
        """a: the probability of each class that has a score, shape of z."""

    @abstractmethod
    def lines(self, z: Array) -> Array:
        """The `probabilities`, a line for each class: shape (n_classes, m)."""

    @abstractmethod
    def probabilities(self, z: Array) -> Array:
        """Probability of every class, shape (m, n_classes)."""

    @abstractmethod
    def log_probabilities(self, z: Array) -> Array:
        """Logarithm of `probabilities`, exact where they underflow."""

    @abstractmethod
    def decide(self, z: Array) -> NDArray[np.intp]:
        """Number of the most probable class, shape (m,)."""

    @abstractmethod
    def hits(self, z: Array, y: NDArray[Any]) -> NDArray[np.bool_]:
        """Whether the most probable class is that of the `targets` y, shape (m,)."""


class SigmoidCrossEntropy(CrossEntropy):
    """Two classes: a = σ(z), ℒ = −(y log a + (1−y) log(1−a)).

    With the score against the right class, t = −z for y = 1 and t = z for y = 0, both
    classes are one case: ℒ = log(1 + eᵗ), and dz = ±σ(t) = ±eᵗ/(1 + eᵗ) is a − y without
    a difference. One eᵗ serves both. As y the sign is kept, dt/dz = ∓1.
    """

    n_outputs = 1
    smoothness = 0.25
    uniform_loss = log(2)
    redundancy = np.zeros((1, 1))

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
        """The sum of ℒ along the last axis, with the rows in this shape; dz as a column."""
        share, sign = _shaped(share, shape), y.reshape(shape).astype(z.dtype)
        e, beyond = _capped_exp(sign * z.reshape(shape), share)
        u = 1 + e
        losses = beyond + _sum_of_logs(u, e, share)
        dz = np.divide(share, u, out=u)
        dz *= e
        dz *= sign
        return losses, dz.reshape(-1, 1)

    def loss_dz_and_a(
        self, z: Array, y: NDArray[Any], share: Array | float
    ) -> tuple[float, Array, Array]:
        share, sign = _shaped(share, (-1,)), y.reshape(-1).astype(z.dtype)
        e, beyond = _capped_exp(sign * z.reshape(-1), share)
        u = 1 + e
        loss = float(beyond + _sum_of_logs(u, e, share))
        right = np.divide(1, u, out=u)
        wrong = e * right
        sign *= share
        return loss, (wrong * sign).reshape(-1, 1), np.concatenate((wrong, right)).reshape(2, -1)

    def loss_sum(self, z: Array, y: NDArray[Any], share: Array | float) -> float:
        share = _shaped(share, (-1,))
        e, beyond = _capped_exp(y.reshape(-1).astype(z.dtype) * z.reshape(-1), share)
        return float(beyond + _sum_of_logs(1 + e, e, share))

    def activations(self, z: Array) -> Array:
        return expit(z)

    def lines(self, z: Array) -> Array:
        return np.concatenate((expit(-z.T), expit(z.T)))

    def probabilities(self, z: Array) -> Array:
        return np.hstack([expit(-z), expit(z)])

    def log_probabilities(self, z: Array) -> Array:
        return np.hstack([log_expit(-z), log_expit(z)])

    def decide(self, z: Array) -> NDArray[np.intp]:
        return (z[:, 0] > 0).astype(np.intp)

    def hits(self, z: Array, y: NDArray[Any]) -> NDArray[np.bool_]:
        return (z[:, 0] > 0) == (y[:, 0] < 0)


class CertainClass(SigmoidCrossEntropy):
    """One class: its probability is 1 and ℒ = 0, whatever the score, which nothing changes."""

    uniform_loss = 0.0
    redundancy = np.ones((1, 1))

    def without_shared(self, v: Array) -> Array:
        return np.zeros_like(v)

    def targets(self, codes: NDArray[np.intp]) -> NDArray[np.int8]:
        return np.full((len(codes), 1), -1, np.int8)

    def _losses_and_dz(
        self, z: Array, y: NDArray[Any], share: Array | float, shape: tuple[int, ...]
    ) -> tuple[Any, Array]:
        return np.zeros(shape[:-1]), np.zeros_like(z)

    def loss_dz_and_a(
        self, z: Array, y: NDArray[Any], share: Array | float
    ) -> tuple[float, Array, Array]:
        return 0.0, np.zeros_like(z), self.lines(z)

    def loss_sum(self, z: Array, y: NDArray[Any], share: Array | float) -> float:
        return 0.0

    def activations(self, z: Array) -> Array:
        return np.ones_like(z)

    def lines(self, z: Array) -> Array:
        return np.concatenate((np.zeros_like(z.T), np.ones_like(z.T)))

    def hits(self, z: Array, y: NDArray[Any]) -> NDArray[np.bool_]:
        return np.ones(len(z), np.bool_)


class SoftmaxCrossEntropy(CrossEntropy):
    """K > 2 classes: a = softmax(z), ℒ = −log a_y, one full symmetric softmax.

    With the gap g = max z − z_y ≥ 0 and e = exp(z − max z), Σ the sum of all e and R of
    those of the wrong classes: ℒ = g + log Σ, and dz = e/Σ, but for the right class
    −R/Σ, which is a − 1 without a difference. Where the right class has the highest score,
    log Σ = log(1 + R), exact however small.

    Inside, classes are rows: operations along the classes then run over long lines.

    Parameters
    ----------
    n_classes : int
        K.
    """

    smoothness = 0.5

    def __init__(self, n_classes: int) -> None:
        self.n_outputs = n_classes
        self.uniform_loss = log(n_classes)
        self.redundancy = np.full((n_classes, n_classes), 1 / n_classes)

    def without_shared(self, v: Array) -> Array:
        own: Array = v - np.add.reduce(v, axis=1, keepdims=True) / v.shape[1]
        return own

    def targets(self, codes: NDArray[np.intp]) -> NDArray[Any]:
        return codes.astype(np.min_scalar_type(self.n_outputs - 1))

    def loss_and_dz(self, z: Array, y: NDArray[Any], share: Array | float) -> tuple[float, Array]:
        share = _shaped(share, (-1,))
        e, right, gap = self._exponentials(z, y)
        rest, others = self._sums(e, right)[:2]
        total = 1 + others
        loss = float(_weighted_sum(gap, share) + _sum_of_logs(total, others, share))
        scale = share / total
        e *= scale
        e.reshape(-1)[right] = -rest * scale
        return loss, e.T

    def loss_dz_and_a(
        self, z: Array, y: NDArray[Any], share: Array | float
    ) -> tuple[float, Array, Array]:
        share = _shaped(share, (-1,))
        e, right, gap = self._exponentials(z, y)
        rest, others, own = self._sums(e, right)
        total = 1 + others
        loss = float(_weighted_sum(gap, share) + _sum_of_logs(total, others, share))
        e /= total
        dz = share * e
        dz.reshape(-1)[right] = -rest * (share / total)
        e.reshape(-1)[right] = own / total
        return loss, dz.T, e

    def loss_sum(self, z: Array, y: NDArray[Any], share: Array | float) -> float:
        share = _shaped(share, (-1,))
        e, right, gap = self._exponentials(z, y)
        others = self._sums(e, right)[1]
        return float(_weighted_sum(gap, share) + _sum_of_logs(1 + others, others, share))

    @staticmethod
    def _exponentials(z: Array, y: NDArray[Any]) -> tuple[Array, NDArray[np.intp], Array]:
        """The e of shape (K, m), the places of the right classes in ``e.ravel()``, and g."""
        n_rows = len(z)
        e = np.array(z.T, order="C")
        right = np.multiply(y, n_rows, dtype=np.intp)
        right += np.arange(n_rows)
        e -= np.maximum.reduce(e)
        gap = -e.reshape(-1)[right]
        return np.exp(e, out=e), right, gap

    @staticmethod
    def _sums(e: Array, right: NDArray[np.intp]) -> tuple[Array, Array, Array]:
        """R, Σ − 1 without the 1, and the e of the right classes, which are taken out of e."""
        flat = e.reshape(-1)
        own = flat[right]
        flat[right] = 0
        rest = np.add.reduce(e)
        return rest, rest + (own - 1), own

    def activations(self, z: Array) -> Array:
        return self.lines(z).T

    def lines(self, z: Array) -> Array:
        a = np.array(z.T, order="C")
        a -= np.maximum.reduce(a)
        np.exp(a, out=a)
        a /= np.add.reduce(a)
        return a

    def probabilities(self, z: Array) -> Array:
        return self.activations(z)

    def log_probabilities(self, z: Array) -> Array:
        top = np.argmax(z, axis=1)[:, np.newaxis]
        below = z - np.take_along_axis(z, top, axis=1)
        e = np.exp(below)
        np.put_along_axis(e, top, 0, axis=1)
        return below - np.log1p(e.sum(axis=1, keepdims=True))

    def decide(self, z: Array) -> NDArray[np.intp]:
        return np.argmax(z, axis=1)

    def hits(self, z: Array, y: NDArray[Any]) -> NDArray[np.bool_]:
        return np.argmax(z, axis=1) == y


def cross_entropy(n_classes: int) -> CrossEntropy:
    """The cross-entropy for this number of classes."""
    if n_classes == 1:
        return CertainClass()
    return SigmoidCrossEntropy() if n_classes == 2 else SoftmaxCrossEntropy(n_classes)


# -- sums over the rows, along the last axis ---------------------------------------------

CAP = 37.0
"""From here on log(1 + eᵗ) is t to the last digit, and eᵗ/(1 + eᵗ) is 1."""

FACTORS = 16
"""How many 1 + e are multiplied before the log is taken: 17 times e³⁷ is no overflow."""

MIN_ROWS_FOR_LOG_PRODUCT = 1024
"""Number of rows below which that does not pay."""

MIN_MEAN_LOG_TERM = 1 / 32
"""Mean of log(1 + e) below which the rounding of 1 + e would show."""


def _capped_exp(t: Array, share: Array | float) -> tuple[Array, Any]:
    """eᵗ with t cut off at `CAP`, written over t; and Σ share · (what was cut off)."""
    beyond = 0.0
    if np.maximum.reduce(t, axis=None) > CAP:
        beyond = _weighted_sum(np.maximum(t - CAP, 0), share)
        np.minimum(t, CAP, out=t)
    return np.exp(t, out=t), beyond


def _sum_of_logs(u: Array, e: Array, share: Array | float) -> Any:
    """Σ share · log(1 + e), where u = 1 + e; as exact as the sum of log1p.

    A log of a product costs as much as the log of one factor. Its rounding errors are
    some 1e-16 a row, so where the mean is small it is log1p all the same.
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
    """Σ log u, from products of `FACTORS` factors."""
    width = u.shape[-1] // FACTORS
    whole, left = u[..., : width * FACTORS], u[..., width * FACTORS :]
    factors = whole.reshape(*u.shape[:-1], FACTORS, width)
    products = np.multiply.reduce(factors, axis=-2, dtype=np.float64)
    products[..., : left.shape[-1]] *= left
    return np.add.reduce(np.log(products), axis=-1)


def _weighted_sum(values: Array, share: Array | float) -> Any:
    """Σ share · value, float64."""
    if isinstance(share, np.ndarray):
        return np.add.reduce(share * values, axis=-1, dtype=np.float64)
    return share * np.add.reduce(values, axis=-1, dtype=np.float64)


def _shaped(share: Array | float, shape: tuple[int, ...]) -> Array | float:
    return share.reshape(shape) if isinstance(share, np.ndarray) else share
