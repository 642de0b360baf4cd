"""Logistic regression by explicit gradient descent, in the manner of scikit-learn."""

from .estimator import GDLogisticRegression
from .inspect import Certificate, certificate, duality_gap, gradient_check
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
    "Certificate",
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
    "certificate",
    "duality_gap",
    "gradient_check",
]
