"""Which form of the Fisher information suits the problem."""

from __future__ import annotations

from ..objective import Objective, Point
from .curvature import Curvature, FactorisedFisher, KroneckerFisher, regular_fisher
from .implicit import ImplicitFisher
from .proximal import ProximalFisher, WorkingSet
from .sampling import price, rows_to_copy
from .secant import SecantFisher

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
    if point.w.size > limit:
        return products(point, damping, limit, aim, before)
    n_rows = fisher_rows(objective)
    if isinstance(before, SecantFisher) and before.trusted:
        n_rows = max(n_rows, more_rows(objective, before.n_rows))
    cost = price(objective, n_rows)
    some = on_rows(point, n_rows)
    if objective.loss.n_outputs > 1 and cost > DEAR and not isinstance(before, SecantFisher):
        guess = KroneckerFisher.at(some, damping)
        return SecantFisher(guess, cost, n_rows, some is point, aim, trusted=False)
    factor = FactorisedFisher.of(regular_fisher(some, damping))
    pairs = before.pairs if isinstance(before, SecantFisher) and some is not point else ()
    return SecantFisher(factor, cost, n_rows, some is point, aim, pairs=pairs)


def products(
    point: Point, damping: float, limit: int, aim: float, before: Curvature | None
) -> ImplicitFisher:
    """F by its products on all rows; a softmax of few features has a preconditioner too."""
    objective = point.objective
    preconditioner = None
    if objective.loss.n_outputs > 1 and objective.data.n_parameters <= limit:
        some = on_rows(point, min(fisher_rows(objective), rows_to_copy(objective)))
        preconditioner = KroneckerFisher.at(some, damping)
    size = before.size if isinstance(before, ImplicitFisher) else None
    product = objective.fisher_product(point.w)
    return ImplicitFisher(point, product, damping, 0.0, aim, size, preconditioner)


def fisher_rows(objective: Objective) -> int:
    """How many rows F is worked out on."""
    data, n_outputs = objective.data, objective.loss.n_outputs
    n_parameters = data.n_parameters * n_outputs
    for_one_pass = data.n_rows / max(price(objective, data.n_rows), 1e-300)
    fewest = FEWEST_ROWS if n_outputs == 1 else FEWEST_ROWS_SOFTMAX
    rows = min(max(for_one_pass, fewest * n_parameters), MOST_ROWS * n_parameters)
    return data.n_rows if rows > data.n_rows / 2 else int(rows)


def more_rows(objective: Objective, n_rows: int) -> int:
    """More rows where these did not do, unless F would cost more than the descent so far.

    More than memory allows to copy are all rows, which need no copy.
    """
    more, all_rows = MORE * n_rows, objective.data.n_rows
    more = all_rows if more > min(rows_to_copy(objective), all_rows / 2) else more
    return more if price(objective, more) <= objective.data.passes.count else n_rows


def on_rows(point: Point, n_rows: int) -> Point:
    """The point on a sample of its rows, or itself if these are all."""
    objective = point.objective
    if n_rows >= objective.data.n_rows:
        return point
    return Point(objective.on(objective.data.sample(n_rows)), point.w)
