"""Statistics of proportions: 95 % intervals of error rates, and a test of class proportions."""

from __future__ import annotations

from collections.abc import Iterable
from math import hypot, sqrt
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import chi2_contingency

NORMAL_QUANTILE = 1.959963984540054
"""0.975 quantile of the standard normal distribution."""

SIGNIFICANCE_LEVEL = 0.01
"""p-value below which the class proportions of two sets differ significantly."""

MIN_DIFFERENCE, MIN_RATIO = 0.05, 2.0
"""Effect size: difference and ratio of class proportions, one of which a shift must exceed."""


def wilson_interval(errors: int, n: int) -> tuple[float, float]:
    r"""Return Wilson's 95 % interval of an error rate, given ``errors`` in ``n`` rows.

    .. math:: \frac{p + z^2/2n \pm z \sqrt{p(1-p)/n + z^2/4n^2}}{1 + z^2/n}, \quad p = e/n

    References
    ----------
    Wilson, "Probable inference, the law of succession, and statistical inference",
    J. Am. Stat. Assoc. 22 (1927).

    Examples
    --------
    >>> from sklearn_gd_logreg.model_selection.proportions import wilson_interval
    >>> print("%.4f %.4f" % wilson_interval(3, 100))
    0.0103 0.0845
    """
    p, z2_over_n = errors / n, NORMAL_QUANTILE**2 / n
    centre = (p + z2_over_n / 2) / (1 + z2_over_n)
    half_width = NORMAL_QUANTILE * sqrt(p * (1 - p) / n + z2_over_n / (4 * n)) / (1 + z2_over_n)
    low = 0.0 if errors == 0 else centre - half_width
    high = 1.0 if errors == n else centre + half_width
    return low, high


def newcombe_interval(
    p: float, p_interval: tuple[float, float], q: float, q_interval: tuple[float, float]
) -> tuple[float, float]:
    """Return Newcombe's 95 % interval of p − q, given the Wilson intervals of p and q.

    With the intervals (l, u) of p and (l', u') of q it extends from
    p − q − √((p − l)² + (u' − q)²) to p − q + √((u − p)² + (q − l')²).

    References
    ----------
    Newcombe, "Interval estimation for the difference between independent proportions:
    comparison of eleven methods", Stat. Med. 17 (1998), method 10.

    Examples
    --------
    >>> from sklearn_gd_logreg.model_selection.proportions import newcombe_interval, wilson_interval
    >>> first, second = wilson_interval(56, 70), wilson_interval(48, 80)
    >>> interval = newcombe_interval(56 / 70, first, 48 / 80, second)
    >>> print("%.4f %.4f" % interval)  # table II of the paper
    0.0524 0.3339
    """
    lower = hypot(p - p_interval[0], q_interval[1] - q)
    upper = hypot(p_interval[1] - p, q - q_interval[0])
    return p - q - lower, p - q + upper


def priors_differ(first: Iterable[int], second: Iterable[int]) -> bool:
    """Whether the class priors of two sets differ, given the number of rows of each class.

    They do if the p-value of the χ² test of homogeneity is below 1 %, *and* the proportion of
    a class differs by more than 5 percentage points or a factor of 2. In large sets the test
    alone would detect negligible differences.

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
    is_noticeable = (high - low > MIN_DIFFERENCE) | (high > MIN_RATIO * low)
    return bool(
        is_noticeable.any()
        and chi2_contingency(table, correction=False).pvalue < SIGNIFICANCE_LEVEL
    )
