"""Presolve: exact reductions of the data before a descent.

Each file defines a function that returns a `Reduction`, or None if the reduction does not pay.

References
----------
Andersen and Andersen, "Presolving in linear programming", Math. Program. 71 (1995).
"""

from .base import Reduction, dataset_class, take_rows
from .centering import Centering, subtract_offset
from .choose import CENTERING, AllowedReductions, Presolve, choose_reductions
from .row_space import RowSpace, row_space, row_space_pays

__all__ = [
    "CENTERING",
    "AllowedReductions",
    "Centering",
    "Presolve",
    "Reduction",
    "RowSpace",
    "choose_reductions",
    "dataset_class",
    "row_space",
    "row_space_pays",
    "subtract_offset",
    "take_rows",
]
