"""Counter of passes over the data."""


class Passes:
    """Counter of passes over the data.

    Attributes
    ----------
    count : float
        Rows read over all rows.
    distinct_fraction : float
        Rows after `merge_equal_rows` over rows before.
    """

    def __init__(self) -> None:
        self.count, self.distinct_fraction = 0.0, 1.0

    @property
    def over_distinct_rows(self) -> float:
        """Rows read over the rows after `merge_equal_rows`, the unit of costs."""
        return self.count / self.distinct_fraction
