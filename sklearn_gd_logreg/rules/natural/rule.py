"""Natural gradient: w := w − α F⁻¹ dw, descent in the geometry of the model."""

from __future__ import annotations

from copy import copy
from dataclasses import dataclass, field, replace
from math import inf, sqrt
from typing import Any, ClassVar

import numpy as np

from ..._typing import Array
from ...objective import Objective, Point
from ...rates import LearningRate, TimeDecay
from ...validation import Interval, check_flags
from ..base import StableRate, UpdateRule
from .curvature import (
    TRACE,
    Curvature,
    FactorisedFisher,
    Heading,
    Target,
    regular_fisher,
    towards_the_origin,
)
from .forms import SMALL, exact_form, fisher_rows, thrifty_form
from .lengths import LongerSteps, PolyakBound, first_rate, next_rate
from .prox_newton import ProximalFisher, WorkingSet
from .subsampling import (
    Known,
    descend_on_samples,
    fisher_work,
    on_sample,
    restraint_on_samples,
    sample_sizes,
)

EPOCH_FLOOR = 0.02
"""With mini-batches, the part of F at w = 0 that is added to F.

F is looked at once an epoch, and where the probabilities are near 0 or 1 it all but
vanishes; the steps from there on would know no bound.
"""


CHEAP = 4e6
"""Work on F and its factor up to which F is worked out in every pass: the calls cost more."""

FAR = 4.0
"""A start that costs more than so many times ln K is too far out for F to be of use."""


@dataclass
class NaturalMemory:
    """The Fisher information in use, and the full step from the point looked at.

    ``beginning`` says that the next point is as good as a start; ``ratio`` is that of the
    decrease promised here to that promised a step ago, where one F serves for several steps, or
    is of a part of the model; ``alpha`` is the rate that a line search tries first.
    """

    curvature: Curvature
    point: Point
    full: Target | None = None
    beginning: bool = False
    ratio: float = 0.0
    alpha: float = 1.0

    def full_step(self) -> Target:
        """The step with α = 1 from the point looked at; worked out once."""
        if self.full is None:
            self.full = self.curvature.target(self.point, 1.0)
        return self.full

    def follow(self, before: float, ratio: float) -> None:
        """Work out the ratio from the decrease promised a step ago, and from the ratio there."""
        self.ratio = max(self.full_step().decrease / (before or 1.0), 0.0)
        if ratio:
            self.ratio = (self.ratio * ratio**3) ** 0.25


@dataclass
class StreamMemory(NaturalMemory):
    """With F of all rows of a stream so far."""

    fisher: Array = field(default_factory=lambda: np.zeros((0, 0)))


class NaturalGradient(UpdateRule):
    """Natural gradient descent, w := w − α F⁻¹ dw.

    F is the Fisher information of the model, Σ share · (diag(a) − aaᵀ) ⊗ xxᵀ, plus the
    l2 penalty. It measures a step by how much it changes the predicted distribution,
    so that, but for the penalty, the path is the same for any scaling of the features.
    For logistic regression F is the Hessian of J: with the exact F this is Fisher
    scoring, which is Newton's method.

    J, dw and the decision to stop are those of all rows at every iterate. What is spared
    is the work on F, by what it would cost beside a pass over the rows:

    - Few rows: F is worked out on all of them at every point, and factorised (Cholesky); very
      few rows are read once for J, dw and F.
    - Many rows: it is worked out on a sample, and again when the steps shrink slowly. In
      between it is corrected by the change of dw that each step has shown (BFGS), which
      is momentum in the metric of F. The first step leads to where descents on growing
      samples, to about n/16 or n/4 rows, have led.
    - Three classes or more, where all of F is dear: at first the product of a matrix for
      the features and one for the classes (Kronecker).
    - More than ``direct_limit`` parameters: a power of the diagonal of F or, for a softmax, the
      product form, corrected in the same way. That the descent ends is for conjugate
      gradients to say, with products Fv on all rows, preconditioned by all that is known by
      then. They also take over after 400 steps.
    - Rows fewer than features are first written in coordinates of the space they span.
    - With an L1 penalty the step is the minimiser of the quadratic model plus λ‖w‖₁, found
      by coordinate descent and an active set, on the features that matter most.

    It stops when √(dwᵀ F⁻¹ dw) ≤ tol, whose half square estimates J − J*; with an L1
    penalty, when the same is true of the decrease of the model. The step from there is
    known by then, and is still made.

    Far from the data, where all probabilities are 0 or 1, F says nothing. From a start
    that costs over four times what w = 0, b = 0 does, the first step leads there.

    ``learning_rate="auto"`` tries α = 1 and backtracks. Where F is worked out anew at every point,
    it tries up to α = 2: the more, at w = 0, b = 0, the regression explains that the step amounts
    to, and later, the more of its slope the last step has left. With mini-batches F is worked
    out once an epoch, on all rows, and a small part of F at w = 0 is added (beyond
    ``direct_limit``: the diagonals of both are added to the F of each batch), and
    α = 1 / ((1 + p/batch_size)(1 + epochs)), p the number of parameters.

    Parameters
    ----------
    damping : float, default=0.0
        F + damping · diag(F) is used in place of F (Levenberg and Marquardt): shorter
        steps, turned towards the plain gradient of scaled features.
    direct_limit : int, default=2000
        Largest number of parameters for which F is factorised.
    exact : bool, default=False
        Whether to work F out on all rows at every point: Fisher scoring as in the
        textbooks, without samples and corrections.

    References
    ----------
    Amari, "Natural gradient works efficiently in learning", Neural Comput. 10 (1998).
    Samples: Byrd, Chin, Neveitt and Nocedal, "On the use of stochastic Hessian
    information in optimization methods for machine learning", SIAM J. Optim. 21 (2011);
    Daneshmand, Lucchi and Hofmann, "Starting small: learning with adaptive sample sizes",
    ICML 2016; secants: Nocedal, "Updating quasi-Newton matrices with limited storage", Math.
    Comput. 35 (1980). With an L1 penalty: Lee, Sun and Saunders, "Proximal Newton-type methods
    for minimizing composite functions", SIAM J. Optim. 24 (2014).

    Examples
    --------
    >>> from sklearn.datasets import load_breast_cancer
    >>> from sklearn_gd_logreg import GDLogisticRegression, NaturalGradient
    >>> X, y = load_breast_cancer(return_X_y=True)
    >>> clf = GDLogisticRegression(solver=NaturalGradient()).fit(X, y)
    >>> clf.stop_reason_, clf.n_iter_ < 20
    ('tol', True)
    """

    scale_free = True
    finishes = True

    _intervals: ClassVar = {
        "damping": Interval(0, inf, "[)"),
        "direct_limit": Interval(1, inf, "[)", integral=True),
    }

    def __init__(self, damping: float = 0.0, direct_limit: int = 2000, exact: bool = False) -> None:
        self.damping = damping
        self.direct_limit = direct_limit
        self.exact = exact
        self._aim = 0.0

    def check(self) -> None:
        super().check()
        check_flags(self, ["exact"])

    def aimed_at(self, tol: float) -> NaturalGradient:
        aimed = copy(self)
        aimed._aim = tol
        return aimed

    def is_straight(self, objective: Objective) -> bool:
        return True

    def on_stream(self, share: float) -> NaturalGradient:
        rule = OnStream(self.damping, self.direct_limit)
        rule.share = share
        return rule

    def wants_row_space(self, objective: Objective, batch_size: int | None, max_iter: int) -> bool:
        data, n_outputs = objective.data, objective.loss.n_outputs
        n_rows = data.n_weighted_rows
        few = (n_rows + 1) * n_outputs <= self.direct_limit
        return n_rows < data.n_features and few and not objective.penalty.l1

    def wants_fisher(self, objective: Objective) -> bool:
        data, n_outputs = objective.data, objective.loss.n_outputs
        most = min(self.direct_limit, SMALL) if objective.penalty.l1 else self.direct_limit
        if data.n_parameters * n_outputs > most or fisher_work(objective, data.n_rows) > CHEAP:
            return False
        sampled = fisher_rows(objective) < data.n_rows or self._sample_sizes(objective)
        return self.exact or not sampled

    def forget(self, point: Point, memory: Any) -> Any:
        """Without the way to where samples have led, where J does not fall on it."""
        if not isinstance(memory.curvature, Heading):
            return memory
        return NaturalMemory(self._curvature(point, None), point)

    def look(self, point: Point, memory: Any) -> NaturalMemory:
        if memory is None or memory.beginning:
            return self._first_look(point)
        if isinstance(memory.curvature, Heading):
            known = memory.curvature.known_at(point)
            ours = known.aimed_at(self._aim) if known else self._curvature(point, None)
            return NaturalMemory(ours, point)
        learned = None
        before = memory.full_step().decrease
        if not (self.exact or point.curved):
            learned = memory.curvature.learn(memory.point, point, before)
        if learned is not None:
            going_on = NaturalMemory(learned, point)
            full = going_on.full_step()
            going_on.follow(before, memory.ratio)
            stale = learned.is_stale(full.decrease, going_on.ratio)
            if not (stale or self._ends_too_soon(point, going_on)):
                return going_on
        anew = NaturalMemory(self._curvature(point, learned or memory.curvature), point)
        if anew.curvature.is_partial(point):
            anew.follow(before, memory.ratio)
        if self._may_go_further(anew):
            anew.alpha = next_rate(memory.point, memory.full_step(), point)
        return anew

    def again(self, point: Point, memory: Any) -> NaturalMemory:
        aimed = memory.curvature.aimed_at(self._aim)
        if aimed is memory.curvature:
            return memory
        going_on = replace(memory, curvature=aimed, full=None)
        unproved = aimed.asks_for_proof(going_on.full_step().decrease)
        if unproved or self._ends_too_soon(point, going_on):
            return NaturalMemory(self._curvature(point, aimed), point)
        return going_on

    def _ends_too_soon(self, point: Point, memory: NaturalMemory) -> bool:
        """Whether the descent would end by an F in use that may not know of what is left.

        That may be because parameters that would lower J are without F. Or F is old: where rows
        have come to be fitted well, their part of F has all but vanished since. An F from before
        is too large there, and promises too little.
        """
        if self.norm(point, memory) > self._aim:
            return False
        return memory.curvature.overlooks(point) or memory.curvature.is_old

    def _first_look(self, point: Point) -> NaturalMemory:
        """The way to the origin, or to where growing samples lead, or the step from here."""
        if point.cost > FAR * point.objective.loss.uniform_loss:
            return NaturalMemory(towards_the_origin(point), point, beginning=True)
        sizes = self._sample_sizes(point.objective)
        if sizes:
            restraint = restraint_on_samples(point.objective)
            sample = Point(on_sample(point.objective, sizes[0], restraint), point.w)
            first = self._curvature(sample, None)
            decrease = first.target(point, 1.0).decrease
            sizes = [size for size in sizes if size * decrease > point.w.size]
        if sizes:
            rule = OnSample(self.damping, self.direct_limit)
            known = Known(first, sample.objective.penalty)
            w, known_there = descend_on_samples(point, rule, sizes, restraint, known)
            return NaturalMemory(Heading(w, min(decrease, point.cost), known_there), point)
        here = NaturalMemory(self._curvature(point, None), point)
        if here.curvature.asks_for_proof(here.full_step().decrease):
            return NaturalMemory(self._curvature(point, here.curvature), point)
        if self._may_go_further(here) and not point.w.any():
            here.alpha = first_rate(point, here.full_step())
        return here

    def _may_go_further(self, memory: NaturalMemory) -> bool:
        """Whether steps are Newton's, and may be longer than F says."""
        return not (self.exact or self.damping) and memory.curvature.is_fresh

    def _sample_sizes(self, objective: Objective) -> list[int]:
        n_parameters = objective.data.n_parameters * objective.loss.n_outputs
        return [] if self.exact or n_parameters > self.direct_limit else sample_sizes(objective)

    def _curvature(self, point: Point, before: Curvature | None) -> Curvature:
        if self.exact or point.curved:
            form = exact_form(point, self.damping, self.direct_limit)
            return form.at(point, self._aim) if isinstance(form, WorkingSet) else form
        return thrifty_form(point, self.damping, self.direct_limit, self._aim, before)

    def look_before_epoch(self, point: Point, memory: Any) -> NaturalMemory:
        curvature = exact_form(point, self.damping, self.direct_limit, EPOCH_FLOOR)
        return NaturalMemory(curvature, point)

    def norm(self, point: Point, memory: Any) -> float:
        """√(2 · decrease to come), which is √(dwᵀ F⁻¹ dw) without L1 and for a fresh F."""
        to_come = memory.curvature.to_come(memory.full_step().decrease, memory.ratio)
        return sqrt(max(2 * to_come, 0.0))

    def step(self, point: Point, alpha: float, memory: Any) -> tuple[Array, Any]:
        if point is not memory.point or (alpha != 1 and point.objective.penalty.l1):
            return memory.curvature.target(point, alpha).w, memory
        full = memory.full_step().w
        return (full if alpha == 1 else point.w + alpha * (full - point.w)), memory

    def trial(self, point: Point, alpha: float, memory: Any) -> tuple[Array, Any]:
        """A part of the full step, with an L1 penalty too.

        What holds shorter steps of that penalty back where F all but vanishes holds them back
        too much, beside steps that are tried in turn and end with α = 1.
        """
        if alpha >= 1 or not point.objective.penalty.l1:
            return self.step(point, alpha, memory)
        return point.w + alpha * (memory.full_step().w - point.w), memory

    def auto_rate(self, objective: Objective, batch_size: int | None) -> LearningRate:
        if batch_size is None:
            return LongerSteps(interpolate=not self.exact)
        n_parameters = objective.data.n_parameters * objective.loss.n_outputs
        steps_per_epoch = -(-len(objective.data.weighted_rows()) // batch_size)
        return TimeDecay(1 / (1 + n_parameters / batch_size), decay=1 / steps_per_epoch)

    def stable_rate(self, objective: Objective) -> StableRate:
        return StableRate(2.0, "2")


class OnStream(NaturalGradient):
    """The rule on rows that are a part of all rows so far, ``share`` of their weight.

    On a quadratic cost, a mean of F over all rows so far and α = share end at the minimum for
    all of them. Here F is met where it is larger than at the end, so that recent rows count
    more: with the gain 2 · share / (1 + share) for both, the weights of the rows grow in
    proportion to their place in the stream.

    References
    ----------
    Ollivier, "Online natural gradient as a Kalman filter", Electron. J. Stat. 12 (2018).
    """

    share: float = 1.0

    @property
    def _gain(self) -> float:
        return 2 * self.share / (1 + self.share)

    def look_before_epoch(self, point: Point, memory: Any) -> NaturalMemory:
        objective, rough = point.objective, point.objective.penalty.l1 > 0
        if point.w.size > (min(self.direct_limit, SMALL) if rough else self.direct_limit):
            return super().look_before_epoch(point, memory)
        fisher = regular_fisher(point, self.damping)
        if isinstance(memory, StreamMemory):
            fisher = memory.fisher + self._gain * (fisher - memory.fisher)
        floored = fisher + EPOCH_FLOOR * objective.uniform_fisher
        if rough:
            form: Curvature = ProximalFisher(floored, np.arange(len(point.w)))
        else:
            form = FactorisedFisher.of(floored, TRACE[point.w.dtype])
        return StreamMemory(form, point, fisher=fisher)

    def auto_rate(self, objective: Objective, batch_size: int | None) -> LearningRate:
        n_rows = len(objective.data.weighted_rows())
        size = min(batch_size or n_rows, n_rows)
        gain = self._gain * size / n_rows
        n_parameters = objective.data.n_parameters * objective.loss.n_outputs
        return PolyakBound(gain / (1 + n_parameters / size * gain))


class OnSample(NaturalGradient):
    """The rule on one sample of rows: as it is, without smaller samples first.

    ``known`` is the F that a smaller sample has handed over.
    """

    known: Curvature | None = None

    def knowing(self, known: Curvature | None) -> OnSample:
        aware = copy(self)
        aware.known = known
        return aware

    def _first_look(self, point: Point) -> NaturalMemory:
        if self.known is None or point.cost > FAR * point.objective.loss.uniform_loss:
            return super()._first_look(point)
        return NaturalMemory(self.known.aimed_at(self._aim), point)

    def _sample_sizes(self, objective: Objective) -> list[int]:
        return []
