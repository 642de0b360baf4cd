"""The Fisher information at a point, in the form that its size allows.

Each form answers one question: where does a step of length α lead, and how much
lower is the quadratic model of J there?
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import lapack

from ..._linalg import diagonal, require_finite, unit_scale
from ..._typing import Array, Precision
from ...data import ALL, blas_threads
from ...objective import Objective, Point

LEAST_PIVOT = 2e-5
"""Least square of a pivot of F with a unit diagonal that single precision can tell."""

SMALLEST = 1e-30
"""Least entry on the diagonal of F that single precision can tell."""

LARGE = 2000
"""Number of parameters from which a diagonal in place of F, and the steps that correct it, are
kept in single precision."""

FARTHEST = 1e15
"""Largest entry of such a diagonal, and of its inverse, whose products are well in the range of
single precision."""

SLOWEST = 0.99
"""Largest ratio of one decrease to the one before that is reckoned with."""

FLAT = 1e-6
"""Least curvature of the class probabilities that is reckoned with, as a part of the largest."""

TRACE = {np.dtype(np.float64): 1e-12, np.dtype(np.float32): 1e-6}
"""Least part of the diagonal of F that is added to it, by the precision of the gradients.

Where F is singular these are nothing but rounding, which F⁻¹ would blow up."""

GUESS = 1e-6
"""The same of a guess of F, which is to shape steps and not to end a descent."""

SHARED = 100
"""Features for each class beyond the first up to which coordinates are sought in which the product
form of F is a diagonal."""


class Target(NamedTuple):
    """Where a step leads, and by how much the quadratic model is lower there."""

    w: Array
    decrease: float


class Curvature(ABC):
    """The quadratic model of J that belongs to a Fisher information."""

    @abstractmethod
    def target(self, point: Point, alpha: float) -> Target:
        """Minimum over u of dw·(u − w) + (u − w)ᵀF(u − w)/(2α) + l1 ‖u‖₁."""

    def to_come(self, decrease: float, ratio: float) -> float:
        """The decrease of this step and of all that follow it.

        ``ratio`` is that of the decrease promised here to that promised a step ago. An F that
        is not fresh promises too little where it is too large. There the steps shrink slowly,
        and their decreases, a geometric series, are what is still to gain.
        """
        return decrease / (1 - min(ratio, SLOWEST))

    def learn(self, before: Point, point: Point, decrease: float) -> Curvature | None:
        """The model corrected by a step and the change of dw on it; None to work it out anew.

        ``decrease`` is what the model promised of that step.
        """
        return None

    @property
    def is_old(self) -> bool:
        """Whether F was worked out so long ago that the end of the descent asks for proof."""
        return False

    @property
    def is_fresh(self) -> bool:
        """Whether the step is −F⁻¹ dw with F of the point looked at, for all parameters."""
        return False

    def overlooks(self, point: Point) -> bool:
        """Whether parameters without F, which it leaves where they are, would lower J there."""
        return False

    def is_partial(self, point: Point) -> bool:
        """Whether parameters that are not 0 are without F, so that a step changes a part."""
        return False

    def asks_for_proof(self, decrease: float) -> bool:
        """Whether it is a guess that takes the descent to end here, where it promises this."""
        return False

    def aimed_at(self, aim: float) -> Curvature:
        """The model for a descent that ends at this norm of the gradient."""
        return self

    def is_stale(self, decrease: float, ratio: float) -> bool:
        """Whether it pays to work F out anew where the model promises this decrease.

        ``ratio`` is that to the decrease promised a step ago.

        With F anew a step would shrink the norm further, but costs more passes: what counts
        is the progress in a pass.
        """
        return True

    def handed_over(self, objective: Objective, more: Array) -> Curvature | None:
        """The model for a descent on other rows, from where this one led; None for none.

        ``more``, for every parameter, is what the l2 penalty there adds to the diagonal of F.
        """
        return None


@dataclass(frozen=True)
class Heading(Curvature):
    """No F at all, but a place to go to, and how much lower J is expected to be there.

    ``known`` is what those who have been there say of F.
    """

    w: Array
    decrease: float
    known: Curvature | None = None

    def target(self, point: Point, alpha: float) -> Target:
        end = self.w if alpha == 1 else point.w + alpha * (self.w - point.w)
        return Target(end, self.decrease)

    def known_at(self, point: Point) -> Curvature | None:
        """What is known of F at a point, if that is where this led."""
        return self.known if np.array_equal(point.w, self.w) else None


def towards_the_origin(point: Point) -> Heading:
    """The way to w = 0, b = 0, where every class is as likely.

    J is convex, so from a point that costs more it falls all the way.
    """
    fall = point.cost - point.objective.loss.uniform_loss
    return Heading(np.zeros_like(point.w), fall)


class Metric(Curvature):
    """A model that is quadratic throughout: the step is −α F⁻¹ dw."""

    @property
    def precision(self) -> Precision:
        """Of slopes that will do: F⁻¹ may blow rounding up where it mixes parameters."""
        return np.float64

    @property
    def is_rough(self) -> bool:
        """Whether it blows up the rounding of slopes in double precision too."""
        return False

    @abstractmethod
    def solve(self, dw: Array) -> Array:
        """F⁻¹ dw."""

    def agreeing(self, step: Array, change: Array) -> Metric:
        """The metric of its kind that agrees best with a step and the change of dw on it."""
        return self

    def target(self, point: Point, alpha: float) -> Target:
        move = self.solve(point.dw)
        if self.is_rough or point.w.dtype == np.float32:
            move = without_rounding(move, point)
        return Target(point.w - alpha * move, 0.5 * alpha * float(np.vdot(point.dw, move)))


def without_rounding(move: Array, point: Point) -> Array:
    """A full step without rounding in what all scores share.

    That changes the penalty alone, which is least where it is 0. It has no part in the gradient
    of the loss but rounding, which would add up from step to step.
    """
    loss, penalty = point.objective.loss, point.objective.penalty
    step = loss.without_shared(move)
    if penalty.l2:
        penalised = point.w[: penalty.n_features]
        step[: penalty.n_features] += penalised - loss.without_shared(penalised)
    return step


@dataclass(frozen=True)
class FactorisedFisher(Metric):
    """F, scaled to a unit diagonal and factorised.

    A trace of the diagonal is added, no more than rounding makes necessary: F is
    singular where features are collinear or, without a penalty, where adding the
    same to the scores of all classes changes nothing. The gradient has no part there.
    """

    fisher: Array
    scale: Array
    factor: Array
    least: float

    def plus(self, more: Array) -> FactorisedFisher:
        """With more on the diagonal."""
        if not more.any():
            return self
        fisher = self.fisher.copy()
        diagonal(fisher)[...] += more
        return self.of(fisher, self.least)

    @property
    def is_fresh(self) -> bool:
        return True

    def is_regular(self, n_outputs: int) -> bool:
        """Whether F stays what it is when its entries are rounded to single precision.

        The last score of a softmax is left out: beside the others its direction is flat, and
        F is put together so that rounding has no part there.
        """
        pivots = diagonal(self.factor).reshape(-1, n_outputs)[:, : max(n_outputs - 1, 1)]
        return bool(pivots.min() ** 2 > LEAST_PIVOT)

    @classmethod
    def of(cls, fisher: Array, least: float = TRACE[np.dtype(np.float64)]) -> FactorisedFisher:
        """Factorise with the least trace, but ``least``, that makes F positive definite."""
        scale = unit_scale(diagonal(fisher))
        scaled = fisher / scale
        scaled /= scale[:, np.newaxis]
        trace = least
        while True:
            diagonal(scaled)[...] += trace
            with blas_threads(len(scaled) ** 3 / 3):
                factor, failed = lapack.dpotrf(scaled.T, lower=1, clean=0)
            if not failed:
                return cls(fisher, scale, factor, least)
            trace *= 10

    def to_unit(self) -> Array:
        """L⁻¹ of F = LLᵀ: L⁻¹ F L⁻ᵀ = I."""
        return np.tril(lapack.dtrtri(self.factor, lower=1)[0]) / self.scale

    def solve(self, dw: Array) -> Array:
        slope = dw.ravel() / self.scale
        move = lapack.dpotrs(self.factor, slope, lower=1)[0]
        return (move.ravel() / self.scale).reshape(dw.shape)


@dataclass(frozen=True)
class DiagonalFisher(Metric):
    """The diagonal of F at w = 0, where a is the same in all rows, to some power.

    The diagonal itself makes the path the same for any scaling of the features. But where
    most features are rare, as words are, it gives these too much: many of them together
    make up directions in which J bends little. There its square root is the better metric.
    So of three powers the one is taken that agrees best with what the last step has shown.

    Attributes
    ----------
    metrics : array of shape (3, w.size)
        The diagonal to the powers ½, ¾ and 1, times the power of its sum that makes up for it.
    inverses : array of the same shape
        1 / metrics, and 0 where the diagonal is 0.
    chosen : int
        Which of them is used.
    """

    metrics: Array
    inverses: Array
    chosen: int = 1

    @classmethod
    def of(cls, objective: Objective) -> DiagonalFisher:
        """From the mean squares of the features."""
        n_outputs = objective.loss.n_outputs
        likely = 1 / max(n_outputs, 2)
        variance = np.full((1, n_outputs), likely * (1 - likely))
        diagonal = objective.mean_squares[:, np.newaxis] * variance
        diagonal += objective.penalty.gradient(np.ones_like(diagonal))
        half = np.sqrt(diagonal * diagonal.sum(axis=0))
        metrics = np.stack([half, np.sqrt(half * diagonal), diagonal]).reshape(3, -1)
        inverses = np.divide(1, metrics, out=np.zeros_like(metrics), where=metrics > 0)
        if metrics.size > 3 * LARGE and max(metrics.max(), inverses.max()) < FARTHEST:
            metrics, inverses = metrics.astype(np.float32), inverses.astype(np.float32)
        return cls(metrics, inverses)

    @property
    def precision(self) -> Precision:
        return self.metrics.dtype.type

    def solve(self, dw: Array) -> Array:
        return dw * self.inverses[self.chosen].reshape(dw.shape)

    def agreeing(self, step: Array, change: Array) -> DiagonalFisher:
        """The power whose metric M has the least sᵀMs · yᵀM⁻¹y for a flat step s and change y.

        By Cauchy and Schwarz that is (sᵀy)² at the least, and it is if y = Ms but for a factor.
        """
        kind = self.metrics.dtype
        squares, turns = np.square(step, dtype=kind), np.square(change, dtype=kind)
        excess = (self.metrics @ squares) * (self.inverses @ turns)
        return replace(self, chosen=int(np.argmin(excess)))


@dataclass(frozen=True)
class KroneckerFisher(Metric):
    """F of the softmax as if features and classes varied independently: G ⊗ A + l2 I.

    A = mean(diag(a) − aaᵀ) and G = Σ h xxᵀ / Σ h, with h the trace of diag(a) − aaᵀ of a
    row. In the coordinates of the eigenvectors of A this falls apart into one matrix of the size
    of G for each of them, λ G + l2 I with λ the eigenvalue, where F itself has K² as many entries.

    Attributes
    ----------
    classes : array of shape (n_outputs, n_outputs)
        The eigenvectors of A.
    blocks : Metric
        The matrices of these coordinates, each for a column of w.

    References
    ----------
    Martens and Grosse, "Optimizing neural networks with Kronecker-factored approximate
    curvature", ICML 2015, whose single layer this is.
    """

    classes: Array
    blocks: Metric

    @property
    def is_rough(self) -> bool:
        return True

    @classmethod
    def at(cls, point: Point, damping: float) -> KroneckerFisher:
        """Both factors at a point; two passes over its rows.

        The eigenvalues of A are kept away from 0, where it is singular.
        """
        objective = point.objective
        gram, classes = objective.fisher_factors(point.w)
        require_finite(gram)
        values, vectors = np.linalg.eigh(classes)
        values = np.maximum(values, FLAT * values[-1])
        diagonal(gram)[...] *= 1 + damping
        penalty = np.zeros(len(gram))
        penalty[: objective.data.n_features] = objective.penalty.l2 * (1 + damping)
        form = SharedAxes if len(gram) <= SHARED * (len(values) - 1) else OneByOne
        return cls(vectors, form.of(gram, values, penalty))

    def solve(self, dw: Array) -> Array:
        return self.blocks.solve(dw @ self.classes) @ self.classes.T


@dataclass(frozen=True)
class OneByOne(Metric):
    """A matrix λ G + D for every column of w, each factorised."""

    blocks: list[FactorisedFisher]

    @classmethod
    def of(cls, gram: Array, values: Array, penalty: Array) -> OneByOne:
        """Of G, the values λ and the diagonal of D."""
        blocks = []
        for value in values:
            block = value * gram
            diagonal(block)[...] += penalty
            blocks.append(FactorisedFisher.of(block, GUESS))
        return cls(blocks)

    def solve(self, dw: Array) -> Array:
        columns = zip(self.blocks, dw.T, strict=True)
        return np.column_stack([block.solve(column) for block, column in columns])


@dataclass(frozen=True)
class SharedAxes(Metric):
    """The same in coordinates V in which both G and D are diagonal, and so are all λ G + D.

    It takes longer to find these than to factorise a few matrices, but then all columns are
    solved for in two products.

    Attributes
    ----------
    axes : array of shape (n_parameters, n_parameters)
        V.
    entries : array of the shape of w
        The diagonals.
    """

    axes: Array
    entries: Array

    @classmethod
    def of(cls, gram: Array, values: Array, penalty: Array) -> SharedAxes:
        """V comes from the matrix with the mean of all λ, LLᵀ.

        In its metric λ G and D add up to I, and so have the same eigenvectors.
        """
        mean = float(values.mean())
        average = mean * gram
        diagonal(average)[...] += penalty
        to_unit = FactorisedFisher.of(average, GUESS).to_unit()
        with blas_threads(len(gram) ** 3):
            roots = to_unit * np.sqrt(penalty)
            shares, turns = np.linalg.eigh(roots @ roots.T)
            axes = to_unit.T @ turns
        shares = np.clip(shares, 0, 1)[:, np.newaxis]
        ratios = values / mean if mean else np.ones_like(values)
        return cls(axes, (1 - shares) * ratios + shares)

    def solve(self, dw: Array) -> Array:
        slopes = self.axes.T @ dw
        return self.axes @ (slopes / self.entries)


def regular_fisher(point: Point, damping: float, features: NDArray[np.intp] | slice = ALL) -> Array:
    """F + damping diag(F), made regular where the loss is redundant.

    The softmax does not change when all scores of a row do by the same amount, and
    nor does J in a parameter without an l2 penalty. The gradient is 0 in such a
    direction but for rounding; F gets a curvature there, small beside its own and
    large beside rounding, that keeps rounding from being blown up.
    """
    fisher = point.fisher(features)
    require_finite(fisher)
    return regular(point, damping, fisher)


def regular(point: Point, damping: float, fisher: Array) -> Array:
    """A Fisher information at the point, made regular in its place."""
    objective = point.objective
    if damping:
        diagonal(fisher)[...] *= 1 + damping
    n_outputs = point.w.shape[1]
    first = len(fisher) - n_outputs * objective.data.intercept if objective.penalty.l2 else 0
    if n_outputs == 1 or first == len(fisher):
        return fisher
    flat = fisher[first:, first:]
    side = len(flat) // n_outputs
    if side == 1:
        flat += 1e-6 / n_outputs * flat.trace() * objective.loss.redundancy
        return fisher
    by_class = flat.reshape(side, n_outputs, side, n_outputs)
    mean = np.einsum("icjc->ij", by_class) * (1e-6 / n_outputs)
    by_class += mean[:, np.newaxis, :, np.newaxis] * objective.loss.redundancy[:, np.newaxis]
    return fisher


def quick_fisher(
    point: Point, damping: float, single: bool = True
) -> tuple[Array, FactorisedFisher]:
    """`regular_fisher` and its factor, from products in single precision where these will do.

    A register holds twice as many numbers then. The steps are corrected by what they show of
    dw, which is exact; so it matters only that rounding is small beside the least curvature.

    Parameters
    ----------
    point : Point
    damping : float
    single : bool
        Whether single precision is tried: False where it has not done before.
    """
    trace = TRACE[point.w.dtype]
    if single:
        with np.errstate(over="ignore", under="ignore", invalid="ignore"):
            fisher = point.fisher(precision=np.float32)
        if np.isfinite(fisher).all() and diagonal(fisher).min() > SMALLEST:
            fisher = regular(point, damping, fisher)
            factorised = FactorisedFisher.of(fisher, trace)
            if factorised.is_regular(point.w.shape[1]):
                return fisher, factorised
    fisher = regular_fisher(point, damping)
    return fisher, FactorisedFisher.of(fisher, trace)


def largest_diagonal(objective: Objective) -> Array:
    """The largest values that the diagonal of F can have but for l2, (n_parameters, 1)."""
    return objective.loss.smoothness * objective.mean_squares[:, np.newaxis]
