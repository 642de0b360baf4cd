"""Logistic regression by explicit gradient descent, in the manner of scikit-learn."""

from .callbacks import Checkpoint, TimeLimit, Trajectory, ValidationMonitor
from .display import BiasVarianceDisplay, CostCurveDisplay, CostSurfaceDisplay, LearningRateDisplay
from .estimator import GDLogisticRegression
from .inspect import Certificate, certificate, duality_gap, gradient_check
from .model_selection import (
    BiasVarianceReport,
    bias_variance_report,
    join_dev_set,
    train_dev_test_split,
)
from .rates import (
    Backtracking,
    Constant,
    CosineDecay,
    ExponentialDecay,
    InverseSqrt,
    LearningRate,
    StepDecay,
    TimeDecay,
)
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

__version__ = "0.1.0.dev0"

__all__ = [
    "AdaGrad",
    "Adam",
    "Backtracking",
    "BiasVarianceDisplay",
    "BiasVarianceReport",
    "Certificate",
    "Checkpoint",
    "Constant",
    "CosineDecay",
    "CostCurveDisplay",
    "CostSurfaceDisplay",
    "ExponentialDecay",
    "GDLogisticRegression",
    "GradientDescent",
    "InverseSqrt",
    "LearningRate",
    "LearningRateDisplay",
    "Momentum",
    "NaturalGradient",
    "Nesterov",
    "RMSProp",
    "StepDecay",
    "TimeDecay",
    "TimeLimit",
    "Trajectory",
    "UpdateRule",
    "ValidationMonitor",
    "bias_variance_report",
    "certificate",
    "duality_gap",
    "gradient_check",
    "join_dev_set",
    "train_dev_test_split",
]
