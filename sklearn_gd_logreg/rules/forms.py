"""Which form of the Fisher information suits the problem."""

from __future__ import annotations

from ..objective import Objective, Point
from .curvature import Curvature, FactorisedFisher, KroneckerFisher, regular_fisher
from .implicit import ImplicitFisher
from .proximal import ProximalFisher, WorkingSet
from .sampling import price
from .secant import Pair, SecantFisher

MOST_ROWS = 400
"""Rows a parameter beyond which a sample tells hardly more of F."""

FEWEST_ROWS, FEWEST_ROWS_SOFTMAX = 10, 4
"""Rows a parameter at the least; a row says something of every class."""

SMALL = 200
"""Number of parameters up to which an L1 penalty needs no working set."""

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
        return ImplicitFisher(point, objective.fisher_product(point.w), damping, floor)
    fisher = regular_fisher(point, damping)
    if floor:
        fisher += floor * objective.uniform_fisher
    return ProximalFisher(fisher) if rough else FactorisedFisher.of(fisher)


def thrifty_form(
    point: Point, damping: float, limit: int, aim: float, before: Curvature | None
) -> Curvature:
    """F at the point from as many rows, and in as cheap a form, as make the next steps good.

    ``aim`` is the norm at which the descent ends, ``before`` the form that made the last
    steps, or None at the start.
    """
    objective = point.objective
    if objective.penalty.l1:
        return exact_form(point, damping, limit)
    if point.w.size > limit or isinstance(before, ImplicitFisher):
        return products(point, damping, limit, aim, before)
    n_rows = fisher_rows(objective)
    if not isinstance(before, SecantFisher):
        if objective.loss.n_outputs > 1 and price(objective, n_rows) > DEAR:
            return guess(point, damping, n_rows, aim)
        return secants(point, damping, n_rows, aim)
    if not before.trusted and 2 * before.target(point, 1.0).decrease <= aim**2:
        return ImplicitFisher(
            point, objective.fisher_product(point.w), damping, 0.0, aim, None, before.centre
        )
    if before.steps:
        n_rows = max(n_rows, more_rows(objective, before.n_rows))
    return secants(point, damping, n_rows, aim, before.pairs)


def guess(point: Point, damping: float, n_rows: int, aim: float) -> SecantFisher:
    """F of a softmax as a product, to be corrected by secants."""
    some = on_rows(point, n_rows)
    cost = price(point.objective, n_rows)
    centre = KroneckerFisher.at(some, damping)
    return SecantFisher(centre, cost, n_rows, some is point, aim, trusted=False)


def secants(
    point: Point, damping: float, n_rows: int, aim: float, pairs: tuple[Pair, ...] = ()
) -> SecantFisher:
    """F of so many rows, factorised, to be corrected by secants; those known if it is a sample."""
    some = on_rows(point, n_rows)
    centre = FactorisedFisher.of(regular_fisher(some, damping))
    whole = some is point
    cost = price(point.objective, n_rows)
    return SecantFisher(centre, cost, n_rows, whole, aim, pairs=() if whole else pairs)


def products(
    point: Point, damping: float, limit: int, aim: float, before: Curvature | None
) -> ImplicitFisher:
    """F by its products on all rows; a softmax of few features has a preconditioner too."""
    objective = point.objective
    size, preconditioner = None, None
    if isinstance(before, ImplicitFisher):
        size, preconditioner = before.size, before.preconditioner
    if objective.loss.n_outputs > 1 and objective.data.n_parameters <= limit:
        some = on_rows(point, fisher_rows(objective))
        preconditioner = KroneckerFisher.at(some, damping)
    product = objective.fisher_product(point.w)
    return ImplicitFisher(point, product, damping, 0.0, aim, size, preconditioner)


def fisher_rows(objective: Objective) -> int:
    """How many rows F is worked out on."""
    data, n_outputs = objective.data, objective.loss.n_outputs
    n_parameters = data.n_parameters * n_outputs
    for_one_pass = data.n_rows / max(price(objective, data.n_rows), 1e-300)
    fewest = FEWEST_ROWS if n_outputs == 1 else FEWEST_ROWS_SOFTMAX
    rows = min(max(for_one_pass, fewest * n_parameters), MOST_ROWS * n_parameters)
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
