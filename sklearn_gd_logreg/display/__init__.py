"""Displays of fitted models, as scikit-learn's; `plot` imports matplotlib."""

from .bias_variance import BiasVarianceDisplay
from .cost_curve import CostCurveDisplay
from .cost_surface import CostSurfaceDisplay
from .learning_rate import LearningRateDisplay

__all__ = ["BiasVarianceDisplay", "CostCurveDisplay", "CostSurfaceDisplay", "LearningRateDisplay"]
