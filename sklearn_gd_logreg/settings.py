"""What a descent goes by."""

from __future__ import annotations

from dataclasses import dataclass

from .rates import LearningRate
from .rules import UpdateRule


@dataclass(frozen=True)
class Settings:
    """What a descent goes by, as it was asked for.

    Attributes
    ----------
    rule : UpdateRule
    rate : LearningRate or None
        None: the rule chooses it.
    batch_size : int or None
    tol : float
    """

    rule: UpdateRule
    rate: LearningRate | None
    batch_size: int | None
    tol: float

    def may_go_on(self, before: Settings) -> bool:
        """Whether a descent that went by other settings may go on by these.

        The rule must be the same, since its memory is, and the mini-batches as large.
        """
        return self.batch_size == before.batch_size and _key(self.rule) == _key(before.rule)


def _key(rule: UpdateRule) -> tuple[type, str]:
    return type(rule), repr(sorted(rule.get_params(deep=False).items()))
