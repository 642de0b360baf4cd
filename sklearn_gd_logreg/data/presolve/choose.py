"""Which reductions a fit uses, in which order, and why."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple

from ..._typing import Array
from ..base import Dataset
from .base import Chain, Reduction
from .centring import centre_if_far
from .equal_rows import merge_equal_rows, repeats_rows
from .row_space import row_space
from .single_row_features import merge_single_row_features
from .zero_weight import has_zero_weights, leave_out_zero_weights, weighted_part

MIN_STEPS = 10
"""Steps from which equal rows and features of single rows are merged, which takes as long as two or
three passes and usually spares a fifth of each pass or more."""

ZERO_WEIGHT, EQUAL_ROWS, CENTRING = "rows of weight 0", "equal rows", "columns far from 0"
SINGLE_ROW_FEATURES, ROW_SPACE = "features of single rows", "row space"


class Allowed(NamedTuple):
    """The reductions that leave a descent the same, and how long it may be.

    Attributes
    ----------
    n_steps : int
        Most steps that there may be.
    zero_weight, equal_rows, centring, single_row_features : bool
    row_space : function of a Dataset
        Whether the descent is to be in coordinates of the row space of these rows; asked where
        they are fewer than the features.
    l2 : float or None
        The L2 penalty of a descent that needs all that the rows tell (`RowSpace.is_faithful`).
    """

    n_steps: int
    zero_weight: bool
    equal_rows: bool
    centring: bool
    single_row_features: bool
    row_space: Callable[[Dataset], bool]
    l2: float | None


@dataclass
class Presolve:
    """The reductions of a fit, one after the other.

    Attributes
    ----------
    data : Dataset
        The rows after all of them.
    start : array of shape (n_parameters, n_outputs)
        The start after all of them.
    reduction : Reduction or None
        All of them as one.
    reasons : dict
        For each by its name, in their order, why it is used.
    """

    data: Dataset
    start: Array
    reduction: Reduction | None = None
    reasons: dict[str, str] = field(default_factory=dict)

    @property
    def coordinates(self) -> tuple[object, ...]:
        """By which it is known whether iterates and memories of two descents go together."""
        others = tuple(name for name in self.reasons if name not in (ZERO_WEIGHT, EQUAL_ROWS))
        return self.data.n_weighted_rows, self.data.n_parameters, *others

    def add(self, name: str, reduction: Reduction | None, reason: str) -> None:
        """Reduce the rows further, if there is a reduction."""
        if reduction is not None:
            self.reduction = Chain(self.reduction, reduction) if self.reduction else reduction
            self.data, self.start = reduction.data, reduction.start
            self.reasons[name] = reason


def choose_reductions(
    data: Dataset, w: Array, allowed: Allowed, require_finite: Callable[[], None]
) -> Presolve:
    """Reduce the data of a fit where it pays: fewer rows first, then other coordinates.

    The choice depends on the data, the start and what is allowed alone, so a descent that goes on
    finds its coordinates again.

    Parameters
    ----------
    data : Dataset
        In any storage.
    w : array of shape (n_features + intercept, n_outputs)
        The starting point.
    allowed : Allowed
    require_finite : function
        Raises unless X is finite. It is called where rows are left out, or factorised, before the
        first pass could find that X is not.
    """
    data.passes.whole = 1.0
    chosen, is_long = Presolve(data, w), allowed.n_steps >= MIN_STEPS
    if allowed.zero_weight:
        chosen.add(ZERO_WEIGHT, leave_out_zero_weights(data, w), "they are absent")
    if allowed.equal_rows and is_long and repeats_rows(chosen.data):
        n_rows = chosen.data.n_weighted_rows
        fewer = merge_equal_rows(chosen.data, w)
        reason = f"{fewer.data.n_rows} of {n_rows} rows differ" if fewer else ""
        chosen.add(EQUAL_ROWS, fewer, reason)
    rows = chosen.data
    in_row_space = rows.n_weighted_rows < rows.n_features and allowed.row_space(rows)
    if in_row_space or (chosen.reasons and has_zero_weights(data)):
        require_finite()
    if allowed.centring:
        centred = centre_if_far(chosen.data, w)
        chosen.add(CENTRING, centred, "F would be ill-conditioned")
    if in_row_space:
        space = row_space(weighted_part(chosen.data), chosen.start)
        if allowed.l2 is None or space.is_faithful(allowed.l2):
            chosen.add(ROW_SPACE, space, "rows are fewer than features")
    elif allowed.single_row_features and is_long:
        n_features = chosen.data.n_features
        merged = merge_single_row_features(chosen.data, chosen.start)
        reason = f"{n_features} features become {merged.data.n_features}" if merged else ""
        chosen.add(SINGLE_ROW_FEATURES, merged, reason)
    return chosen
