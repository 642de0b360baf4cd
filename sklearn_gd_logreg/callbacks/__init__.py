"""Callbacks in the protocol of `sklearn.callback` (scikit-learn 1.9).

The classes do not import `sklearn.callback`: only `set_callbacks` of the estimator needs it.
"""

from .checkpoint import Checkpoint
from .time_limit import TimeLimit
from .trajectory import Trajectory
from .validation_monitor import ValidationMonitor

__all__ = ["Checkpoint", "TimeLimit", "Trajectory", "ValidationMonitor"]
