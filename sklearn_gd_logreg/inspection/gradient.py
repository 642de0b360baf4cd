"""The gradient that descends, beside differences of a cost that is worked out another way."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import log_softmax
from sklearn.preprocessing import MaxAbsScaler

from .._floating import ignoring
from .._text import shown
from .._typing import Array
from ..validation import Interval, InvalidParameterError
from .fitted import Fitted, settle

LIMITS = {
    "epsilon": Interval(0, 1, "()"),
    "max_directions": Interval(1, float("inf"), "[)", integral=True),
    "seed": Interval(0, 2**32 - 1, integral=True),
}


@ignoring()
def gradient_check(
    model: Any,
    X: Any,
    y: Any,
    sample_weight: ArrayLike | None = None,
    *,
    epsilon: float = 1e-5,
    max_directions: int = 200,
    seed: int = 0,
) -> float:
    r"""Relative difference of the gradient of J from central differences of J.

    .. math::

        \frac{\|g - \hat g\|}{\|g\| + \|\hat g\|}, \qquad
        \hat g_j = \frac{J(\theta + \varepsilon e_j) - J(\theta - \varepsilon e_j)}
            {2 \varepsilon}.

    The course's rule: below 1e-7 the gradient is right, above 1e-3 it has a bug.

    g is what `GDLogisticRegression` descends along, from the package's own forward and backward
    pass, in float64. The cost that ĝ is made of shares no code with it: X times w, and SciPy's
    ``log_softmax``. Both leave out the L1 norm, which has no derivative.

    At the minimum g is 0, and the relative difference of two zeros says nothing. So g and ĝ
    each hold the gradient at two points: the parameters of the model, and random ones that give
    scores of about 1.

    Parameters
    ----------
    model : GDLogisticRegression, LogisticRegression or Pipeline
        Fitted; or a pipeline that ends in one. It says what J is, and where to begin.
    X : {array-like, sparse matrix} of shape (n_samples, n_features)
        Rows; some hundred will do.
    y : array-like of shape (n_samples,)
        Their labels, each of the model's among them.
    sample_weight : array-like of shape (n_samples,), default=None
        Their weights.
    epsilon : float, default=1e-5
        Length of a difference, in (0, 1): about the most by which it changes a score. Each
        parameter, in g too, is measured in the unit in which it bends J as much as the others
        at most, √(max x² + λ(1 − ρ)); else a feature on a large scale would hide the rest.
    max_directions : int, default=200
        Up to so many parameters, each is changed by itself. If there are more, g is compared
        along so many random directions, which change all of them at once.
    seed : int, default=0
        Of the random parameters and directions.

    Returns
    -------
    float

    Raises
    ------
    ValueError
        If a parameter is out of range, or the model or the data are none that
        `GDLogisticRegression` has a J for.

    References
    ----------
    Ng, "Gradient checking", in "Improving deep neural networks", deeplearning.ai (2017).

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn_gd_logreg import GDLogisticRegression, gradient_check
    >>> X, y = load_iris(return_X_y=True)
    >>> print(gradient_check(GDLogisticRegression().fit(X, y), X, y) < 1e-7)
    True
    """
    check_limits(epsilon=epsilon, max_directions=max_directions, seed=seed)
    fitted = settle(model, X, y, sample_weight)
    cost, rng = Cost.of(fitted), np.random.default_rng(seed)
    scale, noise = cost.scale(), rng.standard_normal(fitted.w.shape) / np.sqrt(len(fitted.w))
    chosen = list(directions(fitted.w.shape, max_directions, rng))
    g, differences = [], []
    for w in (fitted.w, noise / scale):
        gradient = fitted.objective.loss_and_gradient(w)[1]
        g += [np.vdot(gradient, v / scale) for v in chosen]
        differences += [cost.change(w, epsilon * v / scale) / (2 * epsilon) for v in chosen]
    size = float(np.linalg.norm(g) + np.linalg.norm(differences))
    return float(np.linalg.norm(np.subtract(g, differences))) / size if size else 0.0


def check_limits(**values: object) -> None:
    """Raise for the first argument that is out of its interval."""
    for name, value in values.items():
        if value not in LIMITS[name]:
            raise InvalidParameterError(
                f"{name} must be {LIMITS[name]}. Got {shown(value)} instead."
            )


@dataclass(frozen=True)
class Cost:
    """The smooth part of J once more, from SciPy, so that no error is made twice.

    Attributes
    ----------
    X : matrix of shape (n_rows, n_features), float64
    codes : array of shape (n_rows,)
    n_classes : int
    share : array of shape (n_rows,) or float
    l2 : float
    intercept : bool
    """

    X: Any
    codes: NDArray[np.signedinteger]
    n_classes: int
    share: Array | float
    l2: float
    intercept: bool

    @classmethod
    def of(cls, fitted: Fitted) -> Cost:
        """That of a fitted model."""
        data, l2 = fitted.objective.data, fitted.objective.penalty.l2
        share = np.ravel(data.share) if isinstance(data.share, np.ndarray) else data.share
        X = data.X.astype(np.float64, copy=False)
        n_classes = int(np.count_nonzero(fitted.present))
        return cls(X, fitted.codes, n_classes, share, l2, data.intercept)

    def scale(self) -> Array:
        """Unit of every parameter, in which J has a curvature of at most about 1.

        The root of the sum of the largest x² and of l2; 1 for the intercept.
        """
        scale = np.hypot(MaxAbsScaler().fit(self.X).max_abs_, np.sqrt(self.l2))
        scale[scale == 0] = 1
        return np.append(scale, np.ones(int(self.intercept)))[:, np.newaxis]

    def change(self, w: Array, v: Array) -> float:
        """J(w + v) − J(w − v), row by row, since a difference of two sums has fewer digits."""
        losses = self._losses(w + v) - self._losses(w - v)
        after, before = self._weights(w + v), self._weights(w - v)
        ridge = np.sum((after - before) * (after + before)) if self.l2 else 0.0
        return float(np.sum(self.share * losses) + self.l2 / 2 * ridge)

    def _losses(self, w: Array) -> Array:
        n_rows, n_outputs = len(self.codes), w.shape[1]
        scores = np.zeros((n_rows, self.n_classes))
        scores[:, -n_outputs:] = self.X @ self._weights(w) + w[self.X.shape[1] :].sum(axis=0)
        return -log_softmax(scores, axis=1)[np.arange(n_rows), self.codes]

    def _weights(self, w: Array) -> Array:
        return w[: self.X.shape[1]]


def directions(shape: tuple[int, ...], most: int, rng: np.random.Generator) -> Iterator[Array]:
    """Each parameter by itself; or, of too many, random signs of all, of length 1."""
    size = int(np.prod(shape))
    if size <= most:
        yield from np.eye(size).reshape(size, *shape)
    else:
        for _ in range(most):
            yield rng.choice([-1.0, 1.0], shape) / np.sqrt(size)
