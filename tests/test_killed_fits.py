"""A fit whose process is killed, at any moment, resumes exactly from its checkpoint."""

import multiprocessing
import os
import pickle
import random
import signal
import time
from pathlib import Path

import numpy as np
import pytest

from sklearn_gd_logreg import Checkpoint, GDLogisticRegression

from .problems import needs_callbacks

pytestmark = [
    needs_callbacks,
    pytest.mark.skipif(os.name != "posix", reason="SIGKILL is of POSIX systems"),
]

FITS = {
    "adam by batches": {"solver": "adam", "batch_size": 10, "random_state": 4},
    "natural": {"solver": "natural"},
    "nesterov": {"solver": "nesterov"},
}

# -- in the process that is killed ------------------------------------------------------------


class Interrupted:
    """Replaces what a write consists of; kills the process at one stage of one write."""

    def __init__(self, stage, at):
        self.stage, self.at, self.written = stage, at, 0
        self.open, self.replace = Path.open, os.replace

    def install(self):
        Path.open = lambda path, mode="r", **more: self.opened(path, mode, more)
        os.replace = self.replaced

    def reached(self, stage):
        if (stage, self.written) == (self.stage, self.at):
            os.kill(os.getpid(), signal.SIGKILL)

    def opened(self, path, mode, more):
        file = self.open(path, mode, **more)
        return InterruptedFile(file, self.reached) if "w" in mode else file

    def replaced(self, part, whole):
        self.reached("before replacing")
        self.replace(part, whole)
        self.reached("after replacing")
        self.written += 1


class InterruptedFile:
    """A file that may not survive a write."""

    def __init__(self, file, reached):
        self.file, self.reached = file, reached

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.file.close()

    def write(self, content):
        self.reached("opened")
        self.file.write(content[: len(content) // 2])
        self.file.flush()
        self.reached("half written")
        self.file.write(content[len(content) // 2 :])

    def flush(self):
        self.file.flush()
        self.reached("flushed")

    def fileno(self):
        return self.file.fileno()


class Pause:
    """A callback that reports each iteration and waits."""

    def __init__(self, under_way, seconds):
        self.under_way, self.seconds = under_way, seconds

    def setup(self, estimator, context):
        pass

    teardown = on_fit_task_begin = setup

    def on_fit_task_end(self, estimator, context):
        self.under_way.set()
        time.sleep(self.seconds)


def fit(folder, params, stage, at, under_way, pause):
    """A fit that resumes from the checkpoint of the folder, if there is one."""
    X, y = np.load(folder / "X.npy"), np.load(folder / "y.npy")
    Interrupted(stage, at).install()
    path = folder / "fit"
    model = Checkpoint.load(path) if path.exists() else GDLogisticRegression(**params)
    model.set_callbacks(Checkpoint(path), Pause(under_way, pause)).fit(X, y)
    with (folder / "done").open("xb") as file:
        pickle.dump((model.coef_, model.history_), file)


# -- in the process of the test -----------------------------------------------------------------

SERVER = multiprocessing.get_context("forkserver")
"""It imports the package once, in a process without threads, and forks that for each fit."""


@pytest.fixture
def folder(tmp_path):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(60, 5))
    np.save(tmp_path / "X.npy", X)
    np.save(tmp_path / "y.npy", (X @ rng.normal(size=5) + rng.logistic(size=60) > 0).astype(int))
    return tmp_path


def start(folder, params, stage=None, at=0, pause=0.0):
    """Starts a fit in another process, with the event that an iteration has ended."""
    SERVER.set_forkserver_preload([__name__])
    under_way = SERVER.Event()
    process = SERVER.Process(target=fit, args=(folder, params, stage, at, under_way, pause))
    process.under_way = under_way
    process.start()
    return process


def end_of(process):
    process.join(120)
    assert process.exitcode is not None, "it hangs"
    return process.exitcode


def resumes_exactly(folder, params):
    assert end_of(start(folder, params)) == 0
    coef, history = pickle.loads((folder / "done").read_bytes())
    whole = GDLogisticRegression(**params).fit(np.load(folder / "X.npy"), np.load(folder / "y.npy"))
    np.testing.assert_array_equal(coef, whole.coef_)
    for name in set(history) - {"time"}:
        np.testing.assert_array_equal(history[name], whole.history_[name])


@pytest.mark.parametrize("at", [0, 3])
@pytest.mark.parametrize(
    "stage", ["opened", "half written", "flushed", "before replacing", "after replacing"]
)
def test_a_kill_during_a_write_leaves_the_last_good_file(folder, stage, at):
    params = {"max_iter": 8, "tol": 0} | FITS["adam by batches"]
    assert end_of(start(folder, params, stage, at)) == -signal.SIGKILL
    whole = at + (stage == "after replacing")  # files that were put in place
    assert (folder / "fit").exists() == (whole > 0)
    if whole:
        assert Checkpoint.load(folder / "fit").n_iter_ == whole
    resumes_exactly(folder, params)


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("fit", FITS)
def test_a_fit_killed_again_and_again_at_any_moment_resumes_exactly(folder, fit, seed):
    params = {"max_iter": 40, "tol": 0} | FITS[fit]
    chance = random.Random(seed)
    for _ in range(2):
        process = start(folder, params, pause=0.01)
        assert process.under_way.wait(120)
        time.sleep(chance.uniform(0, 0.15))
        process.kill()
        assert end_of(process) == -signal.SIGKILL
    assert 0 < Checkpoint.load(folder / "fit").n_iter_ < 40
    resumes_exactly(folder, params)
