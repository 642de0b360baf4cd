"""How far chance alone moves an error rate: intervals of 95 %."""

from __future__ import annotations

from collections.abc import Iterable
from math import hypot, sqrt
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import chi2_contingency

Z = 1.959963984540054
"""Quantile of the standard normal that leaves 2.5 % above it."""

UNLIKELY = 0.01
"""Probability below which chance is not believed to have made two sets so different."""

POINTS, FACTOR = 0.05, 2.0
"""Class shares that differ by less than both are alike for our purpose."""


def wilson(errors: int, n: int) -> tuple[float, float]:
    r"""Wilson's interval for a rate, of which ``errors`` were seen in ``n`` rows.

    .. math:: \frac{p + z^2/2n \pm z \sqrt{p(1-p)/n + z^2/4n^2}}{1 + z^2/n}, \quad p = e/n

    References
    ----------
    Wilson, "Probable inference, the law of succession, and statistical inference",
    J. Am. Stat. Assoc. 22 (1927).

    Examples
    --------
    >>> from sklearn_gd_logreg.model_selection.proportions import wilson
    >>> print("%.4f %.4f" % wilson(3, 100))
    0.0103 0.0845
    """
    p, tail = errors / n, Z**2 / n
    centre = (p + tail / 2) / (1 + tail)
    half = Z * sqrt(p * (1 - p) / n + tail / (4 * n)) / (1 + tail)
    low = 0.0 if errors == 0 else centre - half
    high = 1.0 if errors == n else centre + half
    return low, high


def newcombe(
    p: float, within: tuple[float, float], q: float, q_within: tuple[float, float]
) -> tuple[float, float]:
    """Newcombe's interval for p − q, two rates with their Wilson intervals.

    (l, u) and (l', u') being those of p and q, it is p − q − √((p − l)² + (u' − q)²) to
    p − q + √((u − p)² + (q − l')²).

    References
    ----------
    Newcombe, "Interval estimation for the difference between independent proportions:
    comparison of eleven methods", Stat. Med. 17 (1998), method 10.

    Examples
    --------
    >>> from sklearn_gd_logreg.model_selection.proportions import newcombe, wilson
    >>> interval = newcombe(56 / 70, wilson(56, 70), 48 / 80, wilson(48, 80))
    >>> print("%.4f %.4f" % interval)  # table II of the paper
    0.0524 0.3339
    """
    below = hypot(p - within[0], q_within[1] - q)
    above = hypot(within[1] - p, q - q_within[0])
    return p - q - below, p - q + above


def priors_differ(first: Iterable[int], second: Iterable[int]) -> bool:
    """Whether two sets, given by their rows of each class, have other class priors.

    They do if the χ² test of homogeneity says that chance makes such a difference in less
    than 1 % of splits, *and* some class's share differs by more than 5 points of a hundred
    or by more than a factor of 2: in large sets chance explains very little.

    Examples
    --------
    >>> from sklearn_gd_logreg.model_selection.proportions import priors_differ
    >>> priors_differ([50, 50], [52, 48]), priors_differ([50, 50], [80, 20])
    (False, True)
    """
    table: NDArray[Any] = np.array([list(first), list(second)], dtype=float)
    table = table[:, table.sum(axis=0) > 0]
    if table.shape[1] < 2:
        return False
    low, high = np.sort(table / table.sum(axis=1, keepdims=True), axis=0)
    apart = (high - low > POINTS) | (high > FACTOR * low)
    return bool(apart.any() and chi2_contingency(table, correction=False).pvalue < UNLIKELY)
