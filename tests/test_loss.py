"""The loss and its derivative beside extended precision."""

import numpy as np
import pytest

from sklearn_gd_logreg.loss import cross_entropy

from .pairwise import pairwise
from .problems import exact_loss_and_dz, uneven_weights

pytestmark = pytest.mark.usefixtures("as_in_fit")


def scores(n_rows, n_classes, scale, seed=0):
    """Scores of every size up to ``scale``, ties among them, and the classes of the rows."""
    random = np.random.RandomState(seed)
    size = (n_rows, 1 if n_classes == 2 else n_classes)
    z = scale * random.standard_normal(size) ** 3
    z[::7] = z[::7].round()
    return z, random.randint(n_classes, size=n_rows)


FEW, MANY = 50, 5003
"""Rows fewer and more than those whose 1 + e are multiplied."""


@pytest.mark.parametrize(
    ("weighted", "n_classes", "n_rows", "scale"),
    pairwise([False, True], [2, 3, 12], [FEW, MANY], [1e-9, 1e-3, 1.0, 30.0, 1e4]),
)
def test_loss_and_dz_are_exact(scale, n_rows, n_classes, weighted):
    z, codes = scores(n_rows, n_classes, scale)
    share = uneven_weights(n_rows)[:, np.newaxis] if weighted else 0.3
    loss = cross_entropy(n_classes)
    found, dz = loss.loss_and_dz(z, loss.targets(codes), share)
    each, expected = exact_loss_and_dz(z, codes)
    assert found == pytest.approx(float((np.ravel(share) * each).sum()), rel=1e-14, abs=0)
    np.testing.assert_allclose(dz, (share * expected).astype(float), rtol=1e-13, atol=1e-300)
    found_with_a, dz_with_a, a = loss.loss_dz_and_probabilities(z, loss.targets(codes), share)
    assert found_with_a == found
    np.testing.assert_allclose(dz_with_a, dz, rtol=1e-14, atol=1e-300)
    lines = loss.probabilities(z).T
    np.testing.assert_allclose(loss.class_probabilities(z), lines, rtol=1e-12, atol=1e-300)
    if n_classes == 2:
        lines = np.where(codes, lines, lines[::-1])
    np.testing.assert_allclose(a, lines, rtol=1e-12, atol=np.exp(-37))


@pytest.mark.parametrize(
    ("weighted", "n_classes", "n_rows", "margin"),
    pairwise([False, True], [2, 3], [FEW, MANY], [1.0, 3.0, 10.0, 30.0, 50.0, 300.0, 690.0]),
)
def test_tiny_losses_are_exact(margin, n_rows, n_classes, weighted):
    z, codes = scores(n_rows, n_classes, 1e-3)
    if n_classes == 2:
        z[:, 0] += np.where(codes, margin, -margin)
    else:
        z[np.arange(n_rows), codes] += margin
    share = uneven_weights(n_rows)[:, np.newaxis] if weighted else 1 / n_rows
    loss = cross_entropy(n_classes)
    found, dz = loss.loss_and_dz(z, loss.targets(codes), share)
    each, expected = exact_loss_and_dz(z, codes)
    assert found == pytest.approx(float((np.ravel(share) * each).sum()), rel=1e-14, abs=0)
    np.testing.assert_allclose(dz, (share * expected).astype(float), rtol=1e-13, atol=1e-300)


@pytest.mark.parametrize(
    ("dtype", "n_classes", "n_rows", "scale"),
    pairwise(["float64", "float32"], [2, 3, 12], [FEW, MANY], [1e-3, 1.0, 30.0, 1e4]),
)
def test_the_loss_alone_is_the_same_number_and_z_is_left_alone(scale, n_rows, n_classes, dtype):
    z, codes = scores(n_rows, n_classes, scale)
    z = z.astype(dtype)
    before, loss = z.copy(), cross_entropy(n_classes)
    y = loss.targets(codes)
    found, dz = loss.loss_and_dz(z, y, 0.1)
    assert loss.loss_sum(z, y, 0.1) == found
    np.testing.assert_array_equal(z, before)
    assert dz.dtype == dtype
    assert dz.shape == z.shape
    each, expected = exact_loss_and_dz(z, codes)
    if dtype == "float32":
        assert found == pytest.approx(float(0.1 * each.sum()), rel=1e-6, abs=0)
        np.testing.assert_allclose(dz, (0.1 * expected).astype(float), atol=1e-6)


@pytest.mark.parametrize("n_classes", [2, 3, 200])
def test_a_label_takes_a_byte(n_classes):
    y = cross_entropy(n_classes).targets(np.arange(1000) % n_classes)
    assert y.nbytes == 1000
