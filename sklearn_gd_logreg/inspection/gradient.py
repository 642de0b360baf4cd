"""Gradient check: the gradient of the solver against differences of an independent cost."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import log_softmax
from sklearn.preprocessing import MaxAbsScaler

from .._floating import ignore_floating_errors
from .._text import shown
from .._typing import Array
from ..validation import Interval, InvalidParameterError
from .fitted import FittedObjective, objective_of

PARAMETER_INTERVALS = {
    "epsilon": Interval(0, 1, "()"),
    "max_directions": Interval(1, float("inf"), "[)", integral=True),
    "seed": Interval(0, 2**32 - 1, integral=True),
}


@ignore_floating_errors()
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
    r"""Compare the gradient of J with central differences of J.

    .. math::

        \frac{\|g - \hat g\|}{\|g\| + \|\hat g\|},

    .. math::

        \hat g_j = \frac{J(\theta + \varepsilon e_j) - J(\theta - \varepsilon e_j)}
            {2 \varepsilon}.

    Below 1e-7 the gradient is right, above 1e-3 it has a bug [1]_.

    g is the gradient that `GDLogisticRegression` uses, computed by its forward and backward pass
    in float64. The cost behind ĝ shares no code with it: it is X times w and SciPy's
    ``log_softmax``. Both leave out the L1 norm, which has no derivative at 0.

    At the minimum g is 0, and the relative difference of two zeros means nothing. So g and ĝ
    are taken at two points, the parameters of the model and random ones with scores of about 1.

    Parameters
    ----------
    model : GDLogisticRegression, LogisticRegression or Pipeline
        A fitted model, or a pipeline that ends in one. It defines J and the first point.
    X : {array-like, sparse matrix} of shape (n_samples, n_features)
        Data; a few hundred rows suffice.
    y : array-like of shape (n_samples,)
        Labels, with every class of the model.
    sample_weight : array-like of shape (n_samples,), default=None
        Weights of the rows.
    epsilon : float, default=1e-5
        Step ε of the differences, in (0, 1): a step changes a score by about ε at most. Each
        parameter, in g too, is scaled by √(max x² + λ(1 − ρ)), so that J has a similar
        curvature along all; otherwise a feature on a large scale would hide the others.
    max_directions : int, default=200
        Up to this number of parameters, each is changed separately. Beyond it, g is compared
        along this number of random directions, which change all parameters at once.
    seed : int, default=0
        Seed of the random parameters and directions.

    Returns
    -------
    float
        The relative difference above, in [0, 1].

    Raises
    ------
    ValueError
        If a parameter is out of range, or `GDLogisticRegression` has no J for the model or the
        data.

    References
    ----------
    .. [1] Ng, "Gradient checking", in "Improving deep neural networks", deeplearning.ai (2017).

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn_gd_logreg import GDLogisticRegression, gradient_check
    >>> X, y = load_iris(return_X_y=True)
    >>> print(gradient_check(GDLogisticRegression().fit(X, y), X, y) < 1e-7)
    True
    """
    check_parameters(epsilon=epsilon, max_directions=max_directions, seed=seed)
    fitted = objective_of(model, X, y, sample_weight)
    reference, rng = ReferenceCost.of(fitted), np.random.default_rng(seed)
    scale = reference.scale()
    random = rng.standard_normal(fitted.w.shape) / np.sqrt(len(fitted.w))
    directions = list(unit_directions(fitted.w.shape, max_directions, rng))
    g, differences = [], []
    for w in (fitted.w, random / scale):
        gradient = fitted.objective.loss_and_gradient(w)[1]
        g += [np.vdot(gradient, v / scale) for v in directions]
        steps = [epsilon * v / scale for v in directions]
        differences += [reference.difference(w, step) / (2 * epsilon) for step in steps]
    size = float(np.linalg.norm(g) + np.linalg.norm(differences))
    return float(np.linalg.norm(np.subtract(g, differences))) / size if size else 0.0


def check_parameters(**values: object) -> None:
    """Raise for the first argument outside its interval."""
    for name, value in values.items():
        if value not in PARAMETER_INTERVALS[name]:
            raise InvalidParameterError(
                f"{name} must be {PARAMETER_INTERVALS[name]}. Got {shown(value)} instead."
            )


@dataclass(frozen=True)
class ReferenceCost:
    """The smooth part of J, implemented with SciPy independently of `Objective`.

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
    def of(cls, fitted: FittedObjective) -> ReferenceCost:
        """Return the cost of a fitted model."""
        data, l2 = fitted.objective.data, fitted.objective.penalty.l2
        share = np.ravel(data.share) if isinstance(data.share, np.ndarray) else data.share
        X = data.X.astype(np.float64, copy=False)
        n_classes = int(np.count_nonzero(fitted.present))
        return cls(X, fitted.codes, n_classes, share, l2, data.intercept)

    def scale(self) -> Array:
        """Return √(max x² + l2) of every feature, and 1 for the intercept.

        In these units the curvature of J along a parameter is at most about 1.
        """
        scale = np.hypot(MaxAbsScaler().fit(self.X).max_abs_, np.sqrt(self.l2))
        scale[scale == 0] = 1
        return np.append(scale, np.ones(int(self.intercept)))[:, np.newaxis]

    def difference(self, w: Array, v: Array) -> float:
        """Return J(w + v) − J(w − v), summed row by row: a difference of sums loses digits."""
        losses = self._losses(w + v) - self._losses(w - v)
        plus, minus = self._weights(w + v), self._weights(w - v)
        squares = np.sum((plus - minus) * (plus + minus)) if self.l2 else 0.0
        return float(np.sum(self.share * losses) + self.l2 / 2 * squares)

    def _losses(self, w: Array) -> Array:
        n_rows, n_outputs = len(self.codes), w.shape[1]
        scores = np.zeros((n_rows, self.n_classes))
        scores[:, -n_outputs:] = self.X @ self._weights(w) + w[self.X.shape[1] :].sum(axis=0)
        return -log_softmax(scores, axis=1)[np.arange(n_rows), self.codes]

    def _weights(self, w: Array) -> Array:
        return w[: self.X.shape[1]]


def unit_directions(
    shape: tuple[int, ...], max_directions: int, rng: np.random.Generator
) -> Iterator[Array]:
    """Yield each unit vector; beyond ``max_directions``, random signs scaled to length 1."""
    size = int(np.prod(shape))
    if size <= max_directions:
        yield from np.eye(size).reshape(size, *shape)
    else:
        for _ in range(max_directions):
            yield rng.choice([-1.0, 1.0], shape) / np.sqrt(size)
