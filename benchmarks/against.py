"""Default fits of this state beside those of another revision: passes, and processor time.

``python benchmarks/against.py REVISION [--problems REGEX] [--rounds N]``

The package of the revision is unpacked in a folder that is removed afterwards. In each round either
state fits all problems in a process, with one thread; the least time of each problem counts. The
problems are those of `passes.py`, made by the files of this state. The variable
``SKLEARN_GD_LOGREG_DATA`` names a folder of real data.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from time import process_time

import numpy as np
from passes import measure
from problems import UNSEEN, loaded, of_group, short_problems

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
        print(json.dumps(work(options.problems)))
        return
    with tempfile.TemporaryDirectory() as folder:
        command = ["git", "archive", options.revision, "sklearn_gd_logreg"]
        archive = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, check=True)
        subprocess.run(["tar", "-x", "-C", folder], input=archive.stdout, check=True)
        roots = [folder, str(ROOT)] * options.rounds
        times = [timed(root, options.problems) for root in roots]
    report(times[::2], times[1::2])


def timed(root: str, titles: str) -> Times:
    """What a process that imports the package from there measures."""
    command = [sys.executable, __file__, "now", "--worker", "--problems", titles]
    environment = os.environ | {"PYTHONPATH": root, "OMP_NUM_THREADS": "1"}
    out = subprocess.run(command, env=environment, stdout=subprocess.PIPE, check=True, text=True)
    return dict(json.loads(out.stdout))


def work(titles: str) -> Times:
    """Fit each problem some times."""
    found = {}
    for problem, data, options in loaded(short_problems(titles)):
        times: list[float] = []
        while len(times) < LEAST or (len(times) < MOST and sum(times) < SECONDS):
            began = process_time()
            passes = measure(data, options)["passes"]
            times.append(process_time() - began)
        found[problem.title] = passes, 1e3 * min(times)
    return found


def report(before: list[Times], now: list[Times]) -> None:
    """Passes and times of both, and by what they differ."""
    unseen = {problem.title for problem in of_group(UNSEEN)}
    ratios: dict[str, list[float]] = {"tuned": [], "unseen": []}
    print(f"{'':36}{'passes':>9}{'now':>9}{'ms':>10}{'now':>10}  ratio")
    for title, (passes, _) in before[0].items():
        old, new = (min(times[title][1] for times in rounds) for rounds in (before, now))
        ratios["unseen" if title in unseen else "tuned"].append(new / old)
        figures = f"{passes:9.2f}{now[0][title][0]:9.2f}{old:10.2f}{new:10.2f}"
        print(f"{title:36}{figures}{new / old:7.2f}")
    for kind, some in ratios.items():
        if some:
            mean = np.exp(np.mean(np.log(some)))
            print(f"{len(some)} {kind} problems, geometric mean of the ratios: {mean:.2f}")


if __name__ == "__main__":
    main()
