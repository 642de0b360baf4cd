"""J in extended precision, written from its definition; it shares no code with the package.

numpy's longdouble has 64 binary digits on x86. Every column is taken relative to its median, which
is exact for numbers of similar size, and what that takes from the scores, Σ median · w, is added as
an exact fraction. So J has some 18 digits where columns are far from 0, too.
"""

from fractions import Fraction

import numpy as np
from scipy import sparse

LONG = np.longdouble
IS_EXTENDED = np.finfo(LONG).eps < 1e-18
"""Whether longdouble has more digits than float64 on this machine."""

LARGEST_DENSE = 2_000_000
"""Entries up to which a sparse X is made dense."""


class ExactCost:
    """J of any parameters, for the rows of non-zero weight.

    Parameters
    ----------
    X, y, sample_weight, C, l1_ratio, fit_intercept, class_weight
        As the estimator gets them.

    Attributes
    ----------
    X : longdouble array or CSR array of shape (n_rows, n_features)
        Rows minus `median`.
    median : float64 array
    codes : int array
        Numbers of the classes of the rows.
    share : longdouble array
        Weights, of sum 1.
    l1, l2 : longdouble
    """

    def __init__(
        self,
        X,
        y,
        sample_weight=None,
        *,
        C=1.0,
        l1_ratio=0.0,
        fit_intercept=True,
        class_weight=None,
        **_,
    ):
        y = np.asarray(y)
        s = np.ones(len(y), LONG) if sample_weight is None else np.asarray(sample_weight, LONG)
        classes = np.unique(y[s > 0])
        if isinstance(class_weight, dict):
            s = s * np.array([class_weight.get(c, 1.0) for c in y.tolist()], LONG)
        elif class_weight == "balanced":
            mass = np.array([s[y == c].sum() for c in classes])
            factor = s.sum() / (len(classes) * mass)
            s = s * np.array(
                [factor[np.searchsorted(classes, c)] if c in classes else 0 for c in y]
            )
        used = np.flatnonzero(s > 0)
        self.classes, self.codes = np.unique(y[used], return_inverse=True)
        self.n_outputs = 1 if len(self.classes) == 2 else len(self.classes)
        total = s[used].sum()
        self.share = s[used] / total
        strength = LONG(0) if np.isinf(C) else 1 / (LONG(C) * total)
        self.l1, self.l2 = LONG(l1_ratio) * strength, (1 - LONG(l1_ratio)) * strength
        self.intercept = bool(fit_intercept)
        X = X[used] if len(used) < len(y) else X
        if sparse.issparse(X) and np.prod(X.shape) <= LARGEST_DENSE:
            X = X.toarray()
        if sparse.issparse(X):
            self.median = np.zeros(X.shape[1])
            self.X = sparse.csr_array(X).astype(LONG)
        else:
            X = np.asarray(X)
            self.median = np.sort(X, axis=0)[len(X) // 2].astype(float)
            self.X = X.astype(LONG) - self.median

    def __call__(self, coef, intercept):
        """J at `coef_` and `intercept_`, taken as exact numbers."""
        coef = np.asarray(coef)
        loss = self.share @ self.losses(self.scores(coef, np.asarray(intercept)))
        w = coef.astype(LONG)
        return loss + self.l2 / 2 * np.sum(w * w) + self.l1 * np.sum(np.abs(w))

    def scores(self, coef, intercept):
        """z of shape (n_rows, n_outputs)."""
        shift = [self.shift(w, b) for w, b in zip(coef, intercept, strict=True)]
        return self.X @ np.ascontiguousarray(coef.astype(LONG).T) + np.array(shift)

    def shift(self, w, b):
        """What the medians add to the scores with the weights w, and b."""
        total = fraction(b)
        for m, x in zip(self.median, w, strict=True):
            if m and x:
                total += Fraction(float(m)) * fraction(x)
        high = float(total)
        return LONG(high) + LONG(float(total - Fraction(high)))

    def losses(self, z):
        """Cross-entropy of every row."""
        if self.n_outputs == 1:
            t = np.where(self.codes == 1, z[:, 0], -z[:, 0])
            return np.log1p(np.exp(-np.abs(t))) + np.maximum(-t, 0)
        rows = np.arange(len(z))
        d = z - z[rows, self.codes][:, np.newaxis]
        highest = d.max(axis=1)
        other = np.exp(d - highest[:, np.newaxis])
        at_best = highest == 0  # the row's own class, or as good: then its term is the 1 of log1p
        other[rows[at_best], self.codes[at_best]] = 0
        total = other.sum(axis=1)
        return np.where(at_best, np.log1p(total), highest + np.log(np.where(at_best, 1, total)))

    def residuals(self, z):
        """share · (a − y) of shape (n_rows, n_outputs); no digits are lost where a is near y."""
        share = self.share[:, np.newaxis]
        if self.n_outputs == 1:
            sign = np.where(self.codes == 1, 1, -1)[:, np.newaxis]
            return -sign * share * sigmoid(-sign * z)
        a = softmax(z)
        rows = np.arange(len(z))
        a[rows, self.codes] = 0
        a[rows, self.codes] = -a.sum(axis=1)
        return share * a

    def magnitudes(self):
        """|X|, or a little more."""
        return abs(self.X) if sparse.issparse(self.X) else np.abs(self.X) + np.abs(self.median)

    def subgradient(self, r, coef):
        """The smallest subgradient of J where the residuals are r: coef part, intercept part."""
        db = r.sum(axis=0)
        w = coef.astype(LONG)
        dw = (self.X.T @ r).T + np.outer(db, self.median) + self.l2 * w
        rest = np.sign(dw) * np.maximum(np.abs(dw) - self.l1, 0)
        return np.where(w == 0, rest, dw + self.l1 * np.sign(w)), db * self.intercept

    def entropy(self, z, kappa):
        """Mean entropy of y + κ (a − y), which is minus the conjugate of the loss at κ (a − y)."""
        if self.n_outputs == 1:
            e = np.where(self.codes == 1, sigmoid(-z[:, 0]), sigmoid(z[:, 0]))[:, np.newaxis]
        else:
            e = softmax(z)
            e[np.arange(len(z)), self.codes] = 0
        e = kappa * e  # probabilities of the other classes
        other = e.sum(axis=1)
        with np.errstate(divide="ignore", invalid="ignore"):
            terms = np.where(e > 0, e * np.log(e), 0).sum(axis=1)
            own = np.where(other < 1, (1 - other) * np.log1p(-np.minimum(other, 1)), 0)
        return -(self.share @ (terms + own))


def fraction(x):
    """The exact value of a floating-point number."""
    high = float(x)
    return Fraction(high) + Fraction(float(x - LONG(high)))


def sigmoid(z):
    e = np.exp(-np.abs(z))
    return np.where(z >= 0, 1 / (1 + e), e / (1 + e))


def softmax(z):
    e = np.exp(z - z.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)
