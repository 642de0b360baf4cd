"""The classes of random problems: ``problem(name, seed)`` rebuilds any of them.

A class is a function of a random generator that returns a `Sketch`: X, y and the options that
belong to the class. `draw` adds what may vary in every class: the container, the precision, the
weights, ``tol`` and the solver.
"""

import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from scipy import sparse

from sklearn_gd_logreg import NaturalGradient

TOLS = (1e-4, 1e-4, 1e-4, 1e-2, 1e-3, 1e-6, 1e-8)
"""Values of ``tol``; the default is the most frequent."""


class Problem(NamedTuple):
    """What a fit is given, and rows that it does not see."""

    X: object
    y: np.ndarray
    sample_weight: np.ndarray | None
    params: dict
    new_rows: tuple | None


@dataclass
class Sketch:
    """What a class decides of a problem; ``params`` overrides what `draw` would draw.

    ``plain`` keeps the container dense, ``double`` the precision float64, ``even`` the weights 1.
    """

    X: object
    y: np.ndarray
    params: dict = field(default_factory=dict)
    sample_weight: np.ndarray | None = None
    new_rows: tuple | None = None
    plain: bool = False
    double: bool = False
    even: bool = False


CLASSES: dict[str, tuple[Callable, float]] = {}
"""Name of a class: its function, and its share of the problems."""


def problem(name, seed):
    """X, y, sample_weight and the constructor arguments of a problem."""
    return draw(name, seed)[:4]


def draw(name, seed):
    """The problem of a class and a seed."""
    rng = np.random.default_rng([int(seed), zlib.crc32(name.encode())])
    sketch = CLASSES[name][0](rng)
    params = common(rng, len(np.unique(sketch.y))) | sketch.params
    X = np.asarray(sketch.X) if not sparse.issparse(sketch.X) else sketch.X
    single, csr, fortran = rng.random(3) < (0.15, 0.2, 0.1)
    if single and not sketch.double:
        with np.errstate(over="ignore"):
            narrow = X.astype(np.float32)
        values = narrow.data if sparse.issparse(narrow) else narrow
        if np.isfinite(values).all():
            X = narrow
    if not sparse.issparse(X):
        if csr and not sketch.plain:
            X = sparse.csr_array(X)
        elif fortran:
            X = np.asfortranarray(X)
    weights = sketch.sample_weight
    if weights is None and not sketch.even:
        weights = random_weights(rng, sketch.y)
    return Problem(X, sketch.y, weights, params, sketch.new_rows)


def common(rng, n_classes):
    """Constructor arguments that may vary in every class."""
    params = {"tol": float(rng.choice(TOLS))}
    if rng.random() < 0.15:
        params["fit_intercept"] = False
    kind = rng.random()
    if kind < 0.1:
        params["class_weight"] = "balanced"
    elif kind < 0.15:
        params["class_weight"] = {c: float(10 ** rng.uniform(-1, 1)) for c in range(n_classes)}
    kind = rng.random()
    if kind < 0.1:
        params["solver"] = NaturalGradient(exact=True)
    elif kind < 0.2:
        params["solver"] = NaturalGradient(direct_limit=int(rng.integers(1, 40)))
    return params


def random_weights(rng, y):
    """None, uneven weights, or integers some of which are 0; no class loses all of its rows."""
    kind = rng.random()
    if kind < 0.65 or len(y) < 8:
        return None
    weights = rng.exponential(size=len(y)) + 0.01 if kind < 0.8 else rng.integers(0, 4, len(y))
    weights = weights.astype(float)
    weights[np.unique(y, return_index=True)[1]] = 1.0
    return weights


def register(name, share=1.0):
    def put(function):
        CLASSES[name] = function, share
        return function

    return put


# -- parts ---------------------------------------------------------------------------------


def size(rng, low, high):
    """An integer whose logarithm is uniform."""
    return int(np.exp(rng.uniform(np.log(low), np.log(high + 1))))


def strength(rng, low=-3, high=3):
    return float(10 ** rng.uniform(low, high))


def class_count(rng):
    return int(rng.choice([2, 2, 2, 2, 3, 3, 4, 6]))


def normal(rng, n_rows=None, n_features=None):
    """Normal rows, sometimes correlated or with t-distributed entries."""
    n = n_rows or size(rng, 12, 400)
    d = n_features or size(rng, 1, 30)
    X = rng.standard_normal((n, d))
    kind = rng.random()
    if kind < 0.3:
        X = X @ (
            rng.standard_normal((d, d)) * 2.0 ** -np.arange(d)[:, np.newaxis] + 0.1 * np.eye(d)
        )
    elif kind < 0.4:
        X = rng.standard_t(3, size=(n, d))
    return X


def labels(rng, Z, n_classes=None, signal=None):
    """Classes 0 … K−1 by a linear score of the standardised rows; every class occurs."""
    K = min(n_classes or class_count(rng), len(Z))
    Z = np.asarray(Z, dtype=float)
    spread = Z.std(axis=0)
    Z = (Z - Z.mean(axis=0)) / np.where(spread > 0, spread, 1.0)
    signal = float(10 ** rng.uniform(-1, 0.8)) if signal is None else signal
    score = Z @ rng.standard_normal((Z.shape[1], K)) * signal / np.sqrt(Z.shape[1])
    y = np.argmax(score + rng.gumbel(size=score.shape), axis=1)
    y[rng.permutation(len(y))[:K]] = np.arange(K)
    return y


def ratio(rng):
    """An ``l1_ratio``: 0, 1 or between."""
    return float(rng.choice([0.0, 0.0, 1.0, round(rng.random(), 2)]))


def penalty(rng, l1_ratio=None, low=-3, high=3):
    return {"C": strength(rng, low, high), "l1_ratio": ratio(rng) if l1_ratio is None else l1_ratio}


# -- ordinary problems -----------------------------------------------------------------------


@register("ordinary-l2", 1.5)
def ordinary_l2(rng):
    X = normal(rng)
    return Sketch(X, labels(rng, X), penalty(rng, 0.0))


@register("ordinary-l1", 1.5)
def ordinary_l1(rng):
    X = normal(rng)
    return Sketch(X, labels(rng, X), penalty(rng, 1.0, -2, 3))


@register("ordinary-elastic-net")
def ordinary_elastic_net(rng):
    X = normal(rng)
    return Sketch(X, labels(rng, X), penalty(rng, float(rng.uniform(0.01, 0.99)), -2, 3))


@register("tall", 0.3)
def tall(rng):
    """Rows enough for samples of F."""
    X = normal(rng, size(rng, 2000, 6000), size(rng, 2, 12))
    return Sketch(X, labels(rng, X), penalty(rng))


@register("first-order", 0.7)
def first_order(rng):
    """The other solvers, which end by the largest derivative."""
    X = normal(rng, n_features=size(rng, 1, 12))
    if rng.random() < 0.4:
        X = X * 10 ** rng.uniform(-2, 2, X.shape[1]) + rng.choice([0.0, 10.0])
    params = penalty(rng, low=-2, high=2)
    names = ["gd", "momentum", "nesterov", "adagrad", "rmsprop", "adam"]
    params |= {"solver": str(rng.choice(names)), "max_iter": 500}
    if rng.random() < 0.4:
        params["learning_rate"] = "backtracking"
    return Sketch(X, labels(rng, X), params)


# -- ties and collinear columns --------------------------------------------------------------


def one_hot(rng):
    n = size(rng, 20, 400)
    blocks = [
        np.eye(m)[rng.choice(m, n, p=rng.dirichlet(np.full(m, rng.choice([0.5, 5.0]))))]
        for m in rng.integers(2, 13, rng.integers(1, 4))
    ]
    if rng.random() < 0.3:
        blocks.append((rng.random((n, rng.integers(1, 6))) < 0.3).astype(float))
    if rng.random() < 0.2:
        blocks.append(np.round(rng.standard_normal((n, 2))))
    return np.hstack(blocks)


@register("one-hot-l1", 1.5)
def one_hot_l1(rng):
    X = one_hot(rng)
    return Sketch(X, labels(rng, X), penalty(rng, rng.choice([1.0, 1.0, 0.9]).item(), -1.5, 3))


@register("one-hot-l2", 0.7)
def one_hot_l2(rng):
    X = one_hot(rng)
    return Sketch(X, labels(rng, X), penalty(rng, 0.0))


@register("duplicates")
def duplicates(rng):
    """Columns that are equal, or nearly, or sums of others."""
    X = normal(rng, n_features=size(rng, 1, 12))
    chosen = X[:, rng.integers(0, X.shape[1], rng.integers(1, 5))]
    gap = rng.choice([0.0, 10 ** rng.uniform(-14, -3)])
    copies = chosen + gap * rng.standard_normal(chosen.shape)
    copies *= rng.choice([1.0, -1.0, 10 ** rng.uniform(-2, 2)])
    Z = np.hstack([X, copies])
    return Sketch(Z, labels(rng, X), penalty(rng, high=5))


@register("constant-columns", 0.5)
def constant_columns(rng):
    X = normal(rng, n_features=size(rng, 1, 8))
    n = len(X)
    extra = [np.full((n, 1), v) for v in rng.choice([0.0, 1.0, -3.5, 1e6, 1e-9], 3)]
    Z = np.hstack([X, *extra])[:, rng.permutation(X.shape[1] + 3)]
    return Sketch(Z, labels(rng, X), penalty(rng))


# -- columns far from 0 ----------------------------------------------------------------------


def offset(rng):
    """Columns whose mean is 1e2 to 1e12 of their spreads; times, dates and ids among them."""
    X = normal(rng, n_features=size(rng, 1, 8))
    y = labels(rng, X)
    X = X.copy()
    for j in range(X.shape[1]):
        if j and rng.random() < 0.5:
            continue
        spread = X[:, j].std() or 1.0
        kind = rng.random()
        if kind < 0.15:
            X[:, j] = np.round(1.7e9 + 3600 * 10 ** rng.uniform(-1, 3) * X[:, j])  # Unix times
        elif kind < 0.3:
            X[:, j] = 2.46e6 + 10 ** rng.uniform(-2, 2) * X[:, j]  # Julian dates
        elif kind < 0.4:
            X[:, j] = 1e9 + np.argsort(np.argsort(X[:, j]))  # ids
        elif kind < 0.5:
            X[:, j] = 4.5e6 + 100 * X[:, j]  # map coordinates
        else:
            far = 10 ** rng.uniform(2, 12) * rng.choice([-1, 1])
            X[:, j] = 10 ** rng.uniform(-3, 3) * (X[:, j] + far * spread)
    return X, y


@register("offset-l2", 1.5)
def offset_l2(rng):
    X, y = offset(rng)
    params = penalty(rng, 0.0, -1, 6)
    if rng.random() < 0.1:
        params["C"] = np.inf
    return Sketch(X, y, params, double=True)


@register("offset-l1", 1.5)
def offset_l1(rng):
    X, y = offset(rng)
    params = penalty(rng, float(rng.choice([1.0, 1.0, 0.5, 0.01])), -1, 6)
    return Sketch(X, y, params, double=True)


@register("offset-wide", 0.7)
def offset_wide(rng):
    """Fewer rows than features that are far from 0."""
    n = size(rng, 8, 60)
    X = rng.standard_normal((n, size(rng, n + 1, 4 * n)))
    y = labels(rng, X)
    X = X + 10 ** rng.uniform(1, 8) * (1.0 if rng.random() < 0.5 else rng.random(X.shape[1]))
    return Sketch(X, y, penalty(rng, high=4), double=True)


# -- values far from all others --------------------------------------------------------------


def outliers(rng):
    X = normal(rng, n_features=size(rng, 1, 12))
    y = labels(rng, X)
    X = X.copy()
    huge = 10 ** rng.uniform(4, 15) * rng.choice([-1.0, 1.0])
    if rng.random() < 0.3:
        huge = float("9" * rng.integers(4, 13))  # a code for a missing value
    kind = rng.random()
    row, column = rng.integers(X.shape[0]), rng.integers(X.shape[1])
    if kind < 0.6:
        X[row, column] = huge
    elif kind < 0.8:
        for _ in range(rng.integers(2, 6)):
            X[rng.integers(X.shape[0]), rng.integers(X.shape[1])] = huge
    elif kind < 0.9:
        X[row] = huge * rng.standard_normal(X.shape[1])
    else:
        X[row] = huge
    return X, y


@register("outlier-l2", 1.5)
def outlier_l2(rng):
    X, y = outliers(rng)
    return Sketch(X, y, penalty(rng, 0.0))


@register("outlier-l1", 1.5)
def outlier_l1(rng):
    X, y = outliers(rng)
    return Sketch(X, y, penalty(rng, float(rng.choice([1.0, 1.0, 0.5])), -2, 3))


@register("scales", 1.5)
def scales(rng):
    """Features in units of 10^±12."""
    X = normal(rng, n_features=size(rng, 1, 15))
    y = labels(rng, X)
    wide = rng.choice([3, 6, 12, 12])
    params = penalty(rng, high=6)
    if rng.random() < 0.15:
        params = {"C": np.inf}
    return Sketch(X * 10 ** rng.uniform(-wide, wide, X.shape[1]), y, params)


@register("counts")
def counts(rng):
    """Counts and heavy tails."""
    n, d = size(rng, 15, 400), size(rng, 1, 20)
    kind = rng.integers(4)
    if kind == 0:
        X = rng.poisson(10 ** rng.uniform(-2, 3, d), (n, d)).astype(float)
    elif kind == 1:
        X = np.exp(rng.uniform(1, 6) * rng.standard_normal((n, d)))
    elif kind == 2:
        X = rng.standard_cauchy((n, d))
    else:
        X = rng.negative_binomial(0.2, 0.02, (n, d)).astype(float)
    return Sketch(X, labels(rng, np.arcsinh(X)), penalty(rng))


# -- no penalty, or a weak one -----------------------------------------------------------------


@register("unpenalized", 1.0)
def unpenalized(rng):
    X = normal(rng)
    return Sketch(X, labels(rng, X), {"C": np.inf})


@register("unpenalized-collinear", 0.7)
def unpenalized_collinear(rng):
    sketch = duplicates(rng) if rng.random() < 0.6 else one_hot_l2(rng)
    sketch.params = {"C": np.inf}
    return sketch


@register("separable")
def separable(rng):
    """Classes that a hyperplane separates, or all but a few rows."""
    X = normal(rng)
    y = labels(rng, X, signal=float(10 ** rng.uniform(1.5, 4)))
    if rng.random() < 0.5:
        flipped = rng.permutation(len(y))[: rng.integers(1, 4)]
        y[flipped] = (y[flipped] + 1) % (y.max() + 1)
    return Sketch(X, consecutive(y), {"C": np.inf})


def consecutive(y):
    """Labels 0 … K−1, at least two of them."""
    if len(np.unique(y)) < 2:
        y[0] = 1 - min(y[0], 1)
    return np.unique(y, return_inverse=True)[1]


@register("weak-penalty", 1.5)
def weak_penalty(rng):
    sketch = separable(rng)
    sketch.params = penalty(rng, low=4, high=8)
    return sketch


@register("unpenalized-wide", 0.7)
def unpenalized_wide(rng):
    """More features than rows; new rows of the same distribution judge the weights."""
    if rng.random() < 0.6:
        n = size(rng, 5, 60)
        d = size(rng, n + 1, 4 * n)
    else:
        n = size(rng, 150, 320)
        d = size(rng, n + 1, int(1.8 * n))
    X, v = rng.standard_normal((n + 500, d)), rng.standard_normal(d)
    score = X @ v / np.sqrt(d)
    cut = np.median(score) if rng.random() < 0.5 else 0.0
    y = (score + 0.2 * rng.standard_normal(len(X)) > cut).astype(int)
    y[:2] = 0, 1
    train = np.arange(n)
    if rng.random() < 0.2:
        train = np.r_[0, 1, rng.integers(0, n, n)]  # a bootstrap
    return Sketch(
        X[train], y[train], {"C": np.inf}, new_rows=(X[n:], y[n:]), double=True, even=True
    )


# -- labels and weights ----------------------------------------------------------------------


@register("rare-classes")
def rare_classes(rng):
    X = normal(rng)
    K = class_count(rng)
    y = rng.choice(K, len(X), p=rng.dirichlet(np.r_[50.0, np.full(K - 1, 0.5)]))
    y[rng.permutation(len(y))[:K]] = np.arange(K)
    return Sketch(X, y, penalty(rng, high=5))


@register("balanced-labels", 0.5)
def balanced_labels(rng):
    """Labels that depend on nothing, or columns whose class means agree exactly."""
    K = class_count(rng)
    m = size(rng, 2, 60)
    X = np.repeat(normal(rng, n_rows=m), K, axis=0)
    y = np.tile(np.arange(K), m)
    if rng.random() < 0.4:
        X = X + rng.choice([1e-12, 1e-6, 1e-2]) * rng.standard_normal(X.shape)
    return Sketch(X, y, penalty(rng, high=5), even=rng.random() < 0.7)


@register("weights")
def weights(rng):
    """Sample weights of 10^±12, all of one size or of many."""
    X = normal(rng)
    y = labels(rng, X)
    level = 10 ** rng.uniform(-12, 12)
    s = level * (10 ** rng.uniform(-3, 3, len(y)) if rng.random() < 0.5 else rng.random(len(y)))
    if rng.random() < 0.3:
        s = 10 ** rng.uniform(-12, 12, len(y))
    params = penalty(rng)
    params["C"] /= float(s.sum()) / len(s) if rng.random() < 0.7 else 1.0
    return Sketch(X, y, params, sample_weight=s)


@register("zero-weights")
def zero_weights(rng):
    """Many rows of weight 0, which must be as good as absent."""
    n = size(rng, 12, 200)
    X = normal(rng, n, size(rng, 1, 2 * n))
    y = labels(rng, X)
    s = rng.integers(0, 3, n).astype(float) * (1.0 if rng.random() < 0.5 else rng.random(n))
    if rng.random() < 0.3:
        s[rng.random(n) < 0.7] = 0.0
    s[np.unique(y, return_index=True)[1]] = 1.0
    params = penalty(rng)
    if rng.random() < 0.3:
        params = {"C": np.inf}
    return Sketch(X, y, params, sample_weight=s)


# -- shapes ----------------------------------------------------------------------------------


@register("tiny")
def tiny(rng):
    """2 to 5 rows."""
    n, d = int(rng.integers(2, 6)), int(rng.integers(1, 8))
    X = rng.standard_normal((n, d)) * 10 ** rng.uniform(-3, 3)
    if rng.random() < 0.3:
        X = np.round(X)
    y = np.unique(rng.permutation(np.r_[0, 1, rng.integers(0, 3, n - 2)]), return_inverse=True)[1]
    params = penalty(rng, high=6)
    if rng.random() < 0.15:
        params = {"C": np.inf}
    return Sketch(X, y, params)


@register("wide-l2")
def wide_l2(rng):
    n = size(rng, 5, 80)
    X = wide_rows(rng, n)
    return Sketch(X, labels(rng, dense(X)), penalty(rng, 0.0, high=5))


@register("wide-l1")
def wide_l1(rng):
    n = size(rng, 5, 80)
    X = wide_rows(rng, n)
    return Sketch(X, labels(rng, dense(X)), penalty(rng, rng.choice([1.0, 0.5]).item(), -2, 4))


def wide_rows(rng, n):
    d = size(rng, n + 1, 10 * n)
    kind = rng.random()
    if kind < 0.4:
        return rng.standard_normal((n, d))
    if kind < 0.6:
        return rng.standard_normal((n, d)) * 2.0 ** -rng.uniform(0, 20, d)
    X = np.where(rng.random((n, d)) < 0.1, rng.standard_normal((n, d)), 0.0)
    return sparse.csr_array(X) if rng.random() < 0.5 else X


def dense(X):
    return X.toarray() if sparse.issparse(X) else X


@register("text", 0.5)
def text(rng):
    """Counts of words with Zipf's frequencies, or their weights."""
    n, d = size(rng, 20, 400), size(rng, 50, 2500)
    frequency = 1.0 / np.arange(1, d + 1)
    frequency /= frequency.sum()
    topics = np.array([rng.dirichlet(frequency * d * 0.3 + 1e-3) for _ in range(3)])
    y = rng.integers(0, 3 if rng.random() < 0.4 else 2, n)
    y[:2] = 0, 1
    X = np.array([rng.multinomial(size(rng, 10, 120), topics[c]) for c in y], dtype=float)
    X = sparse.csr_array(X)
    if rng.random() < 0.6:
        X.data = 1 + np.log(X.data)
        norms = np.sqrt(np.asarray(X.multiply(X).sum(axis=1)).ravel())
        X = sparse.csr_array(sparse.diags_array(1 / norms) @ X)
    y = np.unique(y, return_inverse=True)[1]
    return Sketch(X, y, penalty(rng, low=-1, high=4))


@register("mixed", 1.5)
def mixed(rng):
    """Several of the troubles at once."""
    X = normal(rng, n_features=size(rng, 2, 12)) if rng.random() < 0.7 else one_hot(rng)
    y = labels(rng, X, signal=float(10 ** rng.uniform(-1, 2)))
    X = X.copy()
    n, d = X.shape
    if rng.random() < 0.4:
        X *= 10 ** rng.uniform(-6, 6, d)
    if rng.random() < 0.4:
        j = rng.integers(d)
        X[:, j] += 10 ** rng.uniform(1, 7) * (X[:, j].std() or 1.0)
    if rng.random() < 0.4:
        X[rng.integers(n), rng.integers(d)] *= 10 ** rng.uniform(3, 10)
    if rng.random() < 0.4:
        X = np.hstack([X, X[:, :2] + rng.choice([0, 1e-7]) * rng.standard_normal((n, min(d, 2)))])
    if rng.random() < 0.2:
        X = np.hstack([X, np.ones((n, 1))])
    params = penalty(rng, low=-2, high=6)
    if rng.random() < 0.15:
        params = {"C": np.inf}
    return Sketch(X, y, params)
