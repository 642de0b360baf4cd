"""Fits at the same time, in threads and in processes forked meanwhile: none waits for another."""

import os
import subprocess
import sys
import textwrap
import threading
import warnings

import numpy as np
import pytest
from scipy import sparse
from sklearn.exceptions import ConvergenceWarning

from sklearn_gd_logreg import GDLogisticRegression


def wide_sparse(n_rows=400, n_features=3000):
    """Rows with more features than a matrix F is formed for: L1 goes by columns."""
    return sparse.random(n_rows, n_features, density=0.02, format="csr", random_state=0)


def problem(kind):
    """An estimator and its data: one for each way through the solver."""
    random = np.random.RandomState(0)
    X = random.standard_normal((300, 60))
    y = (X[:, 0] + random.logistic(size=300) > 0).astype(int)
    if kind == "l2":
        return GDLogisticRegression(), X, y
    if kind == "softmax":
        return GDLogisticRegression(), X, random.randint(3, size=300)
    if kind == "l1":
        return GDLogisticRegression(l1_ratio=1), X, y
    if kind == "elastic net, softmax":
        return GDLogisticRegression(l1_ratio=0.5), X, random.randint(3, size=300)
    if kind == "gd, many features":  # L from products
        X = random.standard_normal((700, 600))
        return GDLogisticRegression(solver="gd", max_iter=5, tol=0), X, random.randint(2, size=700)
    X = wide_sparse()
    y = (X @ random.standard_normal(X.shape[1]) > 0).astype(int)
    return GDLogisticRegression(l1_ratio=1, C=10), X, y


KINDS = ["l2", "softmax", "l1", "elastic net, softmax", "l1, columns", "gd, many features"]


def run_script(script, *arguments, **environment):
    """Its output, from another process that may take at most two minutes."""
    return subprocess.run(
        [sys.executable, "-W", "default", "-c", textwrap.dedent(script), *arguments],
        env={**os.environ, **environment, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


FORKS = """
    import os, sys, threading, time, warnings
    from tests.test_concurrent_fits import problem

    def forked_while_another_fits(kind):
        clf, X, y = problem(kind)
        expected = clf.fit(X, y).coef_
        other, _, _ = problem(kind)
        ended = threading.Event()

        def fit():
            while not ended.is_set():
                other.fit(X, y)

        thread = threading.Thread(target=fit, daemon=True)
        thread.start()
        hanging = 0
        for number in range(8):
            time.sleep(0.002 + 0.0017 * number)
            child = os.fork()
            if not child:
                os._exit(not (clf.fit(X, y).coef_ == expected).all())
            until = time.monotonic() + 15
            while (found := os.waitpid(child, os.WNOHANG)) == (0, 0) and time.monotonic() < until:
                time.sleep(0.001)
            if found == (0, 0):
                os.kill(child, 9)
                os.waitpid(child, 0)
                hanging += 1
            if hanging > 1:
                sys.exit(f"{kind}: forked processes hang")
            if found[1]:
                sys.exit(f"{kind}: the forked process fits another model")
        ended.set()
        thread.join()

    warnings.simplefilter("ignore", DeprecationWarning)  # forked with threads: that is the point
    for kind in sys.argv[1:]:
        forked_while_another_fits(kind)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="processes are not forked here")
@pytest.mark.parametrize(("n_threads", "kinds"), [("2", KINDS), ("1", ["l1"])])
def test_a_process_forked_during_a_fit_can_fit(n_threads, kinds):
    """One in eight may hang: OpenBLAS has a lock that a fork can find closed.

    In 8000 forks while two threads multiply matrices with NumPy alone, the product of the forked
    process hangs 15 to 21 times.
    """
    done = run_script(FORKS, *kinds, OMP_NUM_THREADS=n_threads)
    assert (done.returncode, done.stderr) == (0, "")


BLAS_IN_CHILD = """
    import os, sys, threading
    import numpy as np
    from threadpoolctl import threadpool_info
    from sklearn_gd_logreg import GDLogisticRegression

    def numbers():
        return {pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"}

    X, y = np.tile(np.eye(4), (300, 1)), np.arange(1200) % 2
    under_way, may_end = threading.Event(), threading.Event()

    def rate(k):
        under_way.set()
        may_end.wait(60)
        return 0.1

    before = numbers()
    slow = GDLogisticRegression(solver="gd", learning_rate=rate, max_iter=2, tol=0)
    thread = threading.Thread(target=slow.fit, args=(X, y))
    thread.start()
    under_way.wait(60)
    child = os.fork()
    if not child:
        os._exit(numbers() != before)
    status = os.waitpid(child, 0)[1]
    may_end.set()
    thread.join()
    sys.exit(bool(status) or numbers() != before)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="processes are not forked here")
def test_a_process_forked_during_a_fit_has_the_threads_of_blas():
    """No fit in it holds BLAS."""
    done = run_script(BLAS_IN_CHILD, OMP_NUM_THREADS="3")
    assert done.returncode == 0, done.stderr


WITHIN = """
    import os, sys
    import numpy as np
    from threadpoolctl import threadpool_info
    from sklearn_gd_logreg import GDLogisticRegression

    def numbers():
        return {pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"}

    X, y = np.tile(np.eye(4), (300, 1)), np.arange(1200) % 2
    children = []

    def rate(k):
        if k == 1:
            children.append(os.fork())
        return 0.1

    before = numbers()
    GDLogisticRegression(solver="gd", learning_rate=rate, max_iter=3, tol=0).fit(X, y)
    if not children[0]:
        os._exit(numbers() != before)
    sys.exit(bool(os.waitpid(children[0], 0)[1]) or numbers() != before)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="processes are not forked here")
def test_a_forked_fit_continues_in_both_processes():
    done = run_script(WITHIN, OMP_NUM_THREADS="3")
    assert done.returncode == 0, done.stderr


# -- threads --------------------------------------------------------------------------------


class Blocking:
    """A learning rate that stops its fit until it is let go."""

    def __init__(self):
        self.under_way, self.may_end = threading.Event(), threading.Event()

    def __call__(self, k):
        self.under_way.set()
        assert self.may_end.wait(60)
        return 1.0


@pytest.mark.parametrize("kind", KINDS)
def test_a_fit_does_not_wait_for_another_that_stands_still(kind):
    """The one stands in a function of the user, with all that a fit may hold."""
    clf, X, y = problem(kind)
    rate = Blocking()
    slow = GDLogisticRegression(l1_ratio=clf.l1_ratio, C=clf.C, learning_rate=rate, max_iter=1)
    slow.set_params(tol=0)
    first = threading.Thread(target=slow.fit, args=(X, y), daemon=True)
    second = threading.Thread(target=clf.fit, args=(X, y), daemon=True)
    first.start()
    try:
        assert rate.under_way.wait(60)
        second.start()
        second.join(60)
        assert not second.is_alive(), "it waits"
        assert first.is_alive()
    finally:
        rate.may_end.set()
        first.join(60)


def test_many_threads_leave_the_warning_filters_alone():
    """They are a state of the process: what a fit hides there, it hides from other threads."""
    before, held = warnings.filters, list(warnings.filters)
    fits = [problem(kind) for kind in ("l1", "l1, columns", "elastic net, softmax") * 2]
    threads = [threading.Thread(target=clf.fit, args=(X, y)) for clf, X, y in fits]
    for thread in threads:
        thread.start()
    seen = 0
    while any(thread.is_alive() for thread in threads):
        with pytest.warns(ConvergenceWarning):
            warnings.warn("of another thread", ConvergenceWarning, stacklevel=1)
        seen += 1
    for thread in threads:
        thread.join()
    assert seen
    assert warnings.filters is before
    assert list(warnings.filters) == held


SILENT = """
    import sys, threading
    from tests.test_concurrent_fits import KINDS, problem

    def fit(number):
        for kind in KINDS * 2:
            clf, X, y = problem(kind)
            clf.fit(X, y)

    threads = [threading.Thread(target=fit, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
"""


def test_fits_in_threads_say_nothing():
    done = run_script(SILENT)
    assert (done.returncode, done.stderr) == (0, "")


# -- the same bits ---------------------------------------------------------------------------

BITS = """
    import hashlib, sys, warnings
    from concurrent.futures import ThreadPoolExecutor
    import numpy as np
    from threadpoolctl import threadpool_info, threadpool_limits
    from sklearn_gd_logreg import GDLogisticRegression

    def numbers():
        return [pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"]

    random = np.random.RandomState(0)
    tasks = []
    for n_rows, n_features, n_classes in [
        (2000, 60, 2), (300, 250, 3), (120, 700, 2), (9001, 40, 2), (150, 4, 3), (700, 130, 5),
    ]:
        X = random.standard_normal((n_rows, n_features))
        for l1_ratio in (0, 0.5):
            y = random.randint(n_classes, size=n_rows)
            tasks.append((dict(l1_ratio=l1_ratio, C=0.1, max_iter=30), X, y))

    def coef(number):
        options, X, y = tasks[number % len(tasks)]
        return GDLogisticRegression(**options).fit(X, y).coef_

    warnings.simplefilter("ignore")
    before = numbers()
    expected = [coef(number) for number in range(len(tasks))]
    order = random.permutation(len(tasks) * 6)
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(coef, order[::2]))
        with threadpool_limits(3, "blas"):
            found += pool.map(coef, order[1::2])
    order = np.append(order[::2], order[1::2])
    other = sum(
        not np.array_equal(one, expected[number % len(tasks)]) for one, number in zip(found, order)
    )
    assert numbers() == before, (numbers(), before)
    print(hashlib.sha256(b"".join(map(np.ndarray.tobytes, expected))).hexdigest())
    sys.exit(f"{other} of {len(found)} fits differ" if other else 0)
"""


def test_fits_side_by_side_have_the_same_bits():
    """Those that begin, and those that go on, while others come and go.

    So it is where the threads of BLAS are limited by a thread that does not fit, and with any
    number of them.
    """
    done = [run_script(BITS, OMP_NUM_THREADS=number) for number in "123"]
    for one in done:
        assert one.returncode == 0, one.stderr
    assert len({one.stdout for one in done}) == 1
