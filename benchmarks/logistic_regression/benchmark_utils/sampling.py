"""Which numbers of iterations benchopt runs a solver with, and how often.

By itself benchopt times one fit of 1, 2, 3, 4, 6, 9, 13, … iterations each, so that the fewest
iterations that reach a level are off by up to a half, and a fit of a millisecond is timed once.
"""

from math import inf, isfinite
from time import time

import numpy as np
from benchopt.stopping_criterion import StoppingCriterion

LEVELS = 1e-6, 1e-3, 1e-9
"""Of the suboptimality, the most important first."""
REPETITIONS = {0.01: 7, 0.1: 3, 0.5: 2}
"""Timings in a row of a fit that takes less than so many seconds; longer ones have one."""
ROUNDS, LONG = 5, 2.0
"""How often all solvers take turns; fits of so many seconds are made in the first round alone."""
CURVE = 10
"""The time-out, which is for all fits of a solver on a data set, over the limit of a single fit."""
HOPELESS = 20
"""A fit may take so many times as long as the fastest of scikit-learn took to 1e-6."""

fastest: dict[str, float] = {}
"""Seconds of that fit by data set."""
known: dict[tuple[str, str], list[int]] = {}
"""The fewest iterations that an earlier round has found, by data set and solver."""


def repetitions(seconds):
    return next((n for longest, n in REPETITIONS.items() if seconds < longest), 1)


class Repeated(StoppingCriterion):
    """The same fit several times."""

    def __init__(self, strategy=None, key_to_monitor="suboptimality", minimize=True):
        super().__init__(strategy, key_to_monitor, minimize)

    def should_stop(self, stop_val, objective_list):
        runs: dict[int, list] = {}
        for row in objective_list:
            runs.setdefault(row["stop_val"], []).append(row)
        start = runs.pop(0)  # no fit yet
        seconds = {n: float(np.median([row["time"] for row in rows])) for n, rows in runs.items()}
        above = {n: rows[0]["objective_suboptimality"] for n, rows in runs.items()}
        self.dataset = start[0]["dataset_name"]
        if self._deadline and time() > self._deadline:
            return True, "timeout", stop_val
        if len(objective_list) > self.max_runs:
            return True, "max_runs", stop_val
        after = self.next_fit(seconds, above)
        if after is None:  # all are found: those that lack most timings come first
            missing = {n: repetitions(seconds[n]) - len(runs[n]) for n in self.ends(above)}
            after = max(missing, key=missing.get, default=0)
            if missing.get(after, 0) <= 0:
                return True, "done", stop_val
        self.progress("sampling")
        return False, "running", after

    def next_fit(self, seconds, above):
        """The iterations of a fit that is still to be tried, or None."""
        return None if seconds else 1

    def ends(self, above):
        """The iterations of the fits to repeat."""
        return list(above)


class FewestIterations(Repeated):
    """The fewest iterations that reach each level: doubled, then bisected to a tenth."""

    def next_fit(self, seconds, above):
        key, most = (self.dataset, str(self.solver)), max(above, default=0)
        if key in known or not most:
            return next((n for n in known.get(key, [1]) if n not in above), None)
        there = [seconds[n] for n in above if above[n] <= LEVELS[0]]
        if there and self.family() == "scikit-learn":
            fastest[self.dataset] = min(*there, fastest.get(self.dataset, inf))
        lately = [above[n] for n in (most // 4, most // 2, most) if n]
        stopped = len(lately) == 3 and np.ptp(lately) <= 1e-14
        more = isfinite(above[most]) and above[most] > min(LEVELS) and not stopped
        if more and 2 * seconds[most] <= self.limit():
            return 2 * most
        for least in self.ends(above):
            below = max((n for n in above if n < least), default=0)
            if least - below > max(1, below // 10):
                return (least + below) // 2
        known[key] = [n for n in self.ends(above) if seconds[n] < LONG]
        return None

    def ends(self, above):
        there = ([n for n in above if above[n] <= level] for level in LEVELS)
        return list(dict.fromkeys(min(n) for n in there if n))

    def family(self):
        return getattr(self.solver, "family", "others")

    def limit(self):
        """Seconds that a fit may take: a share of the time-out, less for a hopeless solver."""
        limit = (self.timeout or inf) / CURVE
        if self.family() == "ours" or self.solver.name == "lbfgs":
            return limit
        return min(limit, max(limit / 10, HOPELESS * fastest.get(self.dataset, inf)))
