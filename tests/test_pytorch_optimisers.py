"""Update rules give the iterates of PyTorch's optimisers, to rounding."""

import numpy as np
import pytest

from sklearn_gd_logreg import Adam, GDLogisticRegression, Momentum, RMSProp

torch = pytest.importorskip("torch", reason="PyTorch's optimisers are the oracle")

RATE, L2 = 0.03, 0.01
STEPS = 20
"""No more: once a derivative passes through 0, RMSProp multiplies rounding at each step."""

TOLERANCE = 2e-15
PAIRS = {
    "gd": ("gd", lambda w: torch.optim.SGD(w, lr=RATE)),
    "momentum": (Momentum(0.9), lambda w: torch.optim.SGD(w, lr=RATE, momentum=0.9)),
    "rmsprop": (RMSProp(0.9), lambda w: torch.optim.RMSprop(w, lr=RATE, alpha=0.9)),
    "adam": (Adam(0.9, 0.999), lambda w: torch.optim.Adam(w, lr=RATE, betas=(0.9, 0.999))),
}


def problem(n_classes):
    rng = np.random.default_rng(n_classes)
    X = rng.normal(size=(60, 4)) * [0.1, 1, 2, 3]
    noisy_scores = X @ rng.normal(size=(4, n_classes)) + rng.gumbel(size=(60, n_classes))
    return X, noisy_scores.argmax(axis=1)


def our_iterates(solver, X, y):
    """Return w and b after each step, of shape (STEPS, n_outputs, n_features + 1)."""
    model = GDLogisticRegression(
        C=1 / (L2 * len(y)), solver=solver, learning_rate=RATE, max_iter=1, tol=0, warm_start=True
    )
    steps = (model.fit(X, y) for _ in range(STEPS))
    return np.stack([np.column_stack([fit.coef_, fit.intercept_]) for fit in steps])


def pytorch_iterates(optimiser_of, X, y):
    """Return the same of a PyTorch optimiser, with the gradient by automatic differentiation."""
    n_classes = len(np.unique(y))
    w = torch.zeros(n_classes if n_classes > 2 else 1, X.shape[1] + 1, dtype=torch.float64)
    w.requires_grad_()
    optimiser = optimiser_of([w])
    X, y = torch.from_numpy(X), torch.from_numpy(y)
    iterates = []
    for _ in range(STEPS):
        optimiser.zero_grad()
        z = X @ w[:, :-1].T + w[:, -1]
        if n_classes > 2:
            loss = torch.nn.functional.cross_entropy(z, y)
        else:
            loss = torch.nn.functional.binary_cross_entropy_with_logits(z[:, 0], y.double())
        (loss + L2 / 2 * (w[:, :-1] ** 2).sum()).backward()
        optimiser.step()
        iterates.append(w.detach().numpy().copy())
    return np.stack(iterates)


def without_common_shift(w):
    """Centre the intercepts of several classes: our fit does, and no probability changes."""
    if len(w) > 1:
        w[:, -1] -= w[:, -1].mean()
    return w


@pytest.mark.rounding
@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize("name", PAIRS)
def test_iterates_are_those_of_pytorch(name, n_classes):
    solver, optimiser_of = PAIRS[name]
    X, y = problem(n_classes)
    pairs = zip(our_iterates(solver, X, y), pytorch_iterates(optimiser_of, X, y), strict=True)
    for ours, theirs in pairs:
        difference = without_common_shift(ours) - without_common_shift(theirs)
        assert np.linalg.norm(difference) <= TOLERANCE * np.linalg.norm(theirs)
