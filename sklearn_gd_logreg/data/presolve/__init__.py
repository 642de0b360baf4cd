"""Exact reductions of the data before a descent, undone at its end.

Each is a file with a function that returns a `Reduction`, or None where it does not pay.

References
----------
Andersen and Andersen, "Presolving in linear programming", Math. Program. 71 (1995).
"""

from .base import Chain, Reduction, storage_of
from .choose import Allowed, Presolve, choose_reductions
from .row_space import RowSpace, row_space, row_space_pays

__all__ = [
    "Allowed",
    "Chain",
    "Presolve",
    "Reduction",
    "RowSpace",
    "choose_reductions",
    "row_space",
    "row_space_pays",
    "storage_of",
]
