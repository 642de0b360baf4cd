"""A fit of a memory-mapped file beside the same fit in memory: ``python out_of_core.py --gb 4``.

Each line is a process: time of the fit and of `predict`, anonymous memory (``RssAnon`` of Linux)
that they take beside what they began with, and passes. ``--gb`` is the size of X as floats; a file
of integers has an eighth of it.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import threading
import warnings
from pathlib import Path
from time import perf_counter, sleep

import numpy as np

N_FEATURES = 100
LAYOUTS = "float64 C", "float64 F", "float32 C", "float32 F", "uint8 C"


def anonymous_mb():
    status = Path("/proc/self/status").read_text()
    return int(status.split("RssAnon:")[1].split()[0]) / 1e3


def write(path, layout, gb):
    """Rows of noise with labels that depend on five of them, written piece by piece."""
    dtype, order = layout.split()
    n_rows = int(gb * 1e9 / N_FEATURES / (4 if dtype == "float32" else 8))
    shape, rng = (n_rows, N_FEATURES), np.random.default_rng(0)
    X = np.lib.format.open_memmap(path, "w+", dtype, shape, fortran_order=order == "F")
    y = np.empty(n_rows, np.int8)
    for start in range(0, n_rows, 100_000):
        rows = rng.standard_normal((min(100_000, n_rows - start), N_FEATURES), np.float32)
        y[start : start + len(rows)] = rows[:, :5].sum(1) + rng.logistic(size=len(rows)) > 0
        X[start : start + len(rows)] = rows * 40 + 128 if dtype == "uint8" else rows
    np.save(f"{path}.y", y)


def measure(path, in_memory):
    """Fit and predict in this process."""
    from sklearn_gd_logreg import GDLogisticRegression

    X, y = np.load(path, mmap_mode=None if in_memory else "r"), np.load(f"{path}.y.npy")
    before, peak, done = anonymous_mb(), [0.0], threading.Event()

    def watch():
        while not done.is_set():
            peak[0] = max(peak[0], anonymous_mb())
            sleep(0.01)

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    warnings.simplefilter("ignore")
    start = perf_counter()
    clf = GDLogisticRegression().fit(X, y)
    fitted = perf_counter()
    clf.predict(X)
    times = fitted - start, perf_counter() - fitted
    done.set()
    watcher.join()
    print(json.dumps([*times, peak[0] - before, clf.history_["passes"][-1], clf.coef_.tolist()]))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--gb", type=float, default=4)
    parser.add_argument("--folder", default=None, help="where the file is, of one layout at a time")
    parser.add_argument("--layouts", nargs="+", default=LAYOUTS)
    parser.add_argument("--measure", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure:
        return measure(options.measure[0], options.measure[1] == "memory")
    print("X          GB    rows in    fit s  predict s  RssAnon MB  passes  |coef - coef|")
    for layout in options.layouts:
        with tempfile.TemporaryDirectory(dir=options.folder) as folder:
            path, reference = os.path.join(folder, "X.npy"), None
            write(path, layout, options.gb)
            for rows_in in ("memory", "file"):
                command = [sys.executable, __file__, "--measure", path, rows_in]
                fit, predict, mb, passes, coef = json.loads(subprocess.check_output(command))
                reference = coef if reference is None else reference
                difference = np.abs(np.subtract(coef, reference)).max()
                print(
                    f"{layout:10} {options.gb:<5} {rows_in:10} {fit:<6.1f} {predict:<10.1f}",
                    f"{mb:<11.0f} {passes:<7.1f} {difference:.0e}",
                    flush=True,
                )
    return None


if __name__ == "__main__":
    main()
