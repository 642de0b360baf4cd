"""Which form of the Fisher information suits the problem."""

from __future__ import annotations

from dataclasses import replace
from math import inf

import numpy as np

from ...objective import Objective, Point
from .columns import ColumnFisher
from .curvature import (
    TRACE,
    Curvature,
    DiagonalFisher,
    FactorisedFisher,
    KroneckerFisher,
    quick_fisher,
    regular_fisher,
)
from .hessian_free import ImplicitFisher
from .lbfgs import SecantFisher
from .prox_newton import ProximalFisher, WorkingSet
from .subsampling import price

MOST_ROWS = 150
"""Rows a parameter beyond which a sample tells hardly more of F."""

FEWEST_ROWS, FEWEST_ROWS_SOFTMAX = 10, 4
"""Rows a parameter at the least; a row says something of every class."""

DEAREST = 36.0
"""What F is taken to cost at the most, in passes, where it may take the place of a guess."""

NEAR = 4.0
"""How much larger the gradient is taken to have been before the first such step."""

FEWEST_PRODUCTS = 20
"""Products with F that a step may take in any case; else as many as F would cost passes."""

SMALL = 200
"""Number of parameters up to which an L1 penalty needs no working set."""

FEW = 8
"""How many times as many rows there are at least where F is first looked at on some of them."""

MORE = 4
"""How many times as many rows are taken where those before did not do."""

DEAR = 4.0
"""Price of F, in passes, from which a softmax starts with the product form."""


def exact_form(point: Point, damping: float, limit: int, floor: float = 0.0) -> Curvature:
    """F at the point on all rows, in the form that suits the size and the penalty.

    ``floor`` is the part of F at w = 0 that is added for mini-batches.
    """
    objective, rough = point.objective, point.objective.penalty.l1 > 0
    if rough and point.w.size > min(limit, SMALL):
        return WorkingSet(objective, damping, limit, floor)
    if point.w.size > limit:
        product = objective.fisher_product(point.w)
        return ImplicitFisher(point, product, damping, floor, size_before=inf)
    fisher = regular_fisher(point, damping)
    if floor:
        fisher += floor * objective.uniform_fisher
    if rough:
        return ProximalFisher(fisher, np.arange(len(point.w)))
    return FactorisedFisher.of(fisher, TRACE[point.w.dtype])


def thrifty_form(
    point: Point, damping: float, limit: int, aim: float, before: Curvature | None
) -> Curvature:
    """F at the point from as many rows, and in as cheap a form, as make the next steps good.

    ``aim`` is the norm at which the descent ends, ``before`` the form that made the last
    steps, or None at the start.
    """
    objective = point.objective
    if objective.penalty.l1:
        columns = column_form(point, damping, limit, aim, before)
        if columns:
            return columns
        return proximal_form(point, damping, limit, aim, before)
    n_rows, large = fisher_rows(objective), point.w.size > limit
    if isinstance(before, ImplicitFisher):
        guessed = before.preconditioner and before.preconditioner.with_pair(before.point, point)
        spent = objective.data.passes.count - before.began
        if not large and price(objective, n_rows) <= spent:
            return secants(point, damping, n_rows, aim, guessed)
        form = products(point, damping, aim, before.size, guessed)
        return replace(form, made=before.made + 1, most=before.most, began=before.began)
    if not isinstance(before, SecantFisher):
        if large or (objective.loss.n_outputs > 1 and price(objective, n_rows) > DEAR):
            return guess(point, damping, limit, aim)
        return secants(point, damping, n_rows, aim)
    ends = 2 * before.to_come(before.target(point, 1.0).decrease, 0.0) <= aim**2
    if large or (ends and (not before.trusted or before.price > DEAR)):
        most = inf if large else max(price(objective, n_rows), FEWEST_PRODUCTS)
        form = products(point, damping, aim, None, before)
        return replace(
            form,
            size_before=NEAR * form.size,
            most=int(min(most, form.most)),
            began=objective.data.passes.count,
        )
    if before.trusted:
        n_rows = max(n_rows, more_rows(objective, before.n_rows))
    return secants(point, damping, n_rows, aim, before)


def proximal_form(
    point: Point, damping: float, limit: int, aim: float, before: Curvature | None
) -> ProximalFisher:
    """F on all rows for an L1 penalty, of the features that matter if they are many."""
    objective = point.objective
    if point.w.size > min(limit, SMALL):
        return WorkingSet(objective, damping, limit, 0.0, enough=2 * aim**2).at(point, aim)
    if isinstance(before, ProximalFisher):
        single = before.single
    else:
        few = FEWEST_ROWS * point.w.size
        many = FEW * few < objective.data.n_rows
        single = not many or is_regular(on_rows(point, few), damping)
    fisher, factorised = quick_fisher(point, damping, single)
    return ProximalFisher(
        fisher,
        np.arange(len(point.w)),
        enough=2 * aim**2,
        price=price(objective, objective.data.n_rows),
        aim=aim,
        single=single and factorised.is_regular(point.w.shape[1]),
    )


def is_regular(point: Point, damping: float) -> bool:
    """Whether F on the rows of the point can do with single precision."""
    return quick_fisher(point, damping)[1].is_regular(point.w.shape[1])


def column_form(
    point: Point, damping: float, limit: int, aim: float, before: Curvature | None
) -> ColumnFisher | None:
    """No matrix but columns of X, where these can be read and were of use so far."""
    objective = point.objective
    small = point.w.size <= min(limit, SMALL) or objective.loss.n_outputs > 1
    if small or damping or not objective.data.has_columns:
        return None
    if not (before is None or isinstance(before, ColumnFisher)):
        return None
    form = ColumnFisher.at(point, aim, limit, before)
    return form if form and form.found.settled else None


def guess(point: Point, damping: float, limit: int, aim: float) -> SecantFisher:
    """F as its diagonal or, for the softmax, as a product, to be corrected by secants."""
    objective = point.objective
    large = point.w.size > limit
    cost = inf if large else min(price(objective, fisher_rows(objective)), DEAREST)
    centre = product_form(point, damping, limit) or DiagonalFisher.of(objective)
    return SecantFisher(centre, cost, 0, False, aim, trusted=False)


def secants(
    point: Point, damping: float, n_rows: int, aim: float, before: SecantFisher | None = None
) -> SecantFisher:
    """F of so many rows, factorised, to be corrected by secants; those known if it is a sample."""
    some = on_rows(point, n_rows)
    known = before.centre if before else None
    single = not isinstance(known, FactorisedFisher) or known.is_regular(point.w.shape[1])
    centre = quick_fisher(some, damping, single)[1]
    whole = some is point
    cost = price(point.objective, n_rows)
    return SecantFisher(
        centre, cost, n_rows, whole, aim, pairs=() if whole or before is None else before.pairs
    )


def products(
    point: Point,
    damping: float,
    aim: float,
    size_before: float | None,
    preconditioner: SecantFisher | None,
) -> ImplicitFisher:
    """F by its products on all rows; what made the steps so far is their preconditioner."""
    product = point.objective.fisher_product(point.w)
    return ImplicitFisher(point, product, damping, 0.0, aim, size_before, preconditioner)


def product_form(point: Point, damping: float, limit: int) -> KroneckerFisher | None:
    """F of a softmax as a product, unless the features are too many to factorise."""
    objective = point.objective
    if objective.loss.n_outputs == 1 or objective.data.n_parameters > limit:
        return None
    return KroneckerFisher.at(on_rows(point, fisher_rows(objective)), damping)


def fisher_rows(objective: Objective) -> int:
    """How many rows F is worked out on: on a sample too, as many as are cheap beside all."""
    data, n_outputs = objective.data, objective.loss.n_outputs
    n_parameters = data.n_parameters * n_outputs
    of_rows = price(objective, data.n_rows) - price(objective, 0)
    for_half_a_pass = 0.5 * data.rows_in_a_pass / max(of_rows, 1e-300)
    fewest = FEWEST_ROWS if n_outputs == 1 else FEWEST_ROWS_SOFTMAX
    rows = min(max(for_half_a_pass, fewest * n_parameters), MOST_ROWS * n_parameters)
    return sampled(objective, int(min(rows, data.n_rows)), fewest * n_parameters)


def more_rows(objective: Objective, n_rows: int) -> int:
    """More rows where these did not do, unless F would cost more than the descent so far."""
    more = sampled(objective, MORE * n_rows, MORE * n_rows)
    return more if price(objective, more) <= objective.data.passes.count else n_rows


def sampled(objective: Objective, n_rows: int, fewest: int) -> int:
    """So many rows, or fewer if memory asks for it; all, if they are not many more."""
    data = objective.data
    possible = min(n_rows, data.rows_to_sample)
    return possible if fewest <= possible <= data.n_rows / 2 else data.n_rows


def on_rows(point: Point, n_rows: int) -> Point:
    """The point on a sample of its rows, or itself if these are all."""
    objective = point.objective
    if n_rows >= objective.data.n_rows:
        return point
    return Point(objective.on(objective.data.sample(n_rows)), point.w)
