"""Callbacks in the protocol of `sklearn.callback` (scikit-learn 1.9).

They are classes with the hooks of that protocol and import without it; `set_callbacks` of an
estimator is what needs it.
"""

from .checkpoint import Checkpoint
from .time_limit import TimeLimit
from .trajectory import Trajectory
from .validation_monitor import ValidationMonitor

__all__ = ["Checkpoint", "TimeLimit", "Trajectory", "ValidationMonitor"]
