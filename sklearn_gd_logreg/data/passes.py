"""Counter of passes over the data."""


class Passes:
    """Counter of passes over the data.

    Attributes
    ----------
    count : float
        Passes so far: rows read, divided by the rows of a pass (`Dataset.rows_per_pass`).
    distinct_fraction : float
        Rows after `merge_equal_rows`, divided by rows before; 1 without it.
    """

    def __init__(self) -> None:
        self.count, self.distinct_fraction = 0.0, 1.0

    @property
    def over_distinct_rows(self) -> float:
        """Passes so far over the merged rows, the unit of `hessian_cost`."""
        return self.count / self.distinct_fraction
