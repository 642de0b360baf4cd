"""How often the data have been read."""


class Passes:
    """How often the data have been read, in units of all rows.

    Attributes
    ----------
    count : float
    whole : float
        The part of all rows that is left where equal rows are merged.
    """

    def __init__(self) -> None:
        self.count, self.whole = 0.0, 1.0

    @property
    def over_rows_left(self) -> float:
        """The count in units of the rows that are left, as costs are."""
        return self.count / self.whole
