"""The loss ℒ(a, y) = −Σ_c [y = c] log a_c of a block of scores, and its derivative dz.

Two classes need one score: a = σ(z), the other class has 1 − a. K > 2 classes
have K scores: a = softmax(z). Both classes below answer the same questions, and
nothing outside this file asks how many classes there are.

Conventions: z has shape (m, n_outputs), the loss (m, 1), dz = a − y that of z.
"""

from abc import ABC, abstractmethod
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
        Number of scores of a row: 1 for two classes, K for K > 2.
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

    @abstractmethod
    def targets(self, codes: NDArray[np.intp], dtype: np.dtype[np.floating]) -> NDArray[Any]:
        """Class numbers 0 … K−1 in the form in which `loss_and_dz` wants y."""

    @abstractmethod
    def loss_and_dz(self, z: Array, y: NDArray[Any]) -> tuple[Array, Array]:
        """Forward and backward through the loss: ℒ (m, 1) and dz = a − y (m, n_outputs)."""

    @abstractmethod
    def activations(self, z: Array) -> Array:
        """a: the probability of each class that has a score, shape of z."""

    @abstractmethod
    def probabilities(self, z: Array) -> Array:
        """Probability of every class, shape (m, n_classes)."""

    @abstractmethod
    def log_probabilities(self, z: Array) -> Array:
        """Logarithm of `probabilities`, exact where they underflow."""

    @abstractmethod
    def decide(self, z: Array) -> NDArray[np.intp]:
        """Number of the most probable class, shape (m,)."""


class SigmoidCrossEntropy(CrossEntropy):
    """Two classes: a = σ(z), ℒ = −(y log a + (1−y) log(1−a)).

    Everything comes from one e = exp(−|z|) ≤ 1, which cannot overflow:
    ℒ = log(1 + e) + max(z, 0) − y z, and a = 1/(1+e) or e/(1+e) by the sign of z.
    The difference a − y is written as one quotient, without cancellation.
    """

    n_outputs = 1
    smoothness = 0.25
    uniform_loss = log(2)
    redundancy = np.zeros((1, 1))

    def targets(self, codes: NDArray[np.intp], dtype: np.dtype[np.floating]) -> Array:
        return codes.astype(dtype)[:, np.newaxis]

    def loss_and_dz(self, z: Array, y: NDArray[Any]) -> tuple[Array, Array]:
        e = np.exp(-np.abs(z))
        loss = np.log1p(e) + np.maximum(z, 0) - y * z
        dz = np.where(z >= 0, (1 - y) - y * e, (1 - y) * e - y) / (1 + e)
        return loss, dz

    def activations(self, z: Array) -> Array:
        return expit(z)

    def probabilities(self, z: Array) -> Array:
        return np.hstack([expit(-z), expit(z)])

    def log_probabilities(self, z: Array) -> Array:
        return np.hstack([log_expit(-z), log_expit(z)])

    def decide(self, z: Array) -> NDArray[np.intp]:
        return (z[:, 0] > 0).astype(np.intp)


class SoftmaxCrossEntropy(CrossEntropy):
    """K > 2 classes: a = softmax(z), ℒ = −log a_y, one full symmetric softmax.

    The largest score of a row is subtracted first. Its own term, e⁰ = 1, is kept
    out of the sum of the others, so that log(1 + rest) is exact when they vanish.

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

    def targets(self, codes: NDArray[np.intp], dtype: np.dtype[np.floating]) -> NDArray[np.intp]:
        return codes

    def loss_and_dz(self, z: Array, y: NDArray[Any]) -> tuple[Array, Array]:
        log_a, a = self._log_and_activations(z)
        right = y[:, np.newaxis]
        loss = -np.take_along_axis(log_a, right, axis=1)
        np.put_along_axis(a, right, np.take_along_axis(a, right, axis=1) - 1, axis=1)
        return loss, a

    def activations(self, z: Array) -> Array:
        return self._log_and_activations(z)[1]

    def probabilities(self, z: Array) -> Array:
        return self.activations(z)

    def log_probabilities(self, z: Array) -> Array:
        return self._log_and_activations(z)[0]

    def decide(self, z: Array) -> NDArray[np.intp]:
        return np.argmax(z, axis=1)

    @staticmethod
    def _log_and_activations(z: Array) -> tuple[Array, Array]:
        top = np.argmax(z, axis=1)[:, np.newaxis]
        below = z - np.take_along_axis(z, top, axis=1)
        a = np.exp(below)
        np.put_along_axis(a, top, 0, axis=1)
        rest = a.sum(axis=1, keepdims=True)
        np.put_along_axis(a, top, 1, axis=1)
        a /= 1 + rest
        return below - np.log1p(rest), a


def cross_entropy(n_classes: int) -> CrossEntropy:
    """The cross-entropy for this number of classes."""
    return SigmoidCrossEntropy() if n_classes == 2 else SoftmaxCrossEntropy(n_classes)
