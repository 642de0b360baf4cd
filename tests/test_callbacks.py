"""Callbacks in scikit-learn's protocol, with every solver and wherever the estimator stands."""

import copy
import pickle
import subprocess
import sys
from collections import deque
from os import utime
from pathlib import Path
from threading import Thread
from time import perf_counter, time

import numpy as np
import pandas as pd
import pytest
from joblib import parallel_config
from sklearn.datasets import load_breast_cancer
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import log_loss, roc_auc_score
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_gd_logreg import (
    Checkpoint,
    GDLogisticRegression,
    TimeLimit,
    Trajectory,
    UpdateRule,
    ValidationMonitor,
)
from sklearn_gd_logreg.callbacks.checkpoint import ABANDONED, write_atomically
from sklearn_gd_logreg.fitting.callback_tasks import MAX_TASKS, CallbackTasks

from .problems import SOLVERS, needs_callbacks

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def rows(n_rows=80, n_features=4, n_classes=2, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n_rows, n_features))
    scores = X @ rng.normal(size=(n_features, n_classes))
    return X, (scores + 2 * rng.gumbel(size=scores.shape)).argmax(axis=1)


X, Y = rows()


class Recorder:
    """Keeps what its hooks are given, and asks to stop at a task."""

    def __init__(self, stop_at=None):
        self.stop_at, self.calls = stop_at, []

    def setup(self, estimator, context):
        self.calls.append(("setup", context.task_name))

    def teardown(self, estimator, context):
        self.calls.append(("teardown", context.task_name))

    def on_fit_task_begin(self, estimator, context, *, X=None, y=None, metadata=None):
        self.calls.append(("begin", context.task_name, X, y, metadata))

    def on_fit_task_end(
        self, estimator, context, *, X=None, y=None, metadata=None, fitted_estimator=None
    ):
        self.calls.append(("end", context.task_name, X, y, metadata, fitted_estimator))
        return context.task_name == "iteration" and context.task_id + 1 == self.stop_at


def ends(recorder):
    return [call[-1] for call in recorder.calls if call[:2] == ("end", "iteration")]


def exactly(n, **params):
    return GDLogisticRegression(max_iter=n, tol=0, random_state=0, **params)


@needs_callbacks
@pytest.mark.parametrize("batch_size", [None, 16])
@pytest.mark.parametrize("rule", SOLVERS)
def test_every_iteration_is_a_task_and_its_model_that_of_the_history(rule, batch_size):
    recorder = Recorder()
    params = {"solver": rule, "batch_size": batch_size}
    clf = exactly(6, **params).set_callbacks(recorder).fit(X, Y, X_val=X, y_val=Y)
    plain = exactly(6, **params).fit(X, Y)
    np.testing.assert_array_equal(clf.coef_, plain.coef_)
    models = ends(recorder)
    assert [model.n_iter_ for model in models] == [1, 2, 3, 4, 5, 6]
    for k, model in enumerate(models, 1):
        loss = log_loss(Y, model.predict_proba(X))
        assert loss == pytest.approx(clf.history_["val_loss"][k], abs=1e-10)
        assert len(model.history_["cost"]) == k + 1
    names = [call[:2] for call in recorder.calls]
    task = [("begin", "iteration"), ("end", "iteration")]
    assert names == [
        ("setup", "fit"), ("begin", "fit"), *(6 * task), ("end", "fit"), ("teardown", "fit")
    ]  # fmt: skip


@needs_callbacks
def test_hooks_are_given_the_data_and_the_weights_of_the_user():
    frame, weights = pd.DataFrame(X, columns=list("abcd")), np.arange(80) % 3
    recorder = Recorder()
    exactly(2).set_callbacks(recorder).fit(frame, Y, weights)
    for call in recorder.calls[1:-1]:
        assert call[2] is frame
        assert call[3] is Y
        assert call[4]["sample_weight"] is weights


@needs_callbacks
@pytest.mark.parametrize("rule", SOLVERS)
def test_a_callback_that_asks_to_stop_is_obeyed(rule):
    clf = GDLogisticRegression(solver=rule, tol=1e-12, max_iter=50)
    clf.set_callbacks(Recorder(stop_at=3), Recorder())
    clf.fit(X, Y)
    assert (clf.stop_reason_, clf.n_iter_) == ("callback", 3)
    np.testing.assert_array_equal(clf.coef_, exactly(3, solver=rule).fit(X, Y).coef_)
    assert "stopped by a callback" in str(clf)


@needs_callbacks
def test_a_stop_by_a_callback_does_not_warn_and_can_be_gone_on_from(recwarn):
    clf = GDLogisticRegression(warm_start=True, tol=1e-9, max_iter=50)
    clf.set_callbacks(Recorder(stop_at=2)).fit(X, Y)
    assert not recwarn.list
    clf.set_callbacks().fit(X, Y)
    whole = GDLogisticRegression(tol=1e-9, max_iter=50).fit(X, Y)
    np.testing.assert_array_equal(clf.coef_, whole.coef_)


@needs_callbacks
def test_many_iterations_are_a_bounded_number_of_tasks():
    recorder = Recorder()
    clf = exactly(4 * MAX_TASKS + 1, solver="gd").set_callbacks(recorder).fit(X, Y)
    models = ends(recorder)
    assert len(models) <= MAX_TASKS
    assert [model.n_iter_ for model in models[:3]] == [5, 10, 15]
    assert models[-1].n_iter_ == clf.n_iter_ == 4 * MAX_TASKS + 1


@needs_callbacks
def test_a_failure_tears_down_and_leaves_the_fit_before():
    class Bad(Recorder):
        def on_fit_task_end(self, estimator, context, *, X=None):
            raise RuntimeError("in a hook")

    bad = Bad()
    clf = exactly(3).fit(X, Y)
    before = clf.coef_.copy()
    with pytest.raises(RuntimeError, match="in a hook"):
        clf.set_callbacks(bad).set_params(C=9.0).fit(X, Y)
    assert bad.calls[-1] == ("teardown", "fit")
    np.testing.assert_array_equal(clf.coef_, before)
    with pytest.raises(ValueError, match="NaN"):
        clf.fit(X * np.nan, Y)
    assert bad.calls[-1] == ("teardown", "fit")
    clf.set_callbacks().fit(X, Y)


def test_no_callbacks_no_tasks(monkeypatch):
    def never(*args):
        raise AssertionError("tasks were made")

    monkeypatch.setattr(CallbackTasks, "__init__", never)
    exactly(3).fit(X, Y)


@needs_callbacks
@pytest.mark.parametrize("batch_size", [None, 16])
@pytest.mark.parametrize("rule", SOLVERS)
def test_scoring_monitor_and_progress_bar_work_for_every_solver(rule, batch_size, capsys):
    from sklearn.callback import ProgressBar, ScoringMonitor

    monitor = ScoringMonitor(scoring="neg_log_loss")
    clf = exactly(5, solver=rule, batch_size=batch_size)
    clf.set_callbacks(monitor, ProgressBar()).fit(X, Y, X_val=X, y_val=Y)
    scores = [row["neg_log_loss"] for row in monitor.get_logs().data if "neg_log_loss" in row]
    losses = clf.history_["val_loss"][1:]
    np.testing.assert_allclose([-s for s in scores if s is not None][-5:], losses, atol=1e-10)
    assert "GDLogisticRegression" in capsys.readouterr().out


@needs_callbacks
@pytest.mark.parametrize("n_jobs", [1, 2])
def test_they_work_in_pipelines_and_searches(n_jobs, capsys):
    from sklearn.callback import ProgressBar, ScoringMonitor

    monitor = ScoringMonitor(scoring="accuracy")
    clf = exactly(3, solver="adam").set_callbacks(monitor)
    pipe = make_pipeline(StandardScaler(), clf).set_callbacks(ProgressBar())
    pipe.fit(X, Y)
    assert len(monitor.get_logs().data) >= 3
    search = GridSearchCV(
        make_pipeline(StandardScaler(), clf), {"gdlogisticregression__C": [0.1, 1]}, n_jobs=n_jobs,
        cv=2,
    )  # fmt: skip
    search.set_callbacks(ProgressBar(max_propagation_depth=None)).fit(X, Y)
    assert search.best_estimator_[-1].n_iter_ == 3


# -- our own --------------------------------------------------------------------------------


@needs_callbacks
@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize("rule", ["nesterov", "natural"])
def test_the_trajectory_is_the_path(rule, n_classes):
    data, path = rows(n_classes=n_classes), Trajectory()
    with pytest.raises(AttributeError, match="before a fit"):
        path.path_  # noqa: B018
    clf = exactly(5, solver=rule).set_callbacks(path).fit(*data)
    assert path.path_.shape == (6, len(clf.intercept_), 5)
    for k, point in enumerate(path.path_):
        part = exactly(k, solver=rule).fit(*data)
        np.testing.assert_array_equal(point, np.column_stack([part.coef_, part.intercept_]))
    clf.set_params(max_iter=2).fit(*data)
    assert len(path.path_) == 3


@needs_callbacks
def test_the_paths_of_fits_under_way_together_do_not_mix():
    path = Trajectory()
    first, second = exactly(4, solver="gd"), exactly(3, solver="gd", C=9.0)

    class Begin(Recorder):
        def on_fit_task_end(self, estimator, context):
            if context.task_name == "iteration" and context.task_id == 1:
                second.set_callbacks(path).fit(X, Y)

    first.set_callbacks(path, Begin()).fit(X, Y)
    assert len(path.path_) == 4
    np.testing.assert_array_equal(path.path_[-1, :, :-1], second.coef_)
    assert pickle.loads(pickle.dumps(path)).path_.shape == path.path_.shape


@needs_callbacks
def test_the_time_limit_stops_and_every_fit_has_its_own():
    limit = TimeLimit(0.05)
    clf = exactly(1000, solver="gd").set_callbacks(limit)
    noise = np.random.default_rng(0).normal(size=(2000 * len(X), X.shape[1]))  # no row twice
    slow = X.repeat(2000, axis=0) + noise, Y.repeat(2000)
    for _ in range(2):
        began = perf_counter()
        clf.fit(*slow)
        assert clf.stop_reason_ == "callback"
        assert 0 < clf.n_iter_ < 1000
        assert perf_counter() - began >= 0.05
    assert clf.set_params(max_iter=1).fit(X, Y).stop_reason_ == "max_iter"
    assert pickle.loads(pickle.dumps(limit)).seconds == 0.05
    search = GridSearchCV(exactly(2).set_callbacks(limit), {"C": [0.1, 1]}, cv=2, n_jobs=2)
    assert search.fit(X, Y).best_estimator_.stop_reason_ == "max_iter"


@needs_callbacks
def test_the_validation_monitor_scores_every_iterate_and_may_stop():
    X_val, y_val = rows(seed=1)
    weights = 1.0 + np.arange(80) % 2
    monitor = ValidationMonitor(X_val, y_val, sample_weight=weights)
    clf = exactly(4, solver="adam").set_callbacks(monitor)
    clf.fit(X, Y, X_val=X_val, y_val=y_val, sample_weight_val=weights)
    (log,) = monitor.logs_
    np.testing.assert_allclose(-log["neg_log_loss"], clf.history_["val_loss"], atol=1e-10)
    np.testing.assert_allclose(log["accuracy"], clf.history_["val_accuracy"], atol=1e-12)
    assert log["iteration"].tolist() == [0, 1, 2, 3, 4]

    one = ValidationMonitor(X_val, y_val, scoring="roc_auc", n_iter_no_change=3)
    clf = exactly(500, solver="adam").set_callbacks(one).fit(X, Y)
    scores = one.logs_[0]["score"]
    assert clf.stop_reason_ == "callback"
    assert len(scores) - 1 - np.argmax(scores) == 3
    assert scores[-1] == pytest.approx(roc_auc_score(y_val, clf.predict_proba(X_val)[:, 1]))


# -- checkpoints ----------------------------------------------------------------------------


def stopped_at(path, k, every=1, **params):
    """A checkpoint of a fit that was stopped, without an end, after iteration k."""

    class KilledError(Exception):
        pass

    class Kill(Recorder):
        def on_fit_task_end(self, estimator, context, *, X=None):
            if context.task_name == "iteration" and context.task_id + 1 == k:
                raise KilledError

    clf = GDLogisticRegression(random_state=0, **params)
    clf.set_callbacks(Checkpoint(path, every=every), Kill())
    with pytest.raises(KilledError):
        clf.fit(X, Y)


FITS = {
    f"{rule}{', batches' if size else ''}": {"solver": rule, "batch_size": size}
    for rule in SOLVERS
    for size in (None, 16)
} | {
    "early stopping": {"early_stopping": True, "solver": "adam", "n_iter_no_change": 6},
    "L1": {"l1_ratio": 1.0},
    "by tol": {"tol": 1e-6, "solver": "nesterov"},
}


@needs_callbacks
@pytest.mark.parametrize("fit", FITS)
def test_a_fit_resumes_exactly_from_a_checkpoint(fit, tmp_path):
    params = {"max_iter": 12, "tol": 0} | FITS[fit]
    whole = GDLogisticRegression(random_state=0, **params).fit(X, Y)
    stopped_at(tmp_path / "fit", 5, every=2, **params)
    clf = Checkpoint.load(tmp_path / "fit")
    assert clf.n_iter_ == 4
    assert clf.warm_start
    assert X.tobytes()[:80] not in (tmp_path / "fit").read_bytes()
    clf.fit(X, Y)
    np.testing.assert_array_equal(clf.coef_, whole.coef_)
    assert (clf.n_iter_, clf.stop_reason_) == (whole.n_iter_, whole.stop_reason_)
    for name in set(whole.history_) - {"time"}:
        np.testing.assert_array_equal(clf.history_[name], whole.history_[name])
    more = clf.set_params(max_iter=3, tol=0).fit(X, Y)  # the next fit counts anew
    assert more.n_iter_ in (whole.n_iter_ + 3, whole.n_iter_)


@needs_callbacks
@pytest.mark.parametrize("fit", FITS)
def test_a_checkpoint_describes_the_model_in_it(fit, tmp_path):
    params = {"max_iter": 12, "tol": 0} | FITS[fit]
    stopped_at(tmp_path / "fit", 5, **params)
    under_way = Checkpoint.load(tmp_path / "fit")
    assert under_way.stop_reason_ == "in_progress"
    text = str(under_way)
    assert "in progress (in_progress) after 5 iterations" in text
    assert "the model is iterate" not in text
    assert "in progress" in under_way._repr_html_()
    whole = GDLogisticRegression(random_state=0, **params)
    whole.set_callbacks(Checkpoint(tmp_path / "fit")).fit(X, Y)
    ended = Checkpoint.load(tmp_path / "fit")
    assert (ended.stop_reason_, ended.n_iter_) == (whole.stop_reason_, whole.n_iter_)
    np.testing.assert_array_equal(ended.coef_, whole.coef_)
    assert str(ended).splitlines()[-1].split(",")[0] == str(whole).splitlines()[-1].split(",")[0]


@needs_callbacks
def test_a_checkpoint_at_the_end_has_the_model_of_early_stopping(tmp_path):
    clf = exactly(50, solver="gd", early_stopping=True, n_iter_no_change=3)
    clf.set_callbacks(Checkpoint(tmp_path / "fit"))
    with pytest.warns(ConvergenceWarning, match="best_iter_=0"):
        clf.fit(X[::2], Y[::2], X_val=X[1::2], y_val=1 - Y[1::2])
    loaded = Checkpoint.load(tmp_path / "fit")
    assert (clf.stop_reason_, clf.best_iter_, clf.n_iter_) == ("early_stopping", 0, 3)
    assert (loaded.stop_reason_, loaded.best_iter_, loaded.n_iter_) == ("early_stopping", 0, 3)
    np.testing.assert_array_equal(loaded.coef_, clf.coef_)


@needs_callbacks
def test_an_estimator_kept_by_a_callback_resumes_without_changing_the_fit():
    recorder = Recorder()
    params = {"solver": "nesterov", "warm_start": True}
    whole = exactly(9, **params).set_callbacks(recorder).fit(X, Y)
    kept = ends(recorder)[3].set_callbacks()
    for _ in range(2):  # it may resume more than once
        again = copy.copy(kept).fit(X, Y)
        assert again.n_iter_ == 9
        np.testing.assert_array_equal(again.coef_, whole.coef_)
        for name in set(whole.history_) - {"time"}:
            np.testing.assert_array_equal(again.history_[name], whole.history_[name])


@needs_callbacks
def test_a_checkpoint_of_a_second_fit_knows_nothing_of_the_first(tmp_path):
    clf = exactly(3).fit(X, Y, X_val=X, y_val=Y)
    clf.set_callbacks(Checkpoint(tmp_path / "fit")).fit(X, Y)
    loaded = Checkpoint.load(tmp_path / "fit")
    assert not hasattr(loaded, "best_iter_")
    assert "after 3 iterations" in str(loaded)
    clf.fit(X, Y, X_val=X, y_val=Y)
    assert Checkpoint.load(tmp_path / "fit").best_iter_ == clf.best_iter_


@needs_callbacks
def test_a_checkpoint_holds_the_end_of_the_fit(tmp_path):
    clf = exactly(7).set_callbacks(Checkpoint(tmp_path / "fit", every=5)).fit(X, Y)
    last = Checkpoint.load(str(tmp_path / "fit"))
    np.testing.assert_array_equal(last.coef_, clf.coef_)
    assert last.n_iter_ == 7
    np.testing.assert_array_equal(last.predict(X), clf.predict(X))
    assert [path.name for path in tmp_path.iterdir()] == ["fit"]


@needs_callbacks
@pytest.mark.parametrize("memory", [{1, 2}, deque([1]), np.random.default_rng(0)])
def test_a_checkpoint_says_what_a_memory_may_be_made_of(memory, tmp_path):
    class Remembering(UpdateRule):
        def init(self, w):
            return memory

        def step(self, point, alpha, memory):
            return point.w - alpha * point.dw, memory

    clf = exactly(3, solver=Remembering()).set_callbacks(Checkpoint(tmp_path / "fit"))
    name = type(memory).__name__
    with pytest.raises(TypeError, match=f"Checkpoint cannot store .*{name} cannot .*memory .*list"):
        clf.fit(X, Y)
    assert not list(tmp_path.iterdir())


def test_what_is_no_checkpoint_is_refused(tmp_path):
    with pytest.raises(FileNotFoundError):
        Checkpoint.load(tmp_path / "none")
    whole = pickle.dumps({"a": 1})
    no_pickles = (b"", b"not a pickle", b"I3x\n.", b"V\\u12\n.", b"}x", b"\x82\xb8", whole[:-3])
    for content in (*no_pickles, whole, pickle.dumps(3)):
        (tmp_path / "file").write_bytes(content)
        with pytest.raises(ValueError, match="no checkpoint"):
            Checkpoint.load(tmp_path / "file")


@pytest.mark.parametrize("version", ["1", "99"])
def test_a_checkpoint_of_another_version_is_named_as_such(version, tmp_path):
    content = {"format": f"sklearn_gd_logreg checkpoint {version}", "estimator": exactly(1)}
    (tmp_path / "file").write_bytes(pickle.dumps(content))
    with pytest.raises(ValueError, match=f"another version.*checkpoint {version}'"):
        Checkpoint.load(tmp_path / "file")


def test_writers_of_one_path_never_mix(tmp_path):
    path, errors = tmp_path / "fit", []

    def write(k):
        try:
            for _ in range(100):
                write_atomically(path, bytes([k]) * 100_000 * (k + 1))
        except OSError as error:
            errors.append(error)

    writers = [Thread(target=write, args=(k,)) for k in range(3)]
    for writer in writers:
        writer.start()
    while any(writer.is_alive() for writer in writers):
        if path.exists():
            content = path.read_bytes()
            assert len(content) == 100_000 * (content[0] + 1)
            assert set(content) == {content[0]}
    assert not errors
    assert [part.name for part in tmp_path.iterdir()] == ["fit"]


@needs_callbacks
@pytest.mark.parametrize("backend", ["loky", "threading"])
def test_a_search_may_share_a_checkpoint(backend, tmp_path):
    clf = exactly(60, solver="gd").set_callbacks(Checkpoint(tmp_path / "fit"))
    search = GridSearchCV(clf, {"C": [0.1, 1, 2]}, cv=2, n_jobs=2, error_score="raise")
    with parallel_config(backend=backend):
        search.fit(X, Y)
    last = Checkpoint.load(tmp_path / "fit")  # that of the refit
    np.testing.assert_array_equal(last.coef_, search.best_estimator_.coef_)


@needs_callbacks
def test_a_fit_clears_what_a_killed_one_left_long_ago(tmp_path):
    names = {age: f".fit.{age:032x}.part" for age in (0, int(2 * ABANDONED))}
    for age, name in names.items():
        (tmp_path / name).write_bytes(b"half")
        utime(tmp_path / name, 2 * (time() - age,))
    for name in (".fit.part", ".fitting." + 32 * "0" + ".part", "fit.txt"):
        (tmp_path / name).write_bytes(b"of others")
        utime(tmp_path / name, (0, 0))
    before = set(tmp_path.iterdir())
    exactly(1).set_callbacks(Checkpoint(tmp_path / "fit")).fit(X, Y)
    gone, come = before - set(tmp_path.iterdir()), set(tmp_path.iterdir()) - before
    assert gone == {tmp_path / names[int(2 * ABANDONED)]}
    assert come == {tmp_path / "fit"}


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Checkpoint("a", every=0), "every"),
        (lambda: Checkpoint("a", every=1.5), "every"),
        (lambda: TimeLimit(0), "seconds"),
        (lambda: TimeLimit("long"), "seconds"),
        (lambda: ValidationMonitor(X, Y[1:]), "inconsistent"),
        (lambda: ValidationMonitor(X, Y, n_iter_no_change=0), "n_iter_no_change"),
    ],
)
def test_bad_parameters_of_callbacks_are_refused_at_once(make, message):
    with pytest.raises(ValueError, match=message):
        make()


@needs_callbacks
def test_a_folder_that_is_missing_is_refused_before_any_work(tmp_path):
    clf = exactly(3).set_callbacks(Checkpoint(tmp_path / "none" / "fit"))
    with pytest.raises(FileNotFoundError, match="'path' parameter of Checkpoint"):
        clf.fit(X, Y)
    assert not hasattr(clf, "coef_")


def test_a_folder_is_no_file_to_write_to(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for path in (tmp_path, str(tmp_path), f"{tmp_path}/new/", "", "."):
        with pytest.raises(IsADirectoryError, match=r"'path' parameter of Checkpoint.*a folder"):
            Checkpoint(path)
    for path in (None, 3, b"fit", Path):
        with pytest.raises(ValueError, match="'path' parameter of Checkpoint must be a str"):
            Checkpoint(path)
    assert list(tmp_path.iterdir()) == []


@needs_callbacks
def test_a_folder_that_has_come_in_between_is_refused_before_any_work(tmp_path):
    clf = exactly(3).set_callbacks(Checkpoint(tmp_path / "fit"))
    (tmp_path / "fit").mkdir()
    with pytest.raises(IsADirectoryError, match=r"'path' parameter of Checkpoint.*a folder"):
        clf.fit(X, Y)
    assert not hasattr(clf, "coef_")
    assert [path.name for path in tmp_path.iterdir()] == ["fit"]


# -- without sklearn.callback ---------------------------------------------------------------

WITHOUT = """
import sys
import sklearn.linear_model, sklearn.metrics, sklearn.model_selection, sklearn.pipeline
sys.modules["sklearn.callback"] = None
from sklearn_gd_logreg import GDLogisticRegression, Trajectory
from sklearn.base import clone
clf = clone(GDLogisticRegression()).fit([[0.0], [1.0], [2.0]], [0, 1, 0])
assert clf.stop_reason_ == "tol"
try:
    clf.set_callbacks(Trajectory())
except ImportError as error:
    print(error)
"""


def test_without_the_protocol_all_else_works_and_set_callbacks_says_what_is_missing():
    run = subprocess.run([sys.executable, "-c", WITHOUT], capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    assert "set_callbacks needs sklearn.callback, which comes with scikit-learn 1.9" in run.stdout


@needs_callbacks
def test_a_real_data_set_with_all_callbacks(tmp_path):
    data = load_breast_cancer(return_X_y=True)
    path, monitor = Trajectory(), ValidationMonitor(*data)
    clf = GDLogisticRegression().set_callbacks(
        path, monitor, Checkpoint(tmp_path / "fit"), TimeLimit(60)
    )
    clf.fit(*data)
    assert clf.stop_reason_ == "tol"
    assert len(path.path_) == len(monitor.logs_[0]["accuracy"])
