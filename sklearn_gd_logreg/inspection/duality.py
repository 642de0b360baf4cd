"""How far above its minimum the cost of a fitted model is, at most."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import islice
from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .._floating import ignoring
from .._typing import Array
from ..data import Rows, own_threads
from ..descent import descend, first_iterate
from ..objective import Point
from ..rules import NaturalGradient
from ..rules.base import Task
from .dual import DualPoint, Probabilities, dual_point
from .fitted import Fitted, settle
from .refine import refined

MAX_SLACK = 0.01
"""Share of the gap that may be slack of the bound."""

MIN_SLACK = 1e-11
"""Slack that is not worth a further step."""

MAX_DESCENT_STEPS = 20
"""Steps after which a bound has to do."""


class DualityGap(float):
    """The cost of a fitted model minus a lower bound on the minimum: J − J* is no more.

    Parameters
    ----------
    cost : float
        J of the model.
    lower_bound : float
        J is nowhere below it.

    Attributes
    ----------
    cost, lower_bound : float
    gap : float
        Their difference; 0 where rounding makes it negative. The object is equal to it.

    Examples
    --------
    >>> from sklearn_gd_logreg.inspection import DualityGap
    >>> found = DualityGap(cost=0.75, lower_bound=0.5)
    >>> found, found < 1e-3, found.lower_bound
    (DualityGap(0.25, cost=0.75, lower_bound=0.5), False, 0.5)
    """

    cost: float
    lower_bound: float

    def __new__(cls, cost: float, lower_bound: float) -> Self:
        """The difference, with both."""
        found = super().__new__(cls, max(cost - lower_bound, 0.0))
        found.cost, found.lower_bound = float(cost), float(lower_bound)
        return found

    def __reduce__(self) -> tuple[type[Self], tuple[float, float]]:
        return type(self), (self.cost, self.lower_bound)

    @property
    def gap(self) -> float:
        """The plain number."""
        return float(self)

    def __repr__(self) -> str:
        bound = f"cost={self.cost!r}, lower_bound={self.lower_bound!r}"
        return f"{type(self).__name__}({float(self)!r}, {bound})"

    def __str__(self) -> str:
        return str(float(self))


@ignoring()
def duality_gap(model: Any, X: Any, y: Any, sample_weight: ArrayLike | None = None) -> DualityGap:
    r"""Upper bound on J − J*: how far at most a fitted model is above the minimum of its cost.

    It holds whatever solver made the model, and whether it converged or not. Near 0 it proves
    that nothing is left to gain on these rows.

    With dz = a − y, the shares s / Σs of the rows, and λ = 1/(C Σs), it is

    .. math::

        J^* \ge \sum_i \mathrm{share}_i H(a_i) - \frac{1}{2\lambda (1 - \rho)}
            \Big\| \max\Big(\Big|\sum_i \mathrm{share}_i \, dz_i x_i^T\Big|
            - \lambda\rho, 0\Big) \Big\|^2,
        \qquad H(a) = -\sum_c a_c \log a_c,

    for any probabilities a whose weighted residuals dz sum to 0 in each class (without an
    intercept, for any at all). Those of the model are taken, with b solved anew so that they
    do, and dz shortened or lengthened to the best bound. At the minimum of J this is J* itself.

    Near it, what Xᵀdz is off by counts, for it is divided by λ. So the probabilities are moved
    along a Newton step of the model, to first order: then Xᵀdz is that at the minimum of the
    quadratic model, but for rounding. That is done where F has at most 2000 parameters.

    Far from it, the bound may be poor. Then a descent by the natural gradient sets out from the
    parameters of the model, and the best of the bounds at its first 20 points is taken. It ends
    as soon as its own cost, which J* is not above either, shows that the gap is no more than
    1.01 (J − J*). If it does not, damped Newton steps follow.

    Parameters
    ----------
    model : GDLogisticRegression, LogisticRegression or Pipeline
        Fitted; or a pipeline that ends in one. Any of their penalties, but not none. J is that
        of `GDLogisticRegression`, with the parameters that the model has now; in particular the
        intercept is not penalised. ``LogisticRegression(solver="liblinear")`` penalises it, so
        the gap of such a model is not 0.
    X : {array-like, sparse matrix} of shape (n_samples, n_features)
        The rows that it was fitted on.
    y : array-like of shape (n_samples,)
        Their labels.
    sample_weight : array-like of shape (n_samples,), default=None
        Their weights.

    Returns
    -------
    DualityGap
        A float, at least J − J*, in units of the mean loss; 0 where rounding makes it negative.
        Its attributes ``cost`` and ``lower_bound`` are J of the model and the lower bound on J*.

    Raises
    ------
    ValueError
        If the model has no penalty, or is not of these kinds; one-vs-rest is not. If X or y
        does not suit the model, or a class has no row of non-zero weight.
    sklearn.exceptions.NotFittedError
        If the model has not been fitted.

    Notes
    -----
    It takes two passes over X if these show a gap below 1e-11. Otherwise it takes those for F and
    a few more, and those of the descent; and memory for a few numbers a row and class, and for F.
    All is worked out in float64, float32 rows too. The inequality is exact but for rounding, which
    is that of J, some 1e-16 of it. With an L1 penalty alone the rounding of Xᵀdz counts beside λ,
    squared: on scaled data the gap at the minimum is below 1e-9 up to ``C=1e8``, and below 1e-7 at
    1e10. The bound holds for all parameters, so the larger of the bounds that two models give holds
    for both.

    References
    ----------
    Yu, Huang, Lin, "Dual coordinate descent methods for logistic regression and maximum entropy
    models", Mach. Learn. 85 (2011).
    Boyd, Vandenberghe, "Convex Optimization", sections 5.1 and 5.5 (2004).

    Examples
    --------
    >>> from sklearn.datasets import load_breast_cancer
    >>> from sklearn_gd_logreg import GDLogisticRegression
    >>> from sklearn_gd_logreg.inspection import duality_gap
    >>> X, y = load_breast_cancer(return_X_y=True)
    >>> gap = duality_gap(GDLogisticRegression(tol=1e-8).fit(X, y), X, y)
    >>> print(gap < 1e-9, round(gap.cost, 6), round(gap.lower_bound, 6))
    True 0.094542 0.094542

    It holds for models of scikit-learn too, converged or not:

    >>> import warnings
    >>> from sklearn.linear_model import LogisticRegression
    >>> with warnings.catch_warnings():
    ...     warnings.simplefilter("ignore")  # the only sign that something is wrong
    ...     clf = LogisticRegression(max_iter=3).fit(X, y)
    >>> print(duality_gap(clf, X, y) > 0.5)
    True
    """
    fitted = settle(model, X, y, sample_weight)
    require_penalty(model, fitted)
    with own_threads():
        known = cost_and_bound(fitted)
        cost = lowest = known.cost
        lower_bound, best = refined_bound(known, damped=False), fitted
        for w in further_points(fitted):
            if is_tight(cost, lowest, lower_bound):
                break
            there = replace(fitted, w=w)
            known = cost_and_bound(there)
            if known.cost >= lowest and known.lower_bound <= lower_bound:
                break
            if known.cost < lowest:
                lowest, best = known.cost, there
            lower_bound = max(lower_bound, known.lower_bound)
        if MAX_DESCENT_STEPS and not is_tight(cost, lowest, lower_bound):
            lower_bound = max(lower_bound, refined_bound(cost_and_bound(best), damped=True))
    return DualityGap(cost, lower_bound)


def require_penalty(model: Any, fitted: Fitted) -> None:
    """Raise if there is no penalty, or it is too weak for a number."""
    penalty = fitted.objective.penalty
    if not penalty.l1 + penalty.l2 > 0:
        raise ValueError(
            f"The duality gap of a model without a penalty is infinite, and {type(model).__name__} "
            "has none. Fit it with a large but finite C, say C=1e4, or look at its gradient."
        )


class Known(NamedTuple):
    """J at some parameters, the bound that they give, and the point that it is of."""

    cost: float
    lower_bound: float
    probabilities: Probabilities
    point: DualPoint


def cost_and_bound(fitted: Fitted) -> Known:
    """J at the parameters, and the bound that they give."""
    cost, scores, mass = forward(fitted)
    probabilities = Probabilities.of(fitted, scores, mass)
    point = dual_point(probabilities)
    return Known(cost, point.best_bound(), probabilities, point)


def refined_bound(known: Known, damped: bool) -> float:
    """The bound that points beside one give, until it rises no more; ``damped`` as in `refined`."""
    cost, bound = known.cost, known.lower_bound
    if cost - bound <= MIN_SLACK:
        return bound
    for better, is_whole in refined(known.probabilities, known.point, damped):
        before, bound = bound, max(bound, better.best_bound())
        slow = bound - before <= MAX_SLACK * (cost - bound)
        if cost - bound <= MIN_SLACK or (is_whole and slow):
            break
    return bound


def is_tight(cost: float, lowest: float, lower_bound: float) -> bool:
    """Whether what the bound may be too low by, as a lower cost shows, does not matter."""
    return lowest - lower_bound <= max(MAX_SLACK * (cost - lower_bound), MIN_SLACK)


def further_points(fitted: Fitted) -> Iterator[Array]:
    """Parameters on the way from those of the model to the minimum."""
    objective = fitted.objective
    rule, fused, _ = NaturalGradient().plan(objective, Task(MIN_SLACK))
    start = Point(objective, fitted.w, fused)
    first, rate = first_iterate(start, rule), rule.auto_rate(objective, None)
    iterates = descend(first, rule, rate)
    return (iterate.w for iterate in islice(iterates, 1, MAX_DESCENT_STEPS + 1))


def forward(fitted: Fitted) -> tuple[float, Array, Array]:
    """J, Xw and the share of every class; one pass over X."""
    objective, w, b = fitted.objective, fitted.without_intercept, fitted.b
    data, loss, n_classes = objective.data, objective.loss, int(fitted.codes.max()) + 1
    scores = np.empty((data.n_rows, loss.n_outputs))

    def block(rows: Rows) -> tuple[float, NDArray[Any]]:
        scores[rows.index] = z = rows.forward(w)
        mass = np.bincount(fitted.codes[rows.index], rows.shares(), minlength=n_classes)
        return loss.loss_sum(z + b, rows.y, rows.share), mass

    mean_loss, mass = data.sum(block)
    return mean_loss + objective.penalty.value(w), scores, mass
