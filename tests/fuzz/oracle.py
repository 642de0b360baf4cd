"""A search for better points of J.

Newton's method with gradients in extended precision. An L1 part is smoothed first, and the
smoothing shrinks step by step (the log barrier of Koh, Kim and Boyd, 2007), so that ties and
collinear columns do no harm. Nothing here needs to be right: `exact.ExactCost` judges the points
that it finds.
"""

import numpy as np
from scipy import linalg, sparse

from .exact import LONG, ExactCost, softmax

LARGEST_HESSIAN = 700
"""Parameters up to which the Hessian is formed."""

WEAK = 1e-9
"""Square of a pivot of the Hessian with unit diagonal below which other directions are tried."""

RIDGES = (1e-13, 1e-9, 1e-5, 1e-1)
"""What is added to that diagonal for them."""


class Oracle:
    """Searches in coordinates of its own: columns without their medians, of size 1.

    Parameters
    ----------
    cost : ExactCost
    columns : int array, optional
        The features that may have weights; default all.
    """

    def __init__(self, cost: ExactCost, columns=None):
        self.cost = cost
        X = cost.X if cost.intercept else cost.X + 0
        if not cost.intercept and np.any(cost.median):
            X = cost.X + cost.median
        if columns is not None:
            X = X[:, columns]
        squares = X.multiply(X).mean(axis=0) if sparse.issparse(X) else np.mean(X * X, axis=0)
        size = np.sqrt(np.asarray(squares, LONG)).ravel()
        self.scale = np.where(size > 0, np.exp2(np.round(np.log2(np.where(size > 0, size, 1)))), 1)
        if sparse.issparse(X):
            X = sparse.csr_array(X @ sparse.diags_array(1 / self.scale))
            self.A = sparse.hstack([X, np.ones((X.shape[0], 1), LONG)]) if cost.intercept else X
            self.A = sparse.csr_array(self.A)
        else:
            X = X / self.scale
            self.A = np.hstack([X, np.ones((len(X), 1), LONG)]) if cost.intercept else X
        self.A64 = self.A.astype(float)
        self.At = sparse.csr_array(self.A.T) if sparse.issparse(X) else self.A.T
        d = X.shape[1]
        self.l1, self.l2 = (
            np.zeros((self.A.shape[1], 1), LONG),
            np.zeros((self.A.shape[1], 1), LONG),
        )
        self.l1[:d, 0], self.l2[:d, 0] = cost.l1 / self.scale, cost.l2 / self.scale**2
        self.n_features = d
        self.promised = np.inf  # decrease that the last step promised
        self.inside = None  # the minimum with the last smoothing

    # -- parameters -------------------------------------------------------------------------

    def start(self):
        """No weights, and the intercept of the rates of the classes."""
        V = np.zeros((self.A.shape[1], self.cost.n_outputs), LONG)
        if self.cost.intercept:
            mass = np.bincount(self.cost.codes, weights=self.cost.share.astype(float))
            rates = np.log(np.maximum(mass, 1e-300))
            V[-1] = rates - rates.mean() if len(mass) > 2 else rates[1] - rates[0]
        return V

    def taken(self, coef, intercept):
        """The parameters of a model in these coordinates."""
        V = (coef.astype(LONG) * self.scale).T
        if self.cost.intercept:
            b = [self.cost.shift(u, v) for u, v in zip(coef, intercept, strict=True)]
            V = np.vstack([V, np.array(b)[np.newaxis]])
        return V

    def exposed(self, V, dtype):
        """coef_ and intercept_ of parameters, rounded to a precision."""
        with np.errstate(over="ignore", under="ignore"):
            coef = (V[: self.n_features] / self.scale[:, np.newaxis]).T.astype(dtype)
        if not self.cost.intercept:
            return coef, np.zeros(self.cost.n_outputs, dtype)
        shift = np.array([self.cost.shift(w, LONG(0)) for w in coef])
        return coef, (V[-1] - shift).astype(dtype)

    def centred(self, V):
        """Without what all classes share where there is no L1: J is least so."""
        if self.cost.n_outputs == 1:
            return V
        free = np.flatnonzero(self.l1 == 0)
        V[free] -= V[free].mean(axis=1, keepdims=True)
        return V

    # -- J with a smooth penalty -----------------------------------------------------------

    def penalty(self, V, mu):
        """Value, derivative and curvature; mu is what the L1 part may be off, a coordinate."""
        value, slope, bend = self.l2 / 2 * V * V, self.l2 * V, self.l2 + 0 * V
        rough = np.flatnonzero(self.l1)
        if len(rough) and mu is None:
            value = value + self.l1 * np.abs(V)
            slope = slope + self.l1 * np.sign(V)
        elif len(rough):
            l1, U = self.l1[rough], V[rough]
            s = np.sqrt(mu * mu + (l1 * U) ** 2)
            value[rough] += s - mu * np.log1p(s / mu)
            slope[rough] += l1 * l1 * U / (mu + s)
            bend[rough] += l1 * l1 * mu / (s * (mu + s))
        return value, slope, bend

    def value(self, V, mu=None, z=None):
        z = self.A @ V if z is None else z
        return self.cost.share @ self.cost.losses(z) + self.penalty(V, mu)[0].sum()

    def gradient(self, V, mu, z):
        return self.At @ self.cost.residuals(z) + self.penalty(V, mu)[1]

    def bound_at(self, V):
        """A number that no J is below, by the dual of J at the residuals of a point.

        Exact but for rounding and for what the intercept leaves of Σ θ, which is added as if the
        optimal intercept were at most twice that of the point. Without a penalty on a feature
        there is no bound but that of 0 and the decrease that Newton's last step promised.
        """
        z = self.A @ V
        if not np.any(self.l1 + self.l2):
            return max(self.value(V, None, z) - 2 * max(self.promised, 0.0), LONG(0))
        theta = self.cost.residuals(z)
        X_theta = self.At @ theta
        slack = 0
        if self.cost.intercept:
            slack = 2 * np.sum(np.abs(X_theta[-1]) * (np.abs(V[-1]) + 1))
            X_theta = X_theta[:-1]
        l1, l2 = self.l1[: self.n_features], self.l2[: self.n_features]
        kappa = LONG(1)
        if np.all(l2 > 0):
            conjugate = np.sum(np.maximum(np.abs(X_theta) - l1, 0) ** 2 / (2 * l2))
        else:
            conjugate = 0
            kappa = min(kappa, np.min(l1 / np.maximum(np.abs(X_theta), l1 * LONG(1e-9))))
        return self.cost.entropy(z, kappa) - conjugate - slack

    def bound(self, V):
        """The better of the bounds at a point and inside, next to it."""
        points = [V] if self.inside is None else [V, self.inside]
        return max(self.bound_at(point) for point in points)

    # -- Newton's method -------------------------------------------------------------------

    def newton(self, V, mu=None, steps=150, enough=1e-24):
        z = self.A @ V
        value = self.value(V, mu, z)
        for _ in range(steps):
            g = self.gradient(V, mu, z)
            best = None
            for step in self.directions(V, mu, z, g):
                promised = -np.sum(g * step)
                self.promised = float(promised)
                if not promised > enough:
                    continue
                moved = self.A @ step
                t = self.length(V, step, z, moved, mu)
                new = self.value(V + t * step, mu, z + t * moved)
                if new < value and (best is None or new < best[0]):
                    best = new, V + t * step
            if best is None:
                break
            W = self.centred(best[1])
            z = self.A @ W
            new = self.value(W, mu, z)
            if not new < value:
                break
            gained, value, V = value - new, new, W
            if gained < 1e-20 * abs(value) or value < 1e-25:
                break
        return V

    def polished(self, V, mu=None, steps=12):
        """Full steps of Newton where J has no digits left to judge them, while the bound rises."""
        best = self.bound_at(V), V
        for _ in range(steps):
            z = self.A @ V
            g = self.gradient(V, mu, z)
            tried = [self.centred(V + step) for step in self.directions(V, mu, z, g)]
            promised = sorted(-float(np.sum(g * (U - V))) for U in tried)
            self.promised = promised[-2:][0] if promised else np.inf  # the largest may be rounding
            found = max(((self.bound_at(U), k) for k, U in enumerate(tried)), default=best)
            if not found[0] > best[0]:
                break
            V = tried[found[1]]
            best = found[0], V
        return best[1]

    def length(self, V, step, z, moved, mu):
        """About where J along a step is least."""

        def slope(t):
            r = self.cost.residuals(z + t * moved)
            return np.sum(r * moved) + np.sum(self.penalty(V + t * step, mu)[1] * step)

        first, low, high = slope(LONG(0)), LONG(0), None
        t = min(LONG(1), 100 / np.abs(moved).max(initial=LONG(1e-9)))  # scores beyond say nothing
        for _ in range(40):
            now = slope(t)
            if abs(now) <= 0.05 * abs(first):
                return t
            if now > 0:
                high = t
            else:
                low = t
            if high is None:
                if t > 1e4:
                    return t
                t = max(3 * t, min(LONG(1), 1000 * t))
            else:
                t = (low + high) / 2 if low else high / 4
        return low

    def directions(self, V, mu, z, g):
        """Newton's direction, and where the Hessian is nearly singular some more."""
        if self.A.shape[1] * self.cost.n_outputs > LARGEST_HESSIAN:
            yield self.by_products(V, mu, z, g)
            return
        bend = self.penalty(V, mu)[2].astype(float)
        H = self.hessian(z)
        q = self.cost.n_outputs
        H[np.diag_indices_from(H)] += bend.T.ravel()
        shared = self.shared(H) if q > 1 else H[:0]
        H += shared.T @ shared
        diagonal = np.diag(H).copy()
        unit = np.where(diagonal > 0, 1 / np.sqrt(np.where(diagonal > 0, diagonal, 1)), 0)
        H = H * unit * unit[:, np.newaxis]
        right = (-g.T.ravel() * unit).astype(float)
        shape = (q, len(V))

        def solved(ridge):
            M = H + ridge * np.eye(len(H))
            try:
                factor = linalg.cho_factor(M, check_finite=False)
            except linalg.LinAlgError:
                return None, 0.0
            pivot = np.diag(factor[0]).min() ** 2
            x = linalg.cho_solve(factor, right, check_finite=False)
            return (x * unit).reshape(shape).T.astype(LONG), pivot

        step, pivot = solved(1e-15)
        if step is not None and pivot > WEAK:
            yield step
            return
        by_rows = self.by_rows(z, bend, shared, unit, right)
        if by_rows is not None:
            yield by_rows.reshape(shape).T.astype(LONG)
        for ridge in RIDGES:
            step, _ = solved(ridge)
            if step is not None:
                yield step

    def pairs(self, z):
        """Curvature of the loss of each row, for each pair of classes."""
        share = self.cost.share
        if self.cost.n_outputs == 1:
            e = np.exp(-np.abs(z[:, 0]))
            yield 0, 0, (share * e / (1 + e) ** 2).astype(float)
            return
        a = softmax(z)
        for c in range(a.shape[1]):
            for d in range(c + 1, a.shape[1]):
                yield c, d, (share * a[:, c] * a[:, d]).astype(float)

    def shared(self, H):
        """Rows that bend what all classes share where nothing else may: no gradient is there."""
        p, q = self.A.shape[1], self.cost.n_outputs
        free = np.flatnonzero(self.l1 == 0)
        mean = np.diag(H).reshape(q, p).mean(axis=0)[free]
        rows = np.zeros((len(free), q, p))
        rows[np.arange(len(free)), :, free] = np.sqrt(mean)[:, np.newaxis]
        return rows.reshape(len(free), p * q)

    def hessian(self, z):
        p, q = self.A.shape[1], self.cost.n_outputs
        H = np.zeros((q, p, q, p))
        for c, d, h in self.pairs(z):
            root = np.sqrt(h)
            if sparse.issparse(self.A64):
                M = sparse.diags_array(root) @ self.A64
                G = (M.T @ M).toarray()
            else:
                M = root[:, np.newaxis] * self.A64
                G = M.T @ M
            H[c, :, c] += G
            if c != d:
                H[d, :, d] += G
                H[c, :, d] -= G
                H[d, :, c] -= G
        return H.reshape(p * q, p * q)

    def by_rows(self, z, bend, shared, unit, right):
        """Newton's direction by QR of the rows, the largest first: small rows keep their digits."""
        p, q = self.A.shape[1], self.cost.n_outputs
        A = self.A64.toarray() if sparse.issparse(self.A64) else self.A64
        blocks = []
        for c, d, h in self.pairs(z):
            rows = np.zeros((len(A), q, p))
            rows[:, c] = np.sqrt(h)[:, np.newaxis] * A
            if c != d:
                rows[:, d] = -rows[:, c]
            blocks.append(rows.reshape(len(A), -1))
        M = np.vstack(blocks)
        if M.shape[0] * M.shape[1] ** 2 > 1e8:
            return None
        M = np.vstack([M, np.diag(np.sqrt(bend.T.ravel())), shared]) * unit
        M = M[np.argsort(-np.abs(M).max(axis=1))]
        R, pivots = linalg.qr(M, mode="r", pivoting=True, check_finite=False)
        diagonal = np.abs(np.diag(R))
        rank = int(np.sum(diagonal > 1e-16 * diagonal[0])) if len(diagonal) else 0
        if not rank:
            return None
        R = R[:rank, :rank]
        x = linalg.solve_triangular(R, right[pivots[:rank]], trans="T", check_finite=False)
        x = linalg.solve_triangular(R, x, check_finite=False)
        step = np.zeros(len(right))
        step[pivots[:rank]] = x
        return step * unit

    def by_products(self, V, mu, z, g, products=600):
        """Newton's direction by conjugate gradients on products with the Hessian."""
        q = self.cost.n_outputs
        bend = self.penalty(V, mu)[2].astype(float)
        share = self.cost.share[:, np.newaxis]
        if q == 1:
            e = np.exp(-np.abs(z))
            h = (share * e / (1 + e) ** 2).astype(float)
        else:
            a, share = softmax(z).astype(float), share.astype(float)
            h = share * a * (1 - a)
        A, At = self.A64, sparse.csr_array(self.A64.T) if sparse.issparse(self.A64) else self.A64.T
        squares = A.multiply(A).T @ h if sparse.issparse(A) else (A * A).T @ h
        diagonal = np.maximum(squares + bend, 1e-300)

        def product(D):
            s = A @ D
            s = h * s if q == 1 else share * a * (s - np.sum(a * s, axis=1, keepdims=True))
            return At @ s + bend * D

        top = float(np.abs(g).max()) or 1.0
        right = (-g / top).astype(float)
        x, r = np.zeros_like(right), right.copy()
        y = r / diagonal
        d, rho = y.copy(), np.sum(r * y)
        stop = 1e-18 * rho
        for _ in range(products):
            Hd = product(d)
            curvature = np.sum(d * Hd)
            if not curvature > 0:
                break
            alpha = rho / curvature
            x += alpha * d
            r -= alpha * Hd
            y = r / diagonal
            rho, before = np.sum(r * y), rho
            if rho < stop:
                break
            d = y + rho / before * d
        return top * x.astype(LONG)

    # -- the whole search ------------------------------------------------------------------

    def minimum(self, V):
        """About the least point of J, from a start."""
        if not np.any(self.l1 > 0):
            V = self.newton(V)
            self.inside = self.polished(V)
            return V
        n = int(np.sum(self.l1 > 0)) * self.cost.n_outputs
        value = self.value(V)
        mu = LONG(0.1) * max(min(value, LONG(1)), LONG(1e-9)) / n
        while mu > 1e-18 / n and mu > 1e-17 * value / n:
            V = self.newton(V, mu, steps=60, enough=float(mu) * 0.1)
            mu = mu / 10
            nearer = np.where((self.l1 > 0) & (self.l1 * np.abs(V) < 300 * mu), V / 10, V)
            V = min(V, nearer, key=lambda U: self.value(U, mu))
        V = self.newton(V, mu, steps=30, enough=1e-24)
        self.inside = self.polished(V, mu)
        tried = [V]
        for factor in (10, 1e3, 1e5, 1e7):
            tried.append(np.where((self.l1 > 0) & (self.l1 * np.abs(V) < factor * mu), 0, V))
        return min(tried, key=self.value)


def better_points(cost: ExactCost, coef, intercept):
    """Points that may be better than a model, each with the `Oracle` that exposes it."""
    many = (len(cost.median) + cost.intercept) * cost.n_outputs > LARGEST_HESSIAN
    if many and cost.l1 > 0:
        yield from on_working_sets(cost, coef)
        return
    oracle = Oracle(cost)
    V = oracle.minimum(oracle.start())
    yield oracle, V
    model = oracle.taken(coef, intercept)
    if not cost.l1 > 0 and (oracle.promised > 1e-22 or oracle.value(V) > oracle.value(model)):
        V = oracle.newton(model)
        oracle.inside = oracle.polished(V)
        yield oracle, V


def on_working_sets(cost: ExactCost, coef, rounds=8):
    """Minima on some of the features: those of the model, and those that matter most."""
    whole = Oracle(cost)
    most = max(LARGEST_HESSIAN // cost.n_outputs - 10, 1)
    at_once = max(30, len(cost.codes) // 2)
    V, used = whole.start(), np.any(coef != 0, axis=0)
    for _ in range(rounds):
        slope = whole.gradient(V, None, whole.A @ V) - whole.penalty(V, None)[1]
        excess = ((np.abs(slope) - whole.l1)[: whole.n_features] * whole.scale[:, None]).max(axis=1)
        wanted = np.flatnonzero((excess > 1e-12 * cost.l1) & ~used)
        room = min(max(most - int(used.sum()), 20), at_once)
        new = wanted[np.argsort(-excess[wanted])][:room]
        used[new] = True
        if not used.any():
            used[np.argmax(excess)] = True
        columns = np.flatnonzero(used)
        part = Oracle(cost, columns)
        U = part.minimum(part.start())
        V = np.zeros_like(V)
        V[columns], V[whole.n_features :] = U[: len(columns)], U[len(columns) :]
        yield whole, V
        used = np.any(V[: whole.n_features] != 0, axis=1)
        if not len(new):
            break
