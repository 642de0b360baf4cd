"""Callbacks in the protocol of `sklearn.callback` (scikit-learn 1.9).

The classes do not import `sklearn.callback`; `set_callbacks` of an estimator needs scikit-learn 1.9.
"""

from .checkpoint import Checkpoint
from .time_limit import TimeLimit
from .trajectory import Trajectory
from .validation_monitor import ValidationMonitor

__all__ = ["Checkpoint", "TimeLimit", "Trajectory", "ValidationMonitor"]
