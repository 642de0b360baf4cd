"""Cross-entropy of scores in another library than NumPy, by the array API standard.

The formulas are those of `loss.py`, without its shortcuts for processors: nothing overflows, no
difference cancels digits, and sums are in float64. Numbers stay on the device of the scores.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ._namespace import astype, namespace, numpy_dtype
from ._typing import Array
from .loss import CrossEntropy, SigmoidCrossEntropy, SingleClass, SoftmaxCrossEntropy


class ArrayApiSigmoid(SigmoidCrossEntropy):
    """Two classes. y has the sign dt/dz, in the dtype of X, of shape (m, 1)."""

    def targets(self, codes: Any) -> Any:
        return astype(codes == 0, np.float32)[:, None] * 2 - 1

    def loss_and_dz(self, z: Array, y: Any, share: Any) -> tuple[Any, Array]:
        sign, t, e = self._exponentials(z, y)
        wrong = self._wrong(t, e)
        return self._weighted_loss(t, e, share), share * wrong * sign

    def loss_dz_and_probabilities(self, z: Array, y: Any, share: Any) -> tuple[Any, Array, Array]:
        sign, t, e = self._exponentials(z, y)
        wrong = self._wrong(t, e)
        a = namespace(z).stack((wrong[:, 0], self._wrong(-t, e)[:, 0]))
        return self._weighted_loss(t, e, share), share * wrong * sign, a

    def loss_sum(self, z: Array, y: Any, share: Any) -> Any:
        _, t, e = self._exponentials(z, y)
        return self._weighted_loss(t, e, share)

    @staticmethod
    def _exponentials(z: Array, y: Any) -> tuple[Array, Array, Array]:
        """The signs dt/dz, t, and exp(−|t|); the probability of the wrong class is σ(t)."""
        xp, sign = namespace(z), astype(y, numpy_dtype(z))
        t = sign * z
        return sign, t, xp.exp(-xp.abs(t))

    @staticmethod
    def _wrong(t: Array, e: Array) -> Array:
        """σ(t), with e = exp(−|t|)."""
        inverse = 1 / (1 + e)
        return namespace(t).where(t > 0, inverse, e * inverse)

    @staticmethod
    def _weighted_loss(t: Array, e: Array, share: Any) -> Any:
        """Σ share · log(1 + exp(t)), with e = exp(−|t|)."""
        xp = namespace(t)
        losses = xp.log1p(e) + xp.clip(t, min=0)
        if isinstance(share, float):
            return share * xp.sum(losses, dtype=xp.float64)
        return xp.sum(share * losses, dtype=xp.float64)

    def activations(self, z: Array) -> Array:
        xp = namespace(z)
        e = xp.exp(-xp.abs(z))
        return xp.where(z > 0, 1 / (1 + e), e / (1 + e))

    def class_probabilities(self, z: Array) -> Array:
        xp = namespace(z)
        return xp.stack((self.activations(-z)[:, 0], self.activations(z)[:, 0]))

    def probabilities(self, z: Array) -> Array:
        return self.class_probabilities(z).T

    def log_probabilities(self, z: Array) -> Array:
        xp = namespace(z)
        low = xp.log1p(xp.exp(-xp.abs(z[:, 0])))
        positive = xp.clip(z[:, 0], min=0)
        return xp.stack((-low - positive, z[:, 0] - low - positive), axis=1)

    def predict_codes(self, z: Array) -> Any:
        return astype(z[:, 0] > 0, np.int64)

    def is_correct(self, z: Array, y: Any) -> Any:
        return (z[:, 0] > 0) == (y[:, 0] < 0)


class ArrayApiSingleClass(SingleClass):
    """One class: its probability is 1, ℒ = 0 and dz = 0 for every score."""

    def targets(self, codes: Any) -> Any:
        return -astype(codes == codes, np.float32)[:, None]

    def loss_and_dz(self, z: Array, y: Any, share: Any) -> tuple[Any, Array]:
        return 0.0, 0 * z

    def loss_dz_and_probabilities(self, z: Array, y: Any, share: Any) -> tuple[Any, Array, Array]:
        return 0.0, 0 * z, self.class_probabilities(z)

    def loss_sum(self, z: Array, y: Any, share: Any) -> Any:
        return 0.0

    def activations(self, z: Array) -> Array:
        return 0 * z + 1

    def class_probabilities(self, z: Array) -> Array:
        return namespace(z).concat((0 * z.T, 0 * z.T + 1))

    def is_correct(self, z: Array, y: Any) -> Any:
        return y[:, 0] == y[:, 0]


class ArrayApiSoftmax(SoftmaxCrossEntropy):
    """K > 2 classes. y has the class numbers, of shape (m,)."""

    def targets(self, codes: Any) -> Any:
        return codes

    def loss_and_dz(self, z: Array, y: Any, share: Any) -> tuple[Any, Array]:
        loss, dz, _ = self.loss_dz_and_probabilities(z, y, share)
        return loss, dz

    def loss_dz_and_probabilities(self, z: Array, y: Any, share: Any) -> tuple[Any, Array, Array]:
        """As `CrossEntropy.loss_dz_and_probabilities`; a_r − 1 is −Σ_{c ≠ r} e_c / S."""
        xp = namespace(z)
        loss, hot, e, total = self._loss_and_exponentials(z, y, share)
        a = e / total
        wrong = xp.sum(e * (1 - hot), axis=1, keepdims=True) / total
        return loss, share * (a * (1 - hot) - hot * wrong), a.T

    def loss_sum(self, z: Array, y: Any, share: Any) -> Any:
        return self._loss_and_exponentials(z, y, share)[0]

    def _loss_and_exponentials(
        self, z: Array, y: Any, share: Any
    ) -> tuple[Any, Array, Array, Array]:
        """Loss; 1 for the right class r of each row, else 0; e; and S.

        With e_c = exp(z_c − max z) and S = Σ e, ℒ = log1p(Σ_{c ≠ m} e_c) + max z − z_r, where m is
        a class of largest score.
        """
        xp = namespace(z)
        hot = self._hot(z, y)
        largest = xp.max(z, axis=1, keepdims=True)
        e = xp.exp(z - largest)
        first = self._hot(z, xp.argmax(z, axis=1))
        others = xp.sum(e * (1 - first), axis=1, keepdims=True)
        gap = xp.sum(hot * (largest - z), axis=1, keepdims=True)
        loss = xp.sum(share * (xp.log1p(others) + gap), dtype=xp.float64)
        return loss, hot, e, 1 + others

    def _hot(self, z: Array, y: Any) -> Array:
        """1 for the class y of each row, else 0; shape and dtype of z."""
        xp = namespace(z)
        numbers = xp.arange(z.shape[1], dtype=y.dtype, device=z.device)
        return astype(y[:, None] == numbers[None, :], numpy_dtype(z))

    def activations(self, z: Array) -> Array:
        xp = namespace(z)
        e = xp.exp(z - xp.max(z, axis=1, keepdims=True))
        return e / xp.sum(e, axis=1, keepdims=True)

    def class_probabilities(self, z: Array) -> Array:
        return self.activations(z).T

    def log_probabilities(self, z: Array) -> Array:
        xp = namespace(z)
        shifted = z - xp.max(z, axis=1, keepdims=True)
        first = self._hot(z, xp.argmax(z, axis=1))
        return shifted - xp.log1p(xp.sum(xp.exp(shifted) * (1 - first), axis=1, keepdims=True))

    def predict_codes(self, z: Array) -> Any:
        return namespace(z).argmax(z, axis=1)

    def is_correct(self, z: Array, y: Any) -> Any:
        return namespace(z).argmax(z, axis=1) == y


def array_api_cross_entropy(n_classes: int) -> CrossEntropy:
    """Cross-entropy for ``n_classes`` classes."""
    if n_classes == 1:
        return ArrayApiSingleClass()
    return ArrayApiSigmoid() if n_classes == 2 else ArrayApiSoftmax(n_classes)
