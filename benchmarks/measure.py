"""Time to a suboptimality: fits from scratch with 1, 2, 4, … iterations, then in between.

Each solver is sampled first, to find the fewest iterations that reach each level. Those
fits are then repeated in rounds, all solvers in turn, every other round in reverse.
"""

import gc
import math
import signal
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from time import perf_counter
from typing import Any

import numpy as np

LEVELS = 1e-3, 1e-6, 1e-9
SHORT = 0.05  # seconds
BRIEF = 0.01
"""Seconds below which a fit is made twice when it is repeated, and the second one timed.

What another solver has left in the caches, or its threads of BLAS, would count otherwise.
"""
RACE = 20  # a solver is left when it takes so many times the fastest of its kind
PATIENCE, LONGEST = 10, 60.0
"""The default, lbfgs, whose ratios are wanted in full, may take so many times the limit, but no
more seconds than that, unless the limit itself is longer."""


@contextmanager
def at_most(seconds: float) -> Iterator[None]:
    """Raise TimeoutError after so many seconds, as soon as Python runs again.

    Compiled code that is about to call Python may make another error of it, as Numba's does.
    """
    over = False

    def stop(*_: Any) -> None:
        nonlocal over
        over = True
        raise TimeoutError

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    except Exception as error:
        if over:
            raise TimeoutError from error
        raise
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


@dataclass
class Point:
    """The fits with so many iterations: their seconds, and where they end."""

    iterations: int
    cost: float
    suboptimality: float
    passes: float
    seconds: list[float]

    @property
    def median(self) -> float:
        return float(np.median(self.seconds))


@dataclass
class Curve:
    """A solver on a problem: the points measured, and why there are no more."""

    solver: Any
    objective: Any
    limit: float
    points: dict[int, Point] = field(default_factory=dict)
    end: str = ""
    spent: float = 0.0

    def probe(self, iterations: int) -> Point:
        """The first fits with so many iterations: three if they are short."""
        point = self.fit(iterations)
        for _ in range(2 if point.seconds[0] < SHORT else 0):
            self.fit(iterations)
        return point

    def fit(self, iterations: int) -> Point:
        """One fit more with so many iterations."""
        gc.collect()
        self.solver.pre_run_hook(iterations)
        if iterations in self.points and self.points[iterations].median < BRIEF:
            self.solver.run(iterations)
        start = perf_counter()
        try:
            with at_most(1.5 * self.limit):
                self.solver.run(iterations)
        finally:
            seconds = perf_counter() - start
            self.spent += seconds
        if iterations in self.points:
            self.points[iterations].seconds.append(seconds)
        else:
            found = self.objective(self.solver.get_result())[0]
            keys = "value", "suboptimality", "passes"
            values = (float(found[f"objective_{key}"]) for key in keys)
            self.points[iterations] = Point(iterations, *values, [seconds])
        return self.points[iterations]

    def reaching(self, level: float) -> Point | None:
        """The point with the fewest iterations at or below a level."""
        there = [point for point in self.points.values() if point.suboptimality <= level]
        return min(there, key=lambda point: point.iterations, default=None)

    def sample(self) -> None:
        try:
            self.end = self.double()
            for level in (1e-6, 1e-3, 1e-9):
                self.refine(level)
        except TimeoutError:
            self.end = "limit"

    def double(self) -> str:
        """Twice as many iterations each time, until one of the reasons returned."""
        iterations, still = 1, 0
        before = math.inf
        while True:
            point = self.probe(iterations)
            if not np.isfinite(point.cost):
                return "diverged"
            if point.suboptimality <= min(LEVELS):
                return "reached"
            still = still + 1 if abs(before - point.cost) <= 1e-14 * abs(point.cost) else 0
            if still == 2:  # the solver has stopped by itself
                return "stopped"
            if 2 * point.median > self.limit:
                return "limit"
            before, iterations = point.cost, 2 * iterations

    def refine(self, level: float) -> None:
        """Halve the bracket of the fewest iterations that reach a level, to 10 %."""
        while self.spent < 3 * self.limit:
            there = [k for k, point in self.points.items() if point.suboptimality <= level]
            if not there:
                return
            least = min(there)
            below = max((k for k in self.points if k < least), default=0)
            if least - below <= max(1, below // 10):
                return
            self.probe((least + below) // 2)


def rounds(seconds: float, quick: bool) -> int:
    """How many fits of such a length there shall be."""
    for longest, number in ((BRIEF, 31), (0.1, 15), (0.5, 7), (2.0, 5), (6.0, 3)):
        if seconds < longest:
            return min(number, 5) if quick else number
    return 1


def repeat(tasks: list[tuple[int, Callable[[], Any]]]) -> None:
    """Run each task so many times, in turn, every other round in reverse."""
    for number in range(max((times for times, _ in tasks), default=0)):
        for times, task in tasks if number % 2 else reversed(tasks):
            if number < times:
                task()


def repeat_levels(curves: list[Curve], quick: bool) -> None:
    """Repeat the fits that reach a level first, for all solvers in turn."""
    tasks = []
    for curve in curves:
        at = {point.iterations for level in LEVELS if (point := curve.reaching(level))}
        for k in at:
            more = rounds(curve.points[k].median, quick)
            tasks.append((more, lambda curve=curve, k=k: attempt(curve, k)))
    repeat(tasks)


def attempt(curve: Curve, iterations: int) -> None:
    try:
        curve.fit(iterations)
    except TimeoutError:
        curve.limit *= 2  # it was in time once: only a hiccup of the machine


def warm_up(solver: Any, seconds: float) -> None:
    """Load and compile what the first fit needs; not timed."""
    try:
        with at_most(seconds):
            solver._warm_up()
            solver.run(1)
    except TimeoutError:
        pass


def allowance(solver: Any, limit: float, best: float) -> float:
    """Seconds that a fit may take, when the best of scikit-learn so far has taken ``best``."""
    if solver.family == "ours":
        return limit
    if solver.name == "lbfgs":
        return max(limit, min(PATIENCE * limit, LONGEST))
    return min(limit, max(limit / 10, RACE * best))


def sample_all(solvers: list[Any], objective: Any, limit: float) -> list[Curve]:
    """Sample ours and the default in full, the others while they are in the race."""
    gc.collect()
    gc.freeze()  # what was there before need not be looked at by every later collection
    curves, best = [], math.inf
    for solver in solvers:
        curve = Curve(solver, objective, allowance(solver, limit, best))
        warm_up(solver, 10 * limit)
        curve.sample()
        curves.append(curve)
        level = curve.reaching(1e-6)
        if level and solver.family == "scikit-learn":
            best = min(best, level.median)
    return curves


@dataclass
class DefaultFit:
    """Fits with default settings: their seconds, where they end, and their memory."""

    solver: Any
    objective: Any
    limit: float
    seconds: list[float] = field(default_factory=list)
    suboptimality: float = math.nan
    passes: float = math.nan
    peak: float = math.nan

    def fit(self) -> None:
        gc.collect()
        if self.seconds and self.seconds[-1] < BRIEF:
            self.solver.fit(self.solver.default())
        start = perf_counter()
        try:
            with at_most(self.limit):
                model = self.solver.fit(self.solver.default())
        except TimeoutError:
            return
        self.seconds.append(perf_counter() - start)
        found = self.objective(self.solver.result_of(model))[0]
        self.suboptimality = float(found["objective_suboptimality"])
        self.passes = float(found["objective_passes"])

    def measure_memory(self) -> None:
        """Peak of what one more fit allocates, in bytes; in a fit of its own, as it is slower."""
        if not self.seconds or self.seconds[0] > self.limit / 4:
            return
        gc.collect()
        tracemalloc.start()
        try:
            with at_most(self.limit):
                self.solver.fit(self.solver.default())
                self.peak = float(tracemalloc.get_traced_memory()[1])
        except TimeoutError:
            pass
        finally:
            tracemalloc.stop()


def default_fits(ours: Any, theirs: Any, objective: Any, limit: float, quick: bool) -> list:
    """Our default fit and scikit-learn's, in turn."""
    fits = [DefaultFit(solver, objective, limit) for solver in (ours, theirs)]
    for one in fits:
        one.fit()
    times = [rounds(one.seconds[0], quick) if one.seconds else 0 for one in fits]
    repeat([(number, one.fit) for number, one in zip(times, fits, strict=True)])
    for one in fits:
        one.measure_memory()
    return fits
