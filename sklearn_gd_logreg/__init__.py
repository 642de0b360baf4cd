"""Logistic regression by explicit gradient descent, in the manner of scikit-learn."""

from .display import CostCurveDisplay, CostSurfaceDisplay, LearningRateDisplay
from .estimator import GDLogisticRegression
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
    "UpdateRule",
]
