"""Default fits of this state beside those of another revision: passes, and processor time.

``python benchmarks/against.py REVISION [--problems REGEX] [--rounds N]``

The revision is checked out in a folder of its own that is removed afterwards. In each round either
state fits all problems in a process of its own, with one thread; the least time of each problem
counts. The problems are those of `passes.py`, made by the files of this state.
``SKLEARN_GD_LOGREG_DATA`` names a folder of real data.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import warnings
from math import exp, log
from pathlib import Path
from time import process_time

from passes import problems
from problems import load, unseen_problems

ROOT = Path(__file__).parent.parent
LEAST, MOST, SECONDS = 2, 100, 0.35  # fits of a problem in a round: as many as take so long

Times = dict[str, tuple[float, float]]  # passes and milliseconds by title


def main() -> None:
    """Print a line for each problem, and the geometric means."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("revision", help="of git")
    parser.add_argument("--problems", default="", metavar="REGEX", help="only such titles")
    parser.add_argument("--rounds", type=int, default=2, help="default 2")
    parser.add_argument("--worker", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.worker:
        work(options.problems)
        return
    with tempfile.TemporaryDirectory() as folder:
        git("worktree", "add", "--quiet", "--detach", folder, options.revision)
        try:
            rounds = [
                (timed(folder, options), timed(str(ROOT), options)) for _ in range(options.rounds)
            ]
        finally:
            git("worktree", "remove", "--force", folder)
    report([one for one, _ in rounds], [other for _, other in rounds])


def git(*arguments: str) -> None:
    subprocess.run(["git", *arguments], cwd=ROOT, check=True)


def timed(root: str, options: argparse.Namespace) -> Times:
    """What a process that imports the package from there measures."""
    command = [sys.executable, __file__, options.revision, "--worker"]
    environment = os.environ | {"PYTHONPATH": root, "OMP_NUM_THREADS": "1"}
    out = subprocess.run(
        [*command, "--problems", options.problems],
        env=environment,
        capture_output=True,
        check=True,
        text=True,
    ).stdout
    lines = (line.split("\t") for line in out.splitlines())
    return {title: (float(passes), float(ms)) for title, passes, ms in lines}


def work(titles: str) -> None:
    """Fit each problem some times."""
    from sklearn_gd_logreg import GDLogisticRegression

    warnings.simplefilter("ignore")
    for problem in problems(titles):
        try:
            options = load(problem)
        except ImportError:  # of what reads the file
            continue
        data = [options.pop(name) for name in ("X", "y", "sample_weight")]
        times: list[float] = []
        while len(times) < LEAST or (len(times) < MOST and sum(times) < SECONDS):
            began = process_time()
            model = GDLogisticRegression(**options).fit(*data)
            times.append(process_time() - began)
        print(problem.title, model.history_["passes"][-1], 1e3 * min(times), sep="\t", flush=True)


def report(before: list[Times], now: list[Times]) -> None:
    """Passes and times of both, and by what they differ."""
    unseen = {problem.title for problem in unseen_problems()}
    logs: dict[str, list[float]] = {"tuned": [], "unseen": []}
    print(f"{'':36}{'passes':>9}{'now':>9}{'ms':>10}{'now':>10}  ratio")
    for title, (passes, _) in before[0].items():
        old, new = (min(times[title][1] for times in rounds) for rounds in (before, now))
        logs["unseen" if title in unseen else "tuned"].append(log(new / old))
        figures = f"{passes:9.2f}{now[0][title][0]:9.2f}{old:10.2f}{new:10.2f}"
        print(f"{title:36}{figures}{new / old:7.2f}")
    for kind, ratios in logs.items():
        if ratios:
            mean = exp(sum(ratios) / len(ratios))
            print(f"{len(ratios)} {kind} problems, geometric mean of the ratios: {mean:.2f}")


if __name__ == "__main__":
    main()
