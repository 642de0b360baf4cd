"""What the tables say, from the numbers in a results file; nothing is measured here."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

LEVELS = 1e-3, 1e-6, 1e-9
ASKED = 1e-6  # the level of ratios and means


@dataclass(frozen=True)
class Ratio:
    """How many times longer another takes; a bound where only one of both got there."""

    value: float
    sign: str = ""

    def __str__(self) -> str:
        if math.isnan(self.value):
            return "–"
        digits = 2 if self.value < 9.95 else 0
        return f"{self.sign}{self.value:.{digits}f}"


NO_RATIO = Ratio(math.nan)


@dataclass(frozen=True)
class Time:
    """Seconds to a level, or how long a solver was tried in vain."""

    seconds: float
    solver: str = ""
    reached: bool = True

    def __str__(self) -> str:
        return significant(self.seconds) if self.reached else f"> {significant(self.seconds)}"


def significant(x: float, digits: int = 2) -> str:
    """Two digits that count, without an exponent."""
    if not np.isfinite(x):
        return "–"
    if x == 0:
        return "0"
    places = digits - 1 - math.floor(math.log10(abs(x)))
    return f"{round(x, places):.{max(places, 0)}f}"


def shape(p: dict[str, Any]) -> str:
    classes = f" × {p['K']}" if p["K"] > 2 else ""
    density = f", {100 * p['stored'] / (p['n'] * p['d']):.2g} %" if p["sparse"] else ""
    return f"{p['n']} × {p['d']}{classes}{density}"


def lowest(problem: dict[str, Any]) -> float:
    r"""J\*: the reference, or what any solver found below it."""
    costs = [p["cost"] for curve in problem["curves"] for p in curve["points"]]
    return float(np.nanmin([problem["reference"]["value"], *costs]))


def points(problem: dict[str, Any], curve: dict[str, Any]) -> np.ndarray:
    """Seconds, suboptimality and passes of the points of a curve, by iterations."""
    least = lowest(problem)
    rows = [
        (np.median(p["seconds"]), (p["cost"] - least) / least, p["passes"]) for p in curve["points"]
    ]
    return np.array(rows).reshape(-1, 3)


def time_to(problem: dict[str, Any], curve: dict[str, Any], level: float) -> Time:
    found = points(problem, curve)
    there = np.flatnonzero(found[:, 1] <= level)
    if there.size:
        return Time(found[there[0], 0], curve["solver"])
    tried = found[:, 0].max() if len(found) else curve["limit"]
    return Time(tried, curve["solver"], reached=False)


def fastest(problem: dict[str, Any], family: str, level: float) -> Time | None:
    """Of the solvers of a family that minimise J itself."""
    curves = [c for c in problem["curves"] if c["family"] == family and not c["apart"]]
    times = [time_to(problem, curve, level) for curve in curves]
    if not times:
        return None
    there = [time for time in times if time.reached]
    if there:
        return min(there, key=lambda time: time.seconds)
    least = min(times, key=lambda time: time.seconds)
    return Time(least.seconds, "none", reached=False)


def named(problem: dict[str, Any], solver: str) -> dict[str, Any] | None:
    return next((c for c in problem["curves"] if c["solver"] == solver), None)


def ours(problem: dict[str, Any], level: float) -> Time:
    curve = named(problem, "ours")
    return time_to(problem, curve, level) if curve else Time(math.nan, reached=False)


def ratio(theirs: Time | None, own: Time) -> Ratio:
    if theirs is None or not (theirs.reached or own.reached):
        return NO_RATIO
    sign = "" if theirs.reached and own.reached else ">" if own.reached else "<"
    return Ratio(theirs.seconds / own.seconds, sign)


def ratios(problem: dict[str, Any], level: float) -> Ratio:
    """Of the fastest solver of scikit-learn to ours."""
    return ratio(fastest(problem, "scikit-learn", level), ours(problem, level))


def ratio_to_lbfgs(problem: dict[str, Any], level: float = ASKED) -> Ratio:
    curve = named(problem, "lbfgs")
    return ratio(time_to(problem, curve, level), ours(problem, level)) if curve else NO_RATIO


def mean(found: list[Ratio]) -> float:
    """The geometric mean, bounds taken for values."""
    values = [r.value for r in found if np.isfinite(r.value)]
    return float(np.exp(np.mean(np.log(values)))) if values else math.nan


def default_ratio(problem: dict[str, Any]) -> Ratio:
    """Of the whole default fits, whatever each of them reached."""
    times = [default(problem, name).get("seconds") for name in ("ours", rival(problem))]
    if not all(times):
        return NO_RATIO
    return Ratio(float(np.median(times[1]) / np.median(times[0])))


def default(problem: dict[str, Any], solver: str) -> dict[str, Any]:
    return problem.get("default", {}).get(solver, {})


def rival(problem: dict[str, Any]) -> str:
    """The solver that stands for scikit-learn's default: lbfgs, or saga for L1 penalties."""
    return next((name for name in problem.get("default", {}) if name != "ours"), "")


def passes(problem: dict[str, Any]) -> float:
    """How often ours has read the rows when it is there."""
    return float(arrival(problem, "ours").get("passes", math.nan))


def arrival(problem: dict[str, Any], solver: str, level: float = ASKED) -> dict[str, Any]:
    """The fit of a solver with the fewest iterations that reaches a level; or nothing."""
    curve = named(problem, solver)
    there = points(problem, curve)[:, 1] <= level if curve else np.zeros(0, dtype=bool)
    return curve["points"][int(np.argmax(there))] if curve and there.any() else {}
