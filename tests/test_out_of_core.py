"""The memory that a fit and predictions take beside a file that is larger than they may be."""

import os
import subprocess
import sys
import textwrap

import numpy as np
import pytest

MEASURE = """
    import sys, threading, time
    import numpy as np
    from sklearn_gd_logreg import Chunks, GDLogisticRegression

    path, order, storage = sys.argv[1:]
    X = np.load(path, mmap_mode="r")
    if order == "F":
        X = X.T
    y = (np.arange(len(X)) % 3 == 0).astype(np.int8)

    class Parts:
        def __iter__(self):
            for start in range(0, len(X), 40_000):
                yield X[start : start + 40_000].copy(), y[start : start + 40_000]

    def anonymous():
        with open("/proc/self/status") as status:
            return next(int(line.split()[1]) for line in status if line.startswith("RssAnon")) / 1e3

    most, ended = [anonymous()], threading.Event()

    def watch():
        while not ended.wait(0.002):
            most.append(anonymous())

    def grown(function):
        del most[:]
        before = anonymous()
        most.append(before)
        result = function()
        return max(most) - before, result

    def fit():
        rows = (Chunks(Parts()), None) if storage == "Chunks" else (X, y)
        return GDLogisticRegression(tol=1e-3).fit(*rows)

    GDLogisticRegression().fit(X[:2000], y[:2000])  # loads what a first fit loads
    thread = threading.Thread(target=watch)
    thread.start()
    of_fit, model = grown(fit)
    rows = Chunks(Parts()) if storage == "Chunks" else X
    of_prediction, found = grown(lambda: model.predict(rows))
    ended.set()
    thread.join()
    print(of_fit, of_prediction - found.nbytes / 1e6)
"""


@pytest.mark.skipif(not os.path.exists("/proc/self/status"), reason="measures by /proc of Linux")
@pytest.mark.parametrize(
    ("dtype", "order", "storage"),
    [
        ("float64", "C", "memory map"),
        ("float32", "C", "memory map"),
        ("float64", "F", "memory map"),
        ("uint8", "C", "memory map"),
        ("float64", "C", "Chunks"),
    ],
)
def test_memory_beside_a_large_file(dtype, order, storage, tmp_path):
    """At most 100 MB, for files of 0.7 and 1.4 GB after conversion; nearly all of it is a hole."""
    taken = []
    for n_rows in (1_700_000, 3_400_000):
        if dtype == "float32":
            n_rows *= 2
        shape = (n_rows, 50) if order == "C" else (50, n_rows)
        path = tmp_path / f"{n_rows}.npy"
        X = np.lib.format.open_memmap(path, mode="w+", dtype=dtype, shape=shape)
        rows = X if order == "C" else X.T
        for start in range(0, n_rows, n_rows // 4):
            rows[start : start + 2000] = np.random.default_rng(start).integers(0, 9, (2000, 50))
        del X, rows
        done = subprocess.run(
            [sys.executable, "-c", textwrap.dedent(MEASURE), str(path), order, storage],
            env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        path.unlink()
        assert done.returncode == 0, done.stderr[-3000:]
        taken.append([float(number) for number in done.stdout.split()])
    assert np.max(taken) < 100
    assert np.max(np.diff(taken, axis=0)) < 25
