"""The classes that a checkpoint file may contain, by name: an allow-list.

A new class in the state of a descent must be added here. It is a dataclass, a named tuple, an
update rule or a learning rate. The names are unique.
"""

from __future__ import annotations

from .descent import Iterate
from .estimator import GDLogisticRegression
from .fisher import FisherProduct
from .fitting.monitor import MonitorState
from .fitting.resume import LoopState, Model, ObjectiveFingerprint, ResumeState
from .fitting.settings import Settings
from .fitting.stopping import BestIterate, CostPlateau, GradientTolerance
from .line_search import Backtracking
from .objective import Point
from .penalty import ElasticNet
from .rules import RULES
from .rules.adam import AdamMemory
from .rules.natural.curvature import CholeskyFisher, Displacement, Step
from .rules.natural.hessian_free import HessianFree
from .rules.natural.kronecker import KroneckerFisher
from .rules.natural.lbfgs import LBFGS, CurvaturePair, DiagonalBase
from .rules.natural.memory import NaturalMemory, WorkCounts
from .rules.natural.online import EpochMemory
from .rules.natural.plan import Method
from .rules.natural.prox_newton import ColumnFisher, ProximalFisher, WorkingSetFisher
from .rules.nesterov import NesterovMemory
from .schedules import (
    Constant,
    CosineDecay,
    ExponentialDecay,
    FunctionRate,
    InverseSqrt,
    StepDecay,
    TimeDecay,
)

ESTIMATOR: tuple[type, ...] = (GDLogisticRegression, *RULES.values())
RATES: tuple[type, ...] = (
    Backtracking,
    Constant,
    CosineDecay,
    ExponentialDecay,
    FunctionRate,
    InverseSqrt,
    StepDecay,
    TimeDecay,
)
DESCENT: tuple[type, ...] = (
    ResumeState,
    ElasticNet,
    Iterate,
    Model,
    ObjectiveFingerprint,
    LoopState,
    Point,
    Settings,
)
STOPPING: tuple[type, ...] = (BestIterate, CostPlateau, GradientTolerance, MonitorState)
MEMORIES: tuple[type, ...] = (
    AdamMemory,
    WorkCounts,
    EpochMemory,
    Method,
    NaturalMemory,
    NesterovMemory,
)
CURVATURES: tuple[type, ...] = (
    CholeskyFisher,
    ColumnFisher,
    CurvaturePair,
    DiagonalBase,
    Displacement,
    FisherProduct,
    HessianFree,
    KroneckerFisher,
    LBFGS,
    ProximalFisher,
    Step,
    WorkingSetFisher,
)

CLASSES: dict[str, type] = {
    kind.__qualname__: kind
    for kind in (*ESTIMATOR, *RATES, *DESCENT, *STOPPING, *MEMORIES, *CURVATURES)
}
