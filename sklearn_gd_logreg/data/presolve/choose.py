"""Choice of the reductions of a fit."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from hashlib import sha256
from typing import NamedTuple

from ..._typing import Array
from ..base import Dataset
from .base import Chain, Reduction
from .centering import center_columns
from .equal_rows import merge_equal_rows, merging_rows_pays
from .row_space import row_space
from .single_row_features import merge_single_row_features
from .zero_weight import drop_zero_weights, has_zero_weights, without_zero_weights

MIN_STEPS_TO_MERGE = 10
"""Steps from which equal rows and features of single rows are merged. It takes as long as two or
three passes and usually saves at least a fifth of each pass."""

ZERO_WEIGHT, EQUAL_ROWS, CENTERING = "rows of weight 0", "equal rows", "columns far from 0"
SINGLE_ROW_FEATURES, ROW_SPACE = "features of single rows", "row space"


class AllowedReductions(NamedTuple):
    """Reductions that do not change the iterates of a descent, and its length.

    Attributes
    ----------
    n_steps : int
        Largest number of steps.
    zero_weight, equal_rows, centering, single_row_features : bool
        Whether each reduction is allowed.
    row_space : callable
        Whether to use the row space of a `Dataset` with fewer rows than features.
    l2 : float or None
        L2 penalty, if the row space must pass `RowSpace.is_accurate`.
    """

    n_steps: int
    zero_weight: bool
    equal_rows: bool
    centering: bool
    single_row_features: bool
    row_space: Callable[[Dataset], bool]
    l2: float | None


@dataclass
class Presolve:
    """The reductions of a fit.

    Attributes
    ----------
    data : Dataset
        The data after all reductions.
    start : array of shape (n_parameters, n_outputs)
        The starting point after all reductions.
    reduction : Reduction or None
        Composition of all reductions.
    reasons : dict
        Reason for each reduction by its name, in order.
    offset : array of shape (n_features,) or None
        What centering subtracts.
    """

    data: Dataset
    start: Array
    reduction: Reduction | None = None
    reasons: dict[str, str] = field(default_factory=dict)
    offset: Array | None = None

    @property
    def key(self) -> tuple[object, ...]:
        """Equal for two descents whose iterates have the same coordinates.

        The offset comes from a sample, which is another one in another storage of the same rows.
        """
        names = [name for name in self.reasons if name not in (ZERO_WEIGHT, EQUAL_ROWS)]
        if self.offset is not None:
            names.append(sha256(self.offset.tobytes()).hexdigest())
        return self.data.n_weighted_rows, self.data.n_parameters, *names

    def add(self, name: str, reduction: Reduction | None, reason: str) -> None:
        """Append a reduction, if it is not None."""
        if reduction is not None:
            self.reduction = Chain(self.reduction, reduction) if self.reduction else reduction
            self.data, self.start = self.reduction.data, self.reduction.start
            self.reasons[name] = reason


def choose_reductions(
    data: Dataset, w: Array, allowed: AllowedReductions, require_finite: Callable[[], None]
) -> Presolve:
    """Reduce the data of a fit where it pays: first to fewer rows, then to other coordinates.

    The choice depends only on the arguments, so a resumed descent has the same coordinates.

    Parameters
    ----------
    data : Dataset
    w : array of shape (n_features + intercept, n_outputs)
        The starting point.
    allowed : AllowedReductions
    require_finite : callable
        Raises unless X is finite. It is called before rows are dropped or factorised, since the
        first pass would not detect it.
    """
    data.passes.distinct_fraction = 1.0
    chosen, is_long = Presolve(data, w), allowed.n_steps >= MIN_STEPS_TO_MERGE
    if allowed.zero_weight:
        chosen.add(ZERO_WEIGHT, drop_zero_weights(data, w), "they are absent")
    if allowed.equal_rows and is_long and merging_rows_pays(chosen.data):
        n_rows = chosen.data.n_weighted_rows
        merged = merge_equal_rows(chosen.data, w)
        reason = f"{merged.data.n_rows} of {n_rows} rows differ" if merged else ""
        chosen.add(EQUAL_ROWS, merged, reason)
    rows = chosen.data
    in_row_space = rows.n_weighted_rows < rows.n_features and allowed.row_space(rows)
    if in_row_space or (chosen.reasons and has_zero_weights(data)):
        require_finite()
    if allowed.centering:
        centered = center_columns(chosen.data, w)
        chosen.add(CENTERING, centered, "F would be ill-conditioned")
        chosen.offset = centered.offset if centered else None
    if in_row_space:
        space = row_space(without_zero_weights(chosen.data), chosen.start)
        if allowed.l2 is None or space.is_accurate(allowed.l2):
            chosen.add(ROW_SPACE, space, "rows are fewer than features")
    elif allowed.single_row_features and is_long:
        n_features = chosen.data.n_features
        fewer = merge_single_row_features(chosen.data, chosen.start)
        reason = f"{n_features} features become {fewer.data.n_features}" if fewer else ""
        chosen.add(SINGLE_ROW_FEATURES, fewer, reason)
    return chosen
