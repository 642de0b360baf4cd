"""Fits a problem, and says whether its end is what it claims to be."""

import contextlib
import signal
import threading
import time
import warnings
from dataclasses import dataclass, field

import numpy as np
from scipy import sparse
from sklearn.exceptions import ConvergenceWarning

from sklearn_gd_logreg import GDLogisticRegression

from .exact import LONG, ExactCost
from .oracle import better_points
from .problems import draw

GENEROUS = 10.0
"""How many times as far above a better point as it claims to be makes an end false."""

SLOW = 5.0
"""Seconds from which a fit of tiny data is slow."""

TINY = 100_000
"""Entries of X times outputs up to which data are tiny."""

FAILURES = ("false end", "exception", "not finite", "odd warning", "weights", "absent rows")
"""Findings that fail a run."""

FINDINGS = (*FAILURES, "false alarm", "history", "precision", "slow", "unproved", "oracle")
"""All findings; those that are no failures are counted."""


@dataclass
class Verdict:
    """What was found about the end of one fit.

    Attributes
    ----------
    J, better : float
        J of the model and of the best point found, rounded to the precision of ``coef_``.
    allowed : float
        How far above that J may be: max(tol²/2, what rounding moves J), without `GENEROUS`.
    bound : float
        J of no point is below it; where it is too low to prove the end, that is "unproved".

    "precision" are ends that are as good as the precision of ``coef_`` lets them be, and far above
    the minimum.
    """

    name: str
    seed: int
    params: dict
    shape: tuple = ()
    reason: str = ""
    warned: bool = False
    n_iter: int = 0
    seconds: float = 0.0
    J: float = np.nan
    better: float = np.nan
    allowed: float = np.nan
    bound: float = -np.inf
    findings: dict = field(default_factory=dict)

    @property
    def gap(self):
        return self.J - self.better

    def __str__(self):
        found = "; ".join(
            f"{name}: {text}" if text else name for name, text in self.findings.items()
        )
        return (
            f"--reproduce {self.name} {self.seed}  {self.shape}  {self.reason}, "
            f"{self.n_iter} iterations, {self.seconds:.2f} s, "
            f"J {self.J:.8g}, better {self.better:.8g}, "
            f"gap {self.gap:.2g} of {GENEROUS * self.allowed:.2g}  "
            f"[{', '.join(f'{k}={v!r}' for k, v in self.params.items())}]  {found}"
        )


@contextlib.contextmanager
def limit(seconds):
    """Raise TimeoutError after so many seconds, where there are signals."""
    if (
        not hasattr(signal, "setitimer")
        or threading.current_thread() is not threading.main_thread()
    ):
        yield
        return

    def stop(*_):
        raise TimeoutError(f"more than {seconds} s")

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def judged(name, seed, seconds=120.0):
    """The verdict on the problem of a class and a seed."""
    problem = draw(name, seed)
    q = len(np.unique(problem.y))
    kind = "CSR" if sparse.issparse(problem.X) else "dense"
    shape = (*problem.X.shape, f"{q} classes", str(problem.X.dtype), kind)
    verdict = Verdict(name, seed, problem.params, shape)
    model = GDLogisticRegression(**problem.params)
    started = time.perf_counter()
    try:
        with limit(seconds), warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            model.fit(problem.X, problem.y, problem.sample_weight)
    except Exception as error:
        verdict.seconds = time.perf_counter() - started
        verdict.reason = type(error).__name__
        kind = "slow" if isinstance(error, TimeoutError) else "exception"
        verdict.findings[kind] = f"{type(error).__name__}: {error}"
        return verdict
    verdict.seconds = time.perf_counter() - started
    for warning in caught:
        if not issubclass(warning.category, ConvergenceWarning):
            verdict.findings["odd warning"] = f"{warning.category.__name__}: {warning.message}"
    verdict.warned = any(issubclass(w.category, ConvergenceWarning) for w in caught)
    judge(verdict, model, problem)
    return verdict


def judge(verdict, model, problem):
    """Add to a verdict what the attributes of a fitted model show."""
    X, y, sample_weight, params, new_rows = problem
    verdict.reason, verdict.n_iter = model.stop_reason_, model.n_iter_
    if verdict.seconds > SLOW and np.prod(X.shape) * len(model.coef_) <= TINY:
        verdict.findings["slow"] = ""
    coef, intercept = model.coef_, model.intercept_
    last = {name: column[-1] for name, column in model.history_.items()}
    last.pop("learning_rate")  # nan at the start
    if not all(np.isfinite(value).all() for value in (coef, intercept, *last.values())):
        verdict.findings["not finite"] = ""
        if not (np.isfinite(coef).all() and np.isfinite(intercept).all()):
            return
    cost = ExactCost(X, y, sample_weight, **params)
    if len(cost.classes) != len(model.classes_):
        return
    check_history(verdict, model, cost)
    if isinstance(params.get("solver"), str):
        check_gradient(verdict, model, cost)
        return
    J = cost(coef, intercept)
    verdict.J, best, bound, rounding = float(J), J, LONG(-np.inf), LONG(0)
    free = J  # the least J of any point, rounded or not
    try:
        for oracle, V in better_points(cost, coef, intercept):
            bound = max(bound, oracle.bound(V))
            free = min(free, oracle.value(V))
            point = oracle.exposed(V, coef.dtype)
            if not all(np.isfinite(part).all() for part in point):
                continue
            value = cost(*point)
            if value < best:
                best, rounding = value, moved_by_rounding(cost, *point, value)
    except (ArithmeticError, ValueError, np.linalg.LinAlgError) as error:
        verdict.findings["oracle"] = f"{type(error).__name__}: {error}"
    verdict.better, verdict.bound = float(best), float(bound)
    if not rounding:
        rounding = moved_by_rounding(cost, coef, intercept, J)
    tol = float(params.get("tol", 1e-4))
    verdict.allowed = max(tol**2 / 2, float(rounding))
    far = GENEROUS * verdict.allowed
    if not verdict.warned and verdict.gap > far:
        verdict.findings["false end"] = ""
    elif not verdict.warned and J - free > GENEROUS * max(tol**2 / 2, 1e-4 * free):
        verdict.findings["precision"] = f"{float(J - free):.2g} above a point that is not rounded"
    if not (verdict.warned or "false end" in verdict.findings or J - bound <= far):
        verdict.findings["unproved"] = f"at least {float(bound):.8g}, {float(J - bound):.2g} below"
    if verdict.warned and rounding <= tol**2 / 2 and verdict.gap <= tol**2 / 2:
        verdict.findings["false alarm"] = ""
    if np.isinf(params.get("C", 1.0)) and new_rows is not None and not verdict.warned:
        check_weights(verdict, model, problem)
    if sample_weight is not None and not verdict.warned and np.any(sample_weight == 0):
        check_absent_rows(verdict, model, problem)


def moved_by_rounding(cost, coef, intercept, J, draws=4):
    """By how much rounding may hide that J is lower elsewhere.

    It is the larger of two: how much J rises where every parameter is off by a unit in its last
    place, and the rounding of the losses and of the scores of centred columns in J.
    """
    eps = np.finfo(coef.dtype).eps
    rng = np.random.default_rng(0)
    w = np.abs(coef.astype(LONG)).T
    z = cost.scores(coef, intercept)
    shift = np.array([abs(cost.shift(v, b)) for v, b in zip(coef, intercept, strict=True)])
    size = abs(cost.X) @ w + shift
    worst = eps * (8 * abs(J) + np.sum(np.abs(cost.residuals(z)) * size))
    for _ in range(draws):
        signs, sign = rng.choice([-1, 1], coef.shape), rng.choice([-1, 1], intercept.shape)
        moved = coef.astype(LONG) * (1 + eps * signs), intercept.astype(LONG) * (1 + eps * sign)
        worst = max(worst, cost(*moved) - J)
    return worst


def check_history(verdict, model, cost):
    """The last cost of the history is J of the model, as far as the scores have digits."""
    eps = float(np.finfo(model.coef_.dtype).eps)
    z = cost.scores(model.coef_, model.intercept_)
    r, X = np.abs(cost.residuals(z)), cost.magnitudes()
    size = X @ np.abs(model.coef_.astype(LONG)).T + np.abs(model.intercept_.astype(LONG))
    J = float(cost(model.coef_, model.intercept_))
    allowed = max(1e-6, 100 * eps) * J + 4 * eps * float(np.sum(r * size))
    off = abs(float(model.history_["cost"][-1]) - J)
    if off > allowed + 1e-300:
        verdict.findings["history"] = f"off by {off:.2g}, {off / max(J, 1e-300):.2g} of J"


def check_gradient(verdict, model, cost):
    """What ends a descent by "tol": the max-norm of the smallest subgradient of J.

    Of all solvers but "natural".
    """
    eps = float(np.finfo(model.coef_.dtype).eps)
    r = cost.residuals(cost.scores(model.coef_, model.intercept_))
    dw, db = cost.subgradient(r, model.coef_)
    norm = float(max(np.abs(dw).max(initial=0), np.abs(db).max(initial=0)))
    rounding = 8 * eps * float((cost.magnitudes().T @ np.abs(r)).max(initial=1.0))
    tol = float(verdict.params.get("tol", 1e-4))
    if not verdict.warned and norm > 1.01 * tol + rounding:
        verdict.findings["false end"] = f"the largest derivative is {norm:.3g}"


def check_weights(verdict, model, problem):
    """Without a penalty the weights are not much larger than the training scores need.

    Weights of nearly the least norm are right whatever their accuracy, which is chance after few
    rows.
    """
    X, new = problem.X, problem.new_rows
    X = X.toarray() if sparse.issparse(X) else X
    fit_intercept = problem.params.get("fit_intercept", True)
    centred = X - X.mean(axis=0) if fit_intercept else X
    z = centred @ model.coef_.T
    least = np.linalg.lstsq(centred, z, rcond=1e-10)[0].T
    ratio = np.linalg.norm(model.coef_) / max(np.linalg.norm(least), 1e-300)
    scores = new[0] @ least[0] + (np.mean(X @ model.coef_[0] - X @ least[0]) + model.intercept_[0])
    with_least = np.mean((scores > 0) == new[1])
    accuracy = np.mean(model.predict(new[0]) == new[1])
    if ratio > 10 or (ratio > 1.5 and accuracy < with_least - 0.1):
        verdict.findings["weights"] = (
            f"{ratio:.3g} times the least norm with the same scores; accuracy on new rows "
            f"{accuracy:.3f}, with the least norm {with_least:.3f}"
        )


def check_absent_rows(verdict, model, problem):
    """The model without the rows of weight 0 gives all rows the same probabilities.

    Both are fitted anew to a small ``tol``, so that what is left of the descent does not matter.
    """
    X, y, s, params, _ = problem
    params = params | {"tol": min(params.get("tol", 1e-4), 1e-8)}
    present = s > 0
    l1_ratio, C = params.get("l1_ratio", 0.0), params.get("C", 1.0)
    if l1_ratio == 1 and np.isfinite(C) and X.shape[1] >= np.sum(present):
        return  # the minimum may not be unique
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        model = GDLogisticRegression(**params).fit(X, y, s)
        other = GDLogisticRegression(**params).fit(X[present], y[present], s[present])
    if caught or len(other.classes_) != len(model.classes_):
        return
    off = float(np.abs(other.predict_proba(X) - model.predict_proba(X)).max())
    loose = float(np.finfo(model.coef_.dtype).eps) * GENEROUS
    l2 = (1 - l1_ratio) / (C * s.sum())
    longest = float(np.sqrt((X.multiply(X) if sparse.issparse(X) else X * X).sum(axis=1).max()))
    limit = 1e-6 + 30 * np.sqrt(loose) + (longest * np.sqrt(2 * loose / l2) if l2 else 0.0)
    if off > (limit if l2 else 1e-2):
        verdict.findings["absent rows"] = f"probabilities differ by {off:.2g}"
