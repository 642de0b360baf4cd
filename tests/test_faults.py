"""A fit whose process is killed, at any moment, goes on from its checkpoint to the same end."""

import os
import pickle
import random
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from sklearn_gd_logreg import Checkpoint, GDLogisticRegression
from sklearn_gd_logreg.fitting.callback_support import AVAILABLE

pytestmark = [
    pytest.mark.skipif(not AVAILABLE, reason="sklearn.callback came with scikit-learn 1.9"),
    pytest.mark.skipif(os.name != "posix", reason="SIGKILL is of POSIX systems"),
]

FITS = {
    "adam by batches": {"solver": "adam", "batch_size": 10, "random_state": 4},
    "natural": {"solver": "natural"},
    "nesterov": {"solver": "nesterov"},
}

CHILD = """
import os, pickle, signal, sys, time
from pathlib import Path
import numpy as np
from sklearn_gd_logreg import Checkpoint, GDLogisticRegression

folder, params, stage, at, pause = pickle.loads(bytes.fromhex(sys.argv[1]))
X, y = np.load(folder + "/X.npy"), np.load(folder + "/y.npy")
path = folder + "/fit"
written = 0

def die(now):
    if now == stage and written == at:
        os.kill(os.getpid(), signal.SIGKILL)

replace, fsync, open_ = os.replace, os.fsync, Path.open

class Slow:
    def __init__(self, file):
        self.file = file
    def __enter__(self):
        return self
    def __exit__(self, *error):
        self.file.close()
    def write(self, content):
        die("opened")
        self.file.write(content[: len(content) // 2])
        self.file.flush()
        die("half written")
        self.file.write(content[len(content) // 2 :])
    def flush(self):
        self.file.flush()
        die("flushed")
    def fileno(self):
        return self.file.fileno()

def replaced(part, whole):
    global written
    die("before replacing")
    replace(part, whole)
    die("after replacing")
    written += 1

def open_slowly(self, mode="r", **more):
    file = open_(self, mode, **more)
    return Slow(file) if "w" in mode else file

Path.open = open_slowly
os.replace = replaced

class Pause:
    def setup(self, estimator, context): pass
    def teardown(self, estimator, context): pass
    def on_fit_task_begin(self, estimator, context): pass
    def on_fit_task_end(self, estimator, context):
        print(context.task_id, flush=True)
        time.sleep(pause)

model = Checkpoint.load(path) if os.path.exists(path) else GDLogisticRegression(**params)
model.set_callbacks(Checkpoint(path), Pause()).fit(X, y)
with open(folder + "/done", "wb") as file:
    pickle.dump((model.coef_, model.history_), file)
"""


@pytest.fixture
def folder(tmp_path):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(60, 5))
    np.save(tmp_path / "X.npy", X)
    np.save(tmp_path / "y.npy", (X @ rng.normal(size=5) + rng.logistic(size=60) > 0).astype(int))
    return tmp_path


def child(folder, params, stage=None, at=0, pause=0.0):
    arguments = pickle.dumps((str(folder), params, stage, at, pause)).hex()
    command = [sys.executable, "-c", CHILD, arguments]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def ends_as_if_never_killed(folder, params):
    process = child(folder, params)
    _, errors = process.communicate(timeout=120)
    assert process.returncode == 0, errors.decode()
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
    process = child(folder, params, stage, at)
    _, errors = process.communicate(timeout=120)
    assert process.returncode == -signal.SIGKILL, errors.decode()
    whole = at + (stage == "after replacing")  # files that were put in place
    assert (folder / "fit").exists() == (whole > 0)
    if whole:
        assert Checkpoint.load(folder / "fit").n_iter_ == whole
    ends_as_if_never_killed(folder, params)


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("fit", FITS)
def test_a_fit_killed_again_and_again_at_any_moment_comes_to_the_same_end(folder, fit, seed):
    params = {"max_iter": 40, "tol": 0} | FITS[fit]
    chance = random.Random(seed)
    for _ in range(2):
        process = child(folder, params, pause=0.01)
        process.stdout.readline()  # it is under way
        time.sleep(chance.uniform(0, 0.15))
        process.send_signal(signal.SIGKILL)
        _, errors = process.communicate(timeout=120)
        assert process.returncode == -signal.SIGKILL, errors.decode()
    assert 0 < Checkpoint.load(folder / "fit").n_iter_ < 40
    ends_as_if_never_killed(folder, params)
