"""The duality gap: an upper bound on J − J* of a fitted model."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import islice
from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .._floating import ignore_floating_errors
from .._typing import Array
from ..data import Rows, reserve_threads
from ..descent import descend, first_iterate
from ..objective import Point
from ..rules import NaturalGradient
from ..rules.base import Budget
from .dual_newton import newton_dual_points
from .dual_point import DualPoint, Probabilities, dual_point
from .fitted import FittedObjective, objective_of

MAX_RELATIVE_SLACK = 0.01
"""Fraction of the gap that may be slack of the lower bound."""

NEGLIGIBLE_SLACK = 1e-11
"""Slack in units of J that needs no further step."""

MAX_DESCENT_STEPS = 20
"""Steps of the descent, each of which gives a lower bound."""


class DualityGap(float):
    """Duality gap: the cost of a fitted model minus a lower bound on the minimum J*.

    It is a float, an upper bound on J − J*.

    Parameters
    ----------
    cost : float
        J of the model.
    lower_bound : float
        Lower bound on J*.

    Attributes
    ----------
    cost, lower_bound : float
    gap : float
        ``cost - lower_bound``, the value of the object; 0 where rounding makes it negative.

    Examples
    --------
    >>> from sklearn_gd_logreg.inspection import DualityGap
    >>> gap = DualityGap(cost=0.75, lower_bound=0.5)
    >>> gap, gap < 1e-3, gap.lower_bound
    (DualityGap(0.25, cost=0.75, lower_bound=0.5), False, 0.5)
    """

    cost: float
    lower_bound: float

    def __new__(cls, cost: float, lower_bound: float) -> Self:
        """Make the float ``cost - lower_bound``, with both as attributes."""
        gap = super().__new__(cls, max(cost - lower_bound, 0.0))
        gap.cost, gap.lower_bound = float(cost), float(lower_bound)
        return gap

    def __reduce__(self) -> tuple[type[Self], tuple[float, float]]:
        return type(self), (self.cost, self.lower_bound)

    @property
    def gap(self) -> float:
        """The gap as a plain float."""
        return float(self)

    def __repr__(self) -> str:
        bound = f"cost={self.cost!r}, lower_bound={self.lower_bound!r}"
        return f"{type(self).__name__}({float(self)!r}, {bound})"

    def __str__(self) -> str:
        return str(float(self))


@ignore_floating_errors()
def duality_gap(model: Any, X: Any, y: Any, sample_weight: ArrayLike | None = None) -> DualityGap:
    r"""Compute the duality gap of a fitted model, an upper bound on J − J*.

    It holds for a model of any solver, converged or not. A gap near 0 proves that the model is
    optimal on these rows.

    With dz = a − y, the weights s / Σs of the rows, and λ = 1/(C Σs), the lower bound is

    .. math::

        J^* &\ge \sum_i \mathrm{weight}_i H(a_i) \\
        &\quad - \frac{\left\| \max(|G| - \lambda\rho, 0) \right\|^2}{2\lambda (1 - \rho)}, \\
        G &= \sum_i \mathrm{weight}_i \, dz_i x_i^T, \\
        H(a) &= -\sum_c a_c \log a_c,

    with ρ the ``l1_ratio``, for any probabilities a whose weighted residuals dz sum to 0 in each
    class (without an intercept, for any probabilities). The function takes those of the model,
    solves for b so that the sums are 0, and scales dz to maximise the bound. At the minimum of J
    the bound is J*.

    Near the minimum the error of Xᵀdz matters, since it is divided by λ. So the probabilities take
    a Newton step to first order: then Xᵀdz is that at the minimum of the quadratic model, up to
    rounding. This needs F, and is done for at most 2000 parameters.

    Elsewhere the bound may be loose. Then the natural gradient descends from the parameters of the
    model, and the function takes the best of the bounds at its first 20 iterates. It ends as soon
    as the gap is at most 1.01 (J − J*), which the lowest cost found so far shows. If the descent
    does not get there, damped Newton steps follow.

    Parameters
    ----------
    model : GDLogisticRegression, LogisticRegression or Pipeline
        A fitted model with a penalty, or a pipeline that ends in one. J is that of
        `GDLogisticRegression` at the present parameters of the model. It does not penalise the
        intercept; ``LogisticRegression(solver="liblinear")`` does, so the gap of such a model
        is not 0.
    X : {array-like, sparse matrix} of shape (n_samples, n_features)
        Training data of the model.
    y : array-like of shape (n_samples,)
        Training labels.
    sample_weight : array-like of shape (n_samples,), default=None
        Training weights.

    Returns
    -------
    DualityGap
        A float, at least J − J*, in units of the mean loss; 0 where rounding makes it negative.
        Its attributes ``cost`` and ``lower_bound`` are J of the model and the lower bound on J*.

    Raises
    ------
    ValueError
        If the model has no penalty, is of another class, or is one-vs-rest. If X or y does not
        match the model, or a class has no row of non-zero weight.
    sklearn.exceptions.NotFittedError
        If the model has not been fitted.

    Notes
    -----
    Two passes over X suffice if they show a gap below 1e-11. Otherwise the passes of F, of the
    Newton steps and of the descent are added. Memory: a few numbers for each row and class, and F.

    The computation is in float64, also for float32 data. The bound holds up to the rounding of J,
    about 1e-16 of it. With an L1 penalty alone the gap also contains the rounding of Xᵀdz, divided
    by λ and squared: on scaled data the gap at the minimum is below 1e-9 up to ``C=1e8``, and below
    1e-7 at 1e10. The lower bound holds for all parameters, so the larger of the bounds of two
    models holds for both.

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

    It works for models of scikit-learn too. Here it shows that a fit has not converged:

    >>> import warnings
    >>> from sklearn.linear_model import LogisticRegression
    >>> with warnings.catch_warnings():
    ...     warnings.simplefilter("ignore")
    ...     clf = LogisticRegression(max_iter=3).fit(X, y)
    ...
    >>> print(duality_gap(clf, X, y) > 0.5)
    True
    """
    fitted = objective_of(model, X, y, sample_weight)
    require_penalty(model, fitted)
    with reserve_threads():
        evaluated = cost_and_bound(fitted)
        cost = lowest_cost = evaluated.cost
        lower_bound, lowest = bound_after_newton_steps(evaluated, damped=False), fitted
        for w in iterates_from(fitted):
            if is_tight(cost, lowest_cost, lower_bound):
                break
            trial = replace(fitted, w=w)
            evaluated = cost_and_bound(trial)
            if evaluated.cost >= lowest_cost and evaluated.lower_bound <= lower_bound:
                break
            if evaluated.cost < lowest_cost:
                lowest_cost, lowest = evaluated.cost, trial
            lower_bound = max(lower_bound, evaluated.lower_bound)
        if MAX_DESCENT_STEPS and not is_tight(cost, lowest_cost, lower_bound):
            evaluated = cost_and_bound(lowest)
            lower_bound = max(lower_bound, bound_after_newton_steps(evaluated, damped=True))
    return DualityGap(cost, lower_bound)


def require_penalty(model: Any, fitted: FittedObjective) -> None:
    """Raise if the penalty is 0 or underflows."""
    penalty = fitted.objective.penalty
    if not penalty.l1 + penalty.l2 > 0:
        raise ValueError(
            f"The duality gap of a model without a penalty is infinite, and {type(model).__name__} "
            "has none. Fit it with a large but finite C, say C=1e4, or look at its gradient."
        )


class PrimalDual(NamedTuple):
    """J at some parameters, and the lower bound of a dual point made from them."""

    cost: float
    lower_bound: float
    probabilities: Probabilities
    point: DualPoint


def cost_and_bound(fitted: FittedObjective) -> PrimalDual:
    """Evaluate J and the lower bound at the parameters w."""
    cost, scores, priors = cost_scores_and_priors(fitted)
    probabilities = Probabilities.of(fitted, scores, priors)
    point = dual_point(probabilities)
    return PrimalDual(cost, point.best_bound(), probabilities, point)


def bound_after_newton_steps(start: PrimalDual, damped: bool) -> float:
    """Return the best bound of Newton steps from a dual point; they end when it stops rising."""
    cost, bound = start.cost, start.lower_bound
    if cost - bound <= NEGLIGIBLE_SLACK:
        return bound
    for point, is_full_step in newton_dual_points(start.probabilities, start.point, damped):
        previous, bound = bound, max(bound, point.best_bound())
        stalls = bound - previous <= MAX_RELATIVE_SLACK * (cost - bound)
        if cost - bound <= NEGLIGIBLE_SLACK or (is_full_step and stalls):
            break
    return bound


def is_tight(cost: float, lowest_cost: float, lower_bound: float) -> bool:
    """Whether the slack of the bound is small: ``lowest_cost`` is an upper bound on J*."""
    max_slack = max(MAX_RELATIVE_SLACK * (cost - lower_bound), NEGLIGIBLE_SLACK)
    return lowest_cost - lower_bound <= max_slack


def iterates_from(fitted: FittedObjective) -> Iterator[Array]:
    """Yield the parameters of the natural gradient's iterates from those of the model on."""
    objective = fitted.objective
    rule, fused, _ = NaturalGradient().plan(objective, Budget(NEGLIGIBLE_SLACK))
    start = Point(objective, fitted.w, fused)
    first, rate = first_iterate(start, rule), rule.auto_rate(objective, None)
    iterates = descend(first, rule, rate)
    return (iterate.w for iterate in islice(iterates, 1, MAX_DESCENT_STEPS + 1))


def cost_scores_and_priors(fitted: FittedObjective) -> tuple[float, Array, Array]:
    """Return J, Xw and the weighted class frequencies; one pass over X."""
    objective, w, b = fitted.objective, fitted.w_without_intercept, fitted.b
    data, loss, n_classes = objective.data, objective.loss, int(fitted.codes.max()) + 1
    scores = np.empty((data.n_rows, loss.n_outputs))

    def block(rows: Rows) -> tuple[float, NDArray[Any]]:
        scores[rows.index] = z = rows.forward(w)
        priors = np.bincount(fitted.codes[rows.index], rows.shares(), minlength=n_classes)
        return loss.loss_sum(z + b, rows.y, rows.share), priors

    mean_loss, priors = data.sum(block)
    return mean_loss + objective.penalty.value(w), scores, priors
