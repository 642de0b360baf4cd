"""Train, dev and test sets: splitting, grid search, and the bias-variance report."""

from .dev_set import join_dev_set
from .diagnosis import bias_variance_report
from .report import BiasVarianceReport
from .split import train_dev_test_split

__all__ = [
    "BiasVarianceReport",
    "bias_variance_report",
    "join_dev_set",
    "train_dev_test_split",
]
