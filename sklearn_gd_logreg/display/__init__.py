"""Pictures of fits, in scikit-learn's Display conventions; matplotlib is imported by `plot`."""

from .bias_variance import BiasVarianceDisplay
from .cost_curve import CostCurveDisplay
from .cost_surface import CostSurfaceDisplay
from .learning_rate import LearningRateDisplay

__all__ = ["BiasVarianceDisplay", "CostCurveDisplay", "CostSurfaceDisplay", "LearningRateDisplay"]
