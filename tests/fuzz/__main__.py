"""Random problems, fitted and judged: ``python -m tests.fuzz --minutes 60``."""

import argparse
import itertools
import multiprocessing
import sys
import time
from collections import Counter, deque
from concurrent.futures import ProcessPoolExecutor

import numpy as np

from .exact import IS_EXTENDED
from .judge import FAILURES, FINDINGS, GENEROUS, judged
from .problems import CLASSES

REASONS = {
    ("false end", "an extreme value hides less than the bound on J - J* is asked for"): (
        "outlier-l2 outlier-l1 counts mixed"
    ),
    ("false end", "without an intercept columns far from 0 cannot be centred"): (
        "offset-l2 offset-l1 offset-wide"
    ),
    ("false end", "with an L1 part the bound is loose where F is nearly singular"): (
        "ordinary-l1 one-hot-l1 duplicates constant-columns weak-penalty balanced-labels "
        "weights tiny"
    ),
    ("false end", "without a penalty there is no bound"): (
        "scales unpenalized unpenalized-collinear unpenalized-wide separable"
    ),
    ("absent rows", "another number of rows leads another way"): (
        "zero-weights unpenalized unpenalized-collinear separable"
    ),
}
"""What is known to fail now and then, and why: the classes where it does."""

KNOWN = {
    (name, finding): why for (finding, why), names in REASONS.items() for name in names.split()
}
"""Class and finding that do not fail a run yet, and why."""


def main():
    arguments = parsed()
    if not IS_EXTENDED:
        print("numpy.longdouble has no more digits than float64 here: J is judged in those.")
    if arguments.reproduce:
        return reproduce(*arguments.reproduce)
    seed = arguments.seed
    if seed is None:
        seed = int(np.random.SeedSequence().generate_state(1)[0])
    return run(seed, arguments)


def parsed():
    parser = argparse.ArgumentParser(
        prog="python -m tests.fuzz", description="Fits random problems and looks for better points."
    )
    parser.add_argument("--minutes", type=float, default=0.0, help="how long; default 1")
    parser.add_argument("--seconds", type=float, default=0.0, help="the same in seconds")
    parser.add_argument("--fits", type=int, default=0, help="how many fits, in place of a time")
    parser.add_argument("--seed", type=int, help="of the sequence of problems; default a new one")
    parser.add_argument("--jobs", type=int, default=2, help="processes; default 2")
    parser.add_argument(
        "--class",
        dest="names",
        action="append",
        choices=sorted(CLASSES),
        metavar="NAME",
        help="only this class; may be repeated: " + ", ".join(CLASSES),
    )
    parser.add_argument("--all", action="store_true", help="print every fit, not only findings")
    parser.add_argument(
        "--reproduce", nargs=2, metavar=("NAME", "SEED"), help="one problem, with its history"
    )
    return parser.parse_args()


def tasks(seed, names):
    """Classes and seeds without end, the same for the same seed."""
    rng = np.random.default_rng(seed)
    share = np.array([CLASSES[name][1] for name in names])
    while True:
        yield str(rng.choice(names, p=share / share.sum())), int(rng.integers(2**31))


def run(seed, arguments):
    names = arguments.names or list(CLASSES)
    seconds = arguments.seconds or 60 * arguments.minutes or (0 if arguments.fits else 60)
    ends = time.monotonic() + seconds if seconds else np.inf
    queue = tasks(seed, names)
    print(f"seed {seed}: python -m tests.fuzz --seed {seed}", flush=True)
    verdicts = []

    def note(verdict):
        verdicts.append(verdict)
        if arguments.all or verdict.findings:
            print(verdict, flush=True)

    def wanted():
        for task in itertools.islice(queue, arguments.fits or None):
            if time.monotonic() > ends:
                return
            yield task

    if arguments.jobs == 1:
        for task in wanted():
            note(judged(*task))
        return report(verdicts, names)
    rest = wanted()
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(arguments.jobs, mp_context=context) as pool:
        waiting = deque(pool.submit(judged, *t) for t in itertools.islice(rest, 4 * arguments.jobs))
        while waiting:
            note(waiting.popleft().result())
            waiting.extend(pool.submit(judged, *t) for t in itertools.islice(rest, 1))
    return report(verdicts, names)


def report(verdicts, names, allowed=KNOWN):
    """Print the table; 1 if anything failed that is not known."""
    width = max(map(len, names)) + 2
    columns = ("fits", "warned", *FINDINGS)
    print(
        "\n"
        + "class".ljust(width)
        + "".join(column.rjust(max(len(column), 6) + 2) for column in columns)
    )
    totals, failed, known = Counter(), Counter(), Counter()
    for name in [*names, "all"]:
        if name != "all":
            mine = [verdict for verdict in verdicts if verdict.name == name]
            counts = Counter(fits=len(mine), warned=sum(v.warned for v in mine))
            for verdict in mine:
                counts.update(verdict.findings.keys())
                for finding in verdict.findings:
                    if finding in FAILURES:
                        (known if (name, finding) in allowed else failed)[name, finding] += 1
            totals += counts
        else:
            counts = totals
        cells = (str(counts[c] or ".").rjust(max(len(c), 6) + 2) for c in columns)
        print(name.ljust(width) + "".join(cells))
    print(f"\nA false end is an end without a warning where J is more than {GENEROUS:g} times")
    print("max(tol²/2, rounding) above J of a point that was found.")
    for (name, finding), count in known.items():
        print(f"known: {count} × {finding} in {name}: {allowed[name, finding]}")
    for (name, finding), count in failed.items():
        print(f"FAILED: {count} × {finding} in {name}")
    return 1 if failed else 0


def reproduce(name, seed):
    """Print the verdict on one problem, and the history of its fit."""
    import warnings

    from sklearn_gd_logreg import GDLogisticRegression

    from .problems import draw

    problem = draw(name, int(seed))
    print(f"X, y, sample_weight, params = tests.fuzz.problems.problem({name!r}, {seed})")
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            model = GDLogisticRegression(**problem.params)
            model.fit(problem.X, problem.y, problem.sample_weight)
        except Exception as error:
            print(f"{type(error).__name__}: {error}")
        else:
            history = model.history_
            print(" iteration  passes          cost  gradient norm  learning rate")
            for k in range(len(history["cost"])):
                print(
                    f"{k:10d}{history['passes'][k]:8.4g}{history['cost'][k]:14.9g}"
                    f"{history['gradient_norm'][k]:15.4g}{history['learning_rate'][k]:15.4g}"
                )
    for warning in caught:
        print(f"{warning.category.__name__}: {warning.message}")
    verdict = judged(name, int(seed))
    print(verdict)
    return 1 if any(finding in FAILURES for finding in verdict.findings) else 0


if __name__ == "__main__":
    sys.exit(main())
