"""The natural step under an L1 penalty and many sparse features, without a matrix F."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import inf, sqrt
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..._cached import cached_attribute
from ..._typing import Array
from ...data import Dataset
from ...objective import Point
from .column_model import CAREFUL, LOOSE, Care, ColumnModel, State
from .curvature import Curvature, Target
from .hessian_free import MOST_PRODUCTS, PRECISION
from .prox_newton import WorkingSet
from .subsampling import PER_PASS

LIGHT = 1e6
"""By how much the column of the intercept is stretched: l1 on it is then next to nothing."""

ROUNDS, FEW_ROUNDS = 10, 3
"""Rounds of coordinate descent where many signs are unknown, and where few are."""

FEW, HARDLY_ANY = 0.1, 0.01
"""Parts of the features in the model that are few, and hardly any, beside it."""

EASY = 25
"""Products for one system beyond which the next ones may look solved long before they are."""

SLOW = 0.3
"""Part of the norm before from which the step is to be worked out with care."""

MOST_CYCLES = 30
"""How often rounds and signs take turns at one point, at the most."""

FACTORS = 10
"""How often F is factorised, for its price, while the model is minimised with it."""

WORTH = 60
"""Price of F and its factors, in products with the columns, from which these are tried."""

MARGIN = 0.95
"""Part of l1 beyond which a derivative may exceed it after the next step."""

SHORT = 0.01
"""Norm of a step after which the columns are not scaled anew."""

SLOW_FALL = 0.1
"""Ratio of two decreases from which they are scaled anew all the same."""


class Found(NamedTuple):
    """Where the model is lowest, whether that is settled, and the dearest system so far."""

    state: State
    settled: bool
    dearest: float


@dataclass(frozen=True)
class ColumnFisher(Curvature):
    """F of the features that matter at a point, by their columns of X.

    These are the features in the model and those whose derivative exceeds l1, or nearly. The
    others stay at 0 until theirs does. After a short step the columns are kept as they are.

    Attributes
    ----------
    features : array of ints
    model : ColumnModel
        The last coordinate is the intercept, if there is one, over `LIGHT`.
    first : bool
        Whether this is the first step, for which some rounds do.
    care : Care
    size : float
        Norm of the gradient as single steps see it.
    aim : float
        Norm of the gradient at which the descent ends.
    limit : int
        Largest number of parameters for which F is formed, where a step is shortened.
    price : float
        What F and its factors would cost, in products with the columns.
    dearest : float
        Most products that a system has taken at the points before.
    """

    features: NDArray[np.intp]
    model: ColumnModel
    first: bool
    care: Care
    size: float
    aim: float
    limit: int
    price: float
    dearest: float

    @classmethod
    def at(
        cls, point: Point, aim: float, limit: int, before: ColumnFisher | None
    ) -> ColumnFisher | None:
        """F at a point, by one pass forward; None where the matrix costs less."""
        first = not point.w.any()
        data, penalty = point.objective.data, point.objective.penalty
        features = features_that_matter(point, 1.0 if first else MARGIN)
        price = price_of_matrix(data, features) if len(features) <= limit else inf
        if price < WORTH:
            return None
        w, dw = stretched(point, features)
        dz, h = point.objective.row_derivatives(point.w)
        root = np.sqrt(h)
        columns = data.columns(features, root, LIGHT)
        gap = np.divide(dz, root, out=np.zeros_like(dz), where=root > 0)
        targets = columns.times(w) - gap.astype(np.float32)
        bends = columns.squares()
        bends[: len(features)] += penalty.l2
        own = replace(penalty, n_features=len(features))
        misfit = float(np.sum(np.square(gap)))
        model = ColumnModel(columns, w, dw, bends, targets, misfit, own)
        size = sqrt(model.to_gain(model.subgradient(model.start)))
        slow = before is not None and size > SLOW * before.size
        dearest = before.found.dearest if before else 0.0
        care = CAREFUL if slow else LOOSE
        return cls(features, model, first, care, size, aim, limit, price, dearest)

    def learn(self, before: Point, point: Point, decrease: float) -> Curvature | None:
        if self.first or 2 * decrease > SHORT**2:
            return None
        here = np.zeros(len(point.w), dtype=bool)
        here[self.features] = True
        if not here[features_that_matter(point, 1.0)].all():
            return None
        w, dw = stretched(point, self.features)
        model = replace(self.model, w=w, dw=dw, targets=None)
        return replace(self, model=model, dearest=self.found.dearest)

    def is_stale(self, decrease: float, ratio: float) -> bool:
        return not self.found.settled or ratio > SLOW_FALL

    @cached_attribute
    def found(self) -> Found:
        """The minimum of the model, about as exactly as it is wanted."""
        model, state = self.model, self.model.start
        if self.first:
            state = model.by_coordinates(state, ROUNDS)
            if model.gain(state) > self.aim**2:
                return Found(state, True, 0.0)
        found = self._minimised(state, self.care, self.dearest)
        if found.settled and model.gain(found.state) <= self.aim**2:
            return self._confirmed(found)
        return found

    def _confirmed(self, found: Found) -> Found:
        """Where the descent seems to end: with care; but F has to say it of a hard problem."""
        care = CAREFUL._replace(delay=max(CAREFUL.delay, int(found.dearest)))
        if self.price == inf:
            found = self._minimised(found.state, care, found.dearest)
            return found._replace(settled=found.settled and found.dearest < MOST_PRODUCTS)
        if self.care == LOOSE and found.dearest <= EASY:
            found = self._minimised(found.state, care, found.dearest)
        return found._replace(settled=found.settled and found.dearest <= EASY)

    def _minimised(self, state: State, care: Care, dearest: float) -> Found:
        """By rounds and signs in turn, until little is left or F would have cost less."""
        model, enough = self.model, PRECISION * self.aim
        subgradient, read = model.subgradient(state), model.columns.read
        for cycle in range(MOST_CYCLES):
            if model.columns.read - read > self.price:
                break
            n_entering = int(np.count_nonzero(subgradient[state.u == 0]))
            entering = n_entering / max(int(np.count_nonzero(state.u)), 1)
            if cycle or entering > HARDLY_ANY:
                if model.targets is None:
                    break
                many = cycle or entering > FEW
                state = model.by_coordinates(state, ROUNDS if many else FEW_ROUNDS)
                subgradient = model.subgradient(state)
            before = model.columns.read
            state = model.by_signs(state, subgradient, care, enough)
            dearest = max(dearest, model.columns.read - before)
            subgradient = model.subgradient(state)
            to_gain = model.to_gain(subgradient)
            if to_gain <= max(care.accuracy**2 * model.gain(state), enough**2):
                return Found(state, True, dearest)
        return Found(state, False, dearest)

    def aimed_at(self, aim: float) -> ColumnFisher:
        return self if aim == self.aim else replace(self, aim=aim)

    def target(self, point: Point, alpha: float) -> Target:
        if alpha != 1:
            return WorkingSet(point.objective, 0.0, self.limit, 0.0).target(point, alpha)
        state, n_features = self.found.state, point.objective.penalty.n_features
        w = point.w.astype(np.float64)
        w[self.features, 0] = state.u[: len(self.features)]
        w[n_features:, 0] = LIGHT * state.u[len(self.features) :]
        return Target(w, max(self.model.gain(state), self.model.bend(state)))


def price_of_matrix(data: Dataset, features: NDArray[np.intp]) -> float:
    """What F of these features and its factors would cost, in products with their columns."""
    product, gram = data.column_works(features)
    return (gram + FACTORS * len(features) ** 3 / 3) / (product + PER_PASS)


def features_that_matter(point: Point, margin: float) -> NDArray[np.intp]:
    """Those in the model, and those whose derivative exceeds so large a part of l1."""
    n_features = point.objective.penalty.n_features
    w, dw = point.w[:n_features, 0], point.dw[:n_features, 0]
    return np.flatnonzero((np.abs(dw) > margin * point.objective.penalty.l1) | (w != 0))


def stretched(point: Point, features: NDArray[np.intp]) -> tuple[Array, Array]:
    """The entries of w and dw that belong to these features, and the intercept; float64."""
    n_features = point.objective.penalty.n_features
    rows = np.append(features, np.arange(n_features, len(point.w)))
    stretch = np.where(rows < n_features, 1.0, LIGHT)
    w, dw = (part[rows, 0].astype(np.float64) for part in (point.w, point.dw))
    return w / stretch, dw * stretch
