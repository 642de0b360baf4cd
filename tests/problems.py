"""Data sets, scikit-learn's optimum, and the conditions of an optimum written out anew.

Except for `solve_lasso`, nothing here imports the package under test: these are its judges.
"""

import warnings
from dataclasses import dataclass, field, replace
from functools import cache
from importlib.util import find_spec

import numpy as np
import pytest
import sklearn
from scipy import sparse, special
from sklearn import datasets
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

from sklearn_gd_logreg.rules.natural.l1_quadratic import INEXACT_TOL, GramModel, minimise

FIRST_ORDER = ("gd", "momentum", "nesterov", "adagrad", "rmsprop", "adam")
"""Names of the rules that use the gradient alone."""

SOLVERS = (*FIRST_ORDER, "natural")
"""Names of all rules."""

L1_RATIO_DECIDES = tuple(map(int, sklearn.__version__.split(".")[:2])) >= (1, 8)
"""Since scikit-learn 1.8 the penalty follows from C and l1_ratio; before, ``penalty`` names it."""

needs_callbacks = pytest.mark.skipif(
    find_spec("sklearn.callback") is None, reason="sklearn.callback came with scikit-learn 1.9"
)


# -- data ---------------------------------------------------------------------------------


@dataclass(frozen=True)
class Problem:
    """Rows, labels and the options that define one cost J."""

    X: object
    y: np.ndarray
    options: dict = field(default_factory=dict)
    sample_weight: np.ndarray | None = None

    def on(self, X):
        """The same problem with the rows in another form."""
        return replace(self, X=X)

    def fit(self, estimator):
        """Fit with these options."""
        return estimator.set_params(**self.options).fit(self.X, self.y, self.sample_weight)

    def optimum(self, **kwargs):
        """What scikit-learn fits with these options."""
        return reference(self.X, self.y, self.sample_weight, **self.options, **kwargs)

    def kkt_violation(self, model):
        """`kkt_violation` of the parameters of a fitted model, for this cost."""
        return kkt_violation(self.X, self.y, model, self.sample_weight, **self.options)


@cache
def load(name, scaled=False, rows=None):
    """One of scikit-learn's data sets, standardised if asked, thinned to some rows."""
    X, y = getattr(datasets, f"load_{name}")(return_X_y=True)
    if rows is not None:
        chosen = np.random.RandomState(0).permutation(len(y))[:rows]
        X, y = X[chosen], y[chosen]
    if scaled:
        X = StandardScaler().fit_transform(X)
    X.setflags(write=False)
    return X, y


def noisy(n_rows, n_features, n_classes, seed, density=1.0):
    """Random rows whose labels follow a linear score with much noise: never separable."""
    rng = np.random.RandomState(seed)
    X = rng.standard_normal((n_rows, n_features))
    X[rng.uniform(size=X.shape) > density] = 0
    score = X @ rng.standard_normal((n_features, n_classes)) / np.sqrt(n_features)
    y = np.argmax(score + 2 * rng.gumbel(size=score.shape), axis=1)
    y[:n_classes] = np.arange(n_classes)
    return X, y


def eighths(n_rows=90, n_features=6, n_classes=2, seed=0):
    """Half of X is 0, the rest is one of 1/8, 2/8, …, 4: exact in float32."""
    rng = np.random.default_rng(seed)
    X = rng.integers(1, 33, (n_rows, n_features)) / 8 * (rng.random((n_rows, n_features)) < 0.5)
    scores = X @ rng.normal(size=(n_features, n_classes)) + 2 * rng.gumbel(size=(n_rows, n_classes))
    return X, scores.argmax(axis=1)


def sparse_rows(n_rows, n_features, seed, density=0.02):
    """A CSR array with entries of some standard normal, many columns of it rare."""
    rng = np.random.RandomState(seed)
    drawn = sparse.random(n_rows, n_features, density=density, random_state=rng, format="csr")
    drawn.data = rng.standard_normal(drawn.nnz)
    return sparse.csr_array(drawn)


def uneven_weights(n_rows, seed=0):
    """Positive weights, the largest some twenty times the smallest."""
    return np.random.RandomState(seed).exponential(size=n_rows) + 0.2


# -- the optimum by scikit-learn ----------------------------------------------------------


def reference(X, y, sample_weight=None, *, C=1.0, l1_ratio=0.0, solver=None, **options):
    """A LogisticRegression at the optimum: its tightest solver, until it can do no more.

    It warns when it can do no more, and that is as good as it gets; whether that is good
    enough is for the test to find out.
    """
    penalty = {"l1_ratio": l1_ratio} if L1_RATIO_DECIDES else _penalty_by_name(C, l1_ratio)
    finite = {} if np.isinf(C) and not L1_RATIO_DECIDES else {"C": C}
    solver = solver or ("saga" if l1_ratio else "newton-cholesky")
    tight = {"tol": 1e-10, "max_iter": 100_000 if l1_ratio else 1000, "random_state": 0}
    model = LogisticRegression(solver=solver, **penalty, **finite, **(tight | options))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return model.fit(X, y, sample_weight)


def _penalty_by_name(C, l1_ratio):
    if np.isinf(C):
        return {"penalty": None}
    if l1_ratio:
        return {"penalty": "elasticnet", "l1_ratio": l1_ratio}
    return {"penalty": "l2"}


# -- J and the conditions of its optimum --------------------------------------------------


def mean_loss_and_gradient(X, y, coef, intercept, sample_weight=None):
    """Σ s ℒ / Σ s and its gradient; coef (1 or K, n_features), y = 0 … K−1."""
    share = np.ones(len(y)) if sample_weight is None else np.asarray(sample_weight, dtype=float)
    share = (share / share.sum())[:, np.newaxis]
    z = np.asarray(X @ coef.T) + intercept
    two = z.shape[1] == 1
    scores = np.hstack([np.zeros_like(z), z]) if two else z
    log_a = special.log_softmax(scores, axis=1)
    hot = np.arange(scores.shape[1]) == np.asarray(y)[:, np.newaxis]
    dz = share * (special.softmax(scores, axis=1) - hot)
    dz = dz[:, 1:] if two else dz
    return -np.sum(share * hot * log_a), np.asarray(X.T @ dz).T, dz.sum(axis=0)


def class_factors(y, sample_weight, class_weight):
    """Sample weight × class weight, row by row; y = 0 … K−1."""
    s = np.ones(len(y)) if sample_weight is None else np.asarray(sample_weight, dtype=float)
    if class_weight == "balanced":
        mass = np.bincount(y, weights=s)
        return s * (s.sum() / (len(mass) * mass))[y]
    return s if class_weight is None else s * np.array([class_weight.get(c, 1.0) for c in y])


def cost(
    X, y, model, sample_weight=None, *, C=1.0, l1_ratio=0.0, class_weight=None, fit_intercept=True
):
    """J of a fitted model, by its definition."""
    s = class_factors(y, sample_weight, class_weight)
    loss = mean_loss_and_gradient(X, y, model.coef_, model.intercept_, s)[0]
    ridge, lasso = 0.5 * np.sum(model.coef_**2), np.sum(np.abs(model.coef_))
    return loss + ((1 - l1_ratio) * ridge + l1_ratio * lasso) / (C * s.sum())


def kkt_violation(
    X, y, model, sample_weight=None, *, C=1.0, l1_ratio=0.0, class_weight=None, fit_intercept=True
):
    """How far a fitted model is from the conditions of the optimum of J.

    Returns
    -------
    coef : array of shape (1 or K, n_features)
        Distance of 0 from the subdifferential, coordinate by coordinate.
    intercept : array of shape (1 or K,)
    """
    s = class_factors(y, sample_weight, class_weight)
    w = model.coef_
    _, dw, db = mean_loss_and_gradient(X, y, w, model.intercept_, s)
    l1, l2 = l1_ratio / (C * s.sum()), (1 - l1_ratio) / (C * s.sum())
    dw = dw + l2 * w
    inside = np.maximum(np.abs(dw) - l1, 0)
    return np.where(w == 0, inside, np.abs(dw + l1 * np.sign(w))), np.abs(db) * fit_intercept


def strict_complementarity(
    X, y, model, sample_weight=None, *, C=1.0, l1_ratio=0.0, class_weight=None, fit_intercept=True
):
    """By how much the zeros and non-zeros of an optimum are beyond doubt, relative to l1.

    It is the smaller of: how far below the threshold the derivative of the zeros is, and
    the least |w| that is not 0, in units of the largest.
    """
    s = class_factors(y, sample_weight, class_weight)
    w = model.coef_
    dw = mean_loss_and_gradient(X, y, w, model.intercept_, s)[1]
    slack = 1 - np.abs(dw[w == 0]) * C * s.sum() / l1_ratio
    others = np.abs(w[w != 0]) / np.abs(w).max(initial=1e-300)
    return min(slack.min(initial=1.0), others.min(initial=1.0))


def exact_loss_and_dz(z, codes):
    """ℒ and dz in extended precision, as sums of exponentials of differences of scores."""
    z = z.astype(np.longdouble)
    if z.shape[1] == 1:
        t = np.where(codes[:, np.newaxis], -z, z)
        e = np.exp(-np.abs(t))
        sigma = np.where(t > 0, 1, e) / (1 + e)
        loss = np.maximum(t, 0) + np.log1p(e)
        return loss[:, 0], np.where(codes[:, np.newaxis], -sigma, sigma)
    rows, top = np.arange(len(z)), z.max(axis=1)
    e = np.exp(z - top[:, np.newaxis])
    own = e[rows, codes].copy()
    e[rows, codes] = 0
    rest = e.sum(axis=1)
    loss = top - z[rows, codes] + np.log1p(rest + (own - 1))
    dz = e / (own + rest)[:, np.newaxis]
    dz[rows, codes] = -rest / (own + rest)
    return loss, dz


# -- a quadratic plus an L1 norm -----------------------------------------------------------


def solve_lasso(fisher, c, thresholds, start, enough=np.inf):
    """The minimiser of ½ uᵀFu − cᵀu + Σ λⱼ|uⱼ| that the proximal Newton step would find."""
    start = start.astype(np.float64)
    model = GramModel(start, fisher @ start - c, thresholds, np.diag(fisher), fisher)
    return minimise(model, INEXACT_TOL, enough)[0].u + 0.0
