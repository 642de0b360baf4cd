"""Logistic regression by explicit gradient descent, in the manner of scikit-learn.

At the top are the estimator, its update rules, its learning rates, and data in chunks. The rest
has modules: `callbacks`, `conversion`, `display`, `inspection` and `model_selection`, whose names
can be imported from the top too, and `computation_graph`.
"""

from importlib import import_module

from . import callbacks, conversion, display, inspection, model_selection
from .callbacks import Checkpoint as Checkpoint
from .callbacks import TimeLimit as TimeLimit
from .callbacks import Trajectory as Trajectory
from .callbacks import ValidationMonitor as ValidationMonitor
from .conversion import as_logistic_regression as as_logistic_regression
from .data import Chunks
from .display import BiasVarianceDisplay as BiasVarianceDisplay
from .display import CostCurveDisplay as CostCurveDisplay
from .display import CostSurfaceDisplay as CostSurfaceDisplay
from .display import LearningRateDisplay as LearningRateDisplay
from .estimator import GDLogisticRegression
from .inspection import DualityGap as Certificate  # noqa: F401
from .inspection import DualityGap as DualityGap
from .inspection import duality_gap as certificate  # noqa: F401
from .inspection import duality_gap as duality_gap
from .inspection import gradient_check as gradient_check
from .line_search import Backtracking
from .model_selection import BiasVarianceReport as BiasVarianceReport
from .model_selection import bias_variance_report as bias_variance_report
from .model_selection import join_dev_set as join_dev_set
from .model_selection import train_dev_test_split as train_dev_test_split
from .rules import (
    AdaGrad,
    Adam,
    GradientDescent,
    Momentum,
    NaturalGradient,
    Nesterov,
    RMSProp,
    UpdateRule,
)
from .schedules import (
    Constant,
    CosineDecay,
    ExponentialDecay,
    InverseSqrt,
    LearningRate,
    StepDecay,
    TimeDecay,
)

__version__ = "0.1.0.dev0"

__all__ = [
    "AdaGrad",
    "Adam",
    "Backtracking",
    "Chunks",
    "Constant",
    "CosineDecay",
    "ExponentialDecay",
    "GDLogisticRegression",
    "GradientDescent",
    "InverseSqrt",
    "LearningRate",
    "Momentum",
    "NaturalGradient",
    "Nesterov",
    "RMSProp",
    "StepDecay",
    "TimeDecay",
    "UpdateRule",
    "callbacks",
    "computation_graph",
    "conversion",
    "display",
    "inspection",
    "model_selection",
]


def __getattr__(name: str) -> object:
    """Import `computation_graph` where it is used: fits do not need it."""
    if name == "computation_graph":
        return import_module(f"{__name__}.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
