"""What is computed when, and what is sent, where rows are in dask collections."""

import os
import subprocess
import sys
import textwrap

import cloudpickle
import numpy as np
import pandas as pd
import pytest
from sklearn.exceptions import DataConversionWarning
from sklearn.model_selection import GridSearchCV

from sklearn_gd_logreg import GDLogisticRegression
from sklearn_gd_logreg.data import chunked as chunked_module
from sklearn_gd_logreg.data import dask_reader as dask_module

from .problems import noisy, reference, uneven_weights

dask = pytest.importorskip("dask")
da = pytest.importorskip("dask.array")
dd = pytest.importorskip("dask.dataframe")


def collections(n_rows=300, n_features=5, n_classes=3, chunk=50):
    X, y = noisy(n_rows, n_features, n_classes, seed=1)
    rows = da.from_array(X, chunks=(chunk, n_features))
    return X, y, rows, da.from_array(y, chunks=chunk)


class Counter:
    """Counts the calls of dask's scheduler, and how often each chunk is read."""

    def __init__(self, monkeypatch):
        self.n_graphs, self.n_reads = 0, 0
        compute = dask.compute

        def counted(*args, **kwargs):
            self.n_graphs += 1
            return compute(*args, **kwargs)

        monkeypatch.setattr(dask, "compute", counted)

    def reading(self, rows):
        def read(block):
            self.n_reads += len(block) > 1  # dask tries the function on a tiny block
            return block

        return rows.map_blocks(read, dtype=rows.dtype, meta=np.empty((0, 0)))


# -- what is computed --------------------------------------------------------------------------


def test_a_pass_is_one_graph_that_reads_each_chunk_once(monkeypatch):
    _, _, rows, labels = collections()
    counter = Counter(monkeypatch)
    rows = counter.reading(rows)
    model = GDLogisticRegression(solver="gd", tol=0, max_iter=5).fit(rows, labels)
    passes = model.history_["passes"][-1]
    assert counter.n_graphs == passes + 1  # and the labels
    assert counter.n_reads == 6 * passes  # not kept: each pass reads anew


@pytest.mark.parametrize("kind", ["frame", "array", "array of unknown lengths"])
def test_columns_of_the_same_rows_are_read_once_a_pass(kind):
    X, y, _, _ = collections(n_classes=2)
    table, reads = np.column_stack([X, np.ones(300), y]), []

    def read(number):
        reads.append(number)
        return pd.DataFrame(table[75 * number : 75 * (number + 1)], columns=list("abcdewy"))

    rows = dd.from_map(read, range(4), meta=pd.DataFrame(table[:0], columns=list("abcdewy")))
    if kind == "frame":
        given = rows[list("abcde")], rows["y"], rows["w"]
    else:
        rows = rows.to_dask_array(lengths=[75] * 4 if kind == "array" else None)
        given = rows[:, :5], rows[:, 6], rows[:, 5]
    model = GDLogisticRegression(solver="gd", tol=0, max_iter=5).fit(*given)
    assert sorted(reads) == sorted(list(range(4)) * (1 + int(model.history_["passes"][-1])))
    expected = GDLogisticRegression(solver="gd", tol=0, max_iter=5).fit(X, y)
    np.testing.assert_allclose(model.coef_, expected.coef_, rtol=1e-9)


def test_the_pass_over_labels_reads_no_x():
    X, y, _, _ = collections(n_classes=2)
    reads = []

    def read(number):
        reads.append(number)
        return pd.DataFrame(X[75 * number : 75 * (number + 1)])

    def read_labels(number):
        return pd.Series(y[75 * number : 75 * (number + 1)])

    rows = dd.from_map(read, range(4), meta=pd.DataFrame(X[:0]))
    labels = dd.from_map(read_labels, range(4), meta=pd.Series(y[:0]))
    model = GDLogisticRegression(solver="gd", tol=0, max_iter=2).fit(rows, labels)
    assert sorted(reads) == sorted(list(range(4)) * int(model.history_["passes"][-1]))


def test_predictions_are_lazy(monkeypatch):
    X, y, rows, _ = collections()
    model = GDLogisticRegression().fit(X, y)
    counter = Counter(monkeypatch)
    rows = counter.reading(rows)
    lazy = [
        getattr(model, name)(rows)
        for name in ("predict", "predict_proba", "predict_log_proba", "decision_function")
    ]
    assert counter.n_graphs == counter.n_reads == 0
    assert [len(found.chunks[0]) for found in lazy] == [6] * 4
    assert lazy[1].shape == (300, 3)
    np.testing.assert_allclose(lazy[1][100:150].compute(), model.predict_proba(X[100:150]))
    assert counter.n_reads == 1


@pytest.mark.parametrize(
    "bad",
    [
        lambda X, y: (X[:, 0], y),
        lambda X, y: (X, y[:-1]),
        lambda X, y: (X, None),
        lambda X, y: (X, y, da.ones(7, chunks=7)),
        lambda X, y: (X, np.stack([y, y], axis=1)),
        lambda X, y: (X[:, :0], y),
        lambda X, y: (X.astype("datetime64[s]"), y),
        lambda X, y: (dask.delayed(X), y),
        lambda X, y: (X.to_dask_dataframe()[0], y),
        lambda X, y: (X, dask.delayed(y)),
        lambda X, y: (X, y, dask.delayed(y)),
    ],
)
def test_errors_of_shapes_and_types_need_no_computation(bad, monkeypatch):
    _, _, rows, labels = collections()
    counter = Counter(monkeypatch)
    with pytest.raises(
        ValueError, match=r"[Ee]xpected|requires y|0 feature|numbers|1d array|Got Delayed"
    ):
        GDLogisticRegression().fit(*bad(rows, labels))
    assert counter.n_graphs == 0


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (lambda X, y: {"X_val": X}, "requires y_val to be passed"),
        (lambda X, y: {"X_val": X, "y_val": y[:-1]}, r"y_val.shape == \(299,\), expected \(300,\)"),
        (
            lambda X, y: {"X_val": X, "y_val": y, "sample_weight_val": np.ones(7)},
            r"sample_weight_val.shape == \(7,\)",
        ),
    ],
)
def test_errors_name_the_validation_data(given, message):
    _, _, rows, labels = collections()
    with pytest.raises(ValueError, match=message):
        GDLogisticRegression().fit(rows, labels, **given(rows, labels))


def test_a_prediction_names_the_block_of_another_width():
    X, y, rows, _ = collections()
    model = GDLogisticRegression().fit(X, y)

    def without_last_column_of_block_1(block):
        return block[:, :4] if X[60, 0] in block else block

    rows = rows.map_blocks(without_last_column_of_block_1, dtype=float, meta=np.empty((0, 5)))
    with pytest.raises(ValueError, match="Chunk 1 of X has 4 features, but the first has 5"):
        model.predict(rows).compute()


def test_a_bad_parameter_needs_no_computation(monkeypatch):
    _, _, rows, labels = collections()
    counter = Counter(monkeypatch)
    with pytest.raises(ValueError, match="'C' parameter"):
        GDLogisticRegression(C=-1).fit(rows, labels)
    assert counter.n_graphs == 0


def test_what_a_pass_sends_does_not_grow_with_the_rows(monkeypatch):
    sizes = {}
    for n_rows in (1_000, 16_000):
        sent = []
        call = chunked_module.SumOverRows.__call__

        def record(self, chunk, sent=sent, call=call):
            sent.append(len(cloudpickle.dumps(self)))
            return call(self, chunk)

        with monkeypatch.context() as patched:
            patched.setattr(chunked_module.SumOverRows, "__call__", record)
            _, _, rows, labels = collections(n_rows, chunk=n_rows // 4)
            GDLogisticRegression(solver="gd", tol=0, max_iter=3).fit(rows, labels)
            assert len(sent) == 4 * 5  # of each pass and chunk
        sizes[n_rows] = max(sent)
    assert sizes[16_000] <= sizes[1_000] + 100 < 10_000


def test_the_sums_of_many_partitions_are_added_in_a_tree(monkeypatch):
    X, y, rows, labels = collections(n_rows=400, chunk=10)
    monkeypatch.setattr(dask_module, "MAX_ENTRIES_TO_FETCH", 0)
    expected = GDLogisticRegression(solver="gd", tol=0, max_iter=9).fit(X, y)
    found = GDLogisticRegression(solver="gd", tol=0, max_iter=9).fit(rows, labels)
    np.testing.assert_allclose(found.coef_, expected.coef_, atol=1e-12)


# -- forms of X and y --------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["str", "object", "category", "bool", "float"])
def test_labels_of_every_kind(kind):
    X, y, rows, _ = collections(n_classes=2)
    names = {"str": np.array(["no", "yes"]), "object": np.array(["no", "yes"], dtype=object)}
    names |= {"category": pd.Categorical(["no", "yes"]), "bool": np.array([False, True])}
    labels = names.get(kind, np.array([0.0, 1.0]))[y]
    series = dd.from_pandas(pd.Series(labels), npartitions=6)
    expected = GDLogisticRegression(tol=1e-8).fit(X, np.asarray(labels))
    given = series if kind != "bool" else da.from_array(labels, chunks=30)
    if kind != "bool":  # the partitions of a series have no known lengths
        frame = dd.from_pandas(pd.DataFrame(X), npartitions=6)
        found = GDLogisticRegression(tol=1e-8).fit(frame, given)
        X = pd.DataFrame(X)
    else:
        found = GDLogisticRegression(tol=1e-8).fit(rows, given)
    assert list(found.classes_) == list(expected.classes_)
    np.testing.assert_allclose(found.coef_, expected.coef_, atol=1e-7)


@pytest.mark.parametrize("chunks", [(50, 5), (300, 2), (64, 3), (1, 5)])
def test_chunks_of_any_shape(chunks):
    X, y, _, labels = collections()
    expected = GDLogisticRegression(tol=1e-8).fit(X, y)
    found = GDLogisticRegression(tol=1e-8).fit(da.from_array(X, chunks=chunks), labels)
    np.testing.assert_allclose(found.coef_, expected.coef_, atol=1e-7)


def test_labels_and_weights_in_memory():
    X, y, rows, _ = collections()
    weights = uneven_weights(300)
    expected = GDLogisticRegression(tol=1e-8).fit(X, y, weights)
    for given in ((y, weights), (list(y), list(weights)), (pd.Series(y), pd.Series(weights))):
        found = GDLogisticRegression(tol=1e-8).fit(rows, *given)
        np.testing.assert_allclose(found.coef_, expected.coef_, atol=1e-7)
    found = GDLogisticRegression(tol=1e-8).fit(rows, y, 2.0)
    np.testing.assert_allclose(found.coef_, expected.fit(X, y, 2.0).coef_, atol=1e-7)


@pytest.mark.parametrize("kind", ["array", "frame"])
def test_a_column_of_labels_warns_once(kind):
    X, y, rows, labels = collections()
    given = rows, labels[:, None]
    if kind == "frame":
        table = dd.from_pandas(pd.DataFrame(X).assign(y=y), npartitions=4)
        given = table[list(range(5))], table[["y"]]
    with pytest.warns(DataConversionWarning, match="column-vector y") as warned:
        found = GDLogisticRegression().fit(*given)
    assert len(warned) == 1
    expected = GDLogisticRegression().fit(X, y)
    np.testing.assert_allclose(found.coef_, expected.coef_, atol=1e-4)


def test_labels_in_memory_need_known_lengths():
    X, y, _, _ = collections()
    rows = dd.from_pandas(pd.DataFrame(X), npartitions=4).to_dask_array()
    with pytest.raises(ValueError, match=r"compute_chunk_sizes"):
        GDLogisticRegression().fit(rows, y)
    with pytest.raises(ValueError, match=r"y must have the 4 partitions of X. Got 3"):
        GDLogisticRegression().fit(rows, dd.from_pandas(pd.Series(y), npartitions=3))


def test_partitions_of_other_lengths_are_found():
    X, y, _, _ = collections()
    frame = dd.from_pandas(pd.DataFrame(X), npartitions=3)
    parts = [pd.Series(y[:90]), pd.Series(y[90:200]), pd.Series(y[200:])]
    labels = dd.from_map(lambda number: parts[number], range(3))
    with pytest.raises(ValueError, match=r"Chunk \d must have as many rows of X as labels"):
        GDLogisticRegression().fit(frame, labels)


def test_names_of_columns():
    X, y, _, _ = collections()
    frame = dd.from_pandas(pd.DataFrame(X, columns=list("abcde")), npartitions=4)
    labels = dd.from_pandas(pd.Series(y), npartitions=4)
    model = GDLogisticRegression().fit(frame, labels)
    assert list(model.feature_names_in_) == list("abcde")
    with pytest.raises(ValueError, match="feature names"):
        model.predict(frame.rename(columns={"a": "z"}))


def test_a_grid_search_takes_dask_arrays():
    X, y, rows, labels = collections(n_classes=2)
    search = GridSearchCV(GDLogisticRegression(), {"C": [0.001, 1.0]}, cv=3)
    expected = search.fit(X, y).cv_results_["mean_test_score"]
    found = search.fit(rows, labels).cv_results_["mean_test_score"]
    np.testing.assert_allclose(found, expected)
    assert type(search.predict(rows)).__module__.startswith("dask")


# -- what users of dask-ml's estimator have complained of ----------------------------------------


def test_the_features_are_not_normalised_behind_the_back():
    """Scaled features are another problem under a penalty: its optimum, not that of the scaled."""
    X, y, _, labels = collections(n_classes=2)
    X = X * [100, 1, 0.01, 1, 1]
    model = GDLogisticRegression(tol=1e-8).fit(da.from_array(X, chunks=(50, 5)), labels)
    np.testing.assert_allclose(model.coef_, reference(X, y).coef_, rtol=1e-4, atol=1e-6)


def test_the_intercept_is_not_penalised():
    X, y, _, _ = collections(n_classes=2)
    y = (y + (np.arange(300) % 10 > 0) > 0).astype(int)  # one class is rare
    model = GDLogisticRegression(C=1e-6, tol=1e-9)
    model.fit(da.from_array(X, chunks=(50, 5)), da.from_array(y, chunks=50))
    np.testing.assert_allclose(model.intercept_, np.log(y.mean() / (1 - y.mean())), atol=1e-3)


# -- worker processes --------------------------------------------------------------------------

CLUSTER = """
    import os, signal, sys, threading, time, warnings
    import dask.array as da, numpy as np
    from distributed import Client, LocalCluster
    from sklearn_gd_logreg import GDLogisticRegression

    def rows(n=200_000):
        random = np.random.default_rng(0)
        X, noise = random.standard_normal((n, 20)), random.logistic(size=n)
        return X, (X[:, 0] - X[:, 1] / 2 + noise > 0).astype(int)

    def lazy(start, stop):
        return rows()[0][start:stop]

    def main():
        before = set(threading.enumerate())
        X, y = rows()
        expected = GDLogisticRegression(tol=1e-7).fit(X, y)
        cluster = LocalCluster(
            n_workers=2, threads_per_worker=1, dashboard_address=None, silence_logs=50
        )
        client = Client(cluster)
        parts = [da.from_delayed(client.submit(lazy, s, s + 50_000), (50_000, 20), float)
                 for s in range(0, 200_000, 50_000)]
        check(client, da.concatenate(parts), y, X, expected)
        client.close()
        cluster.close()
        assert not client.futures
        children = [open(f"/proc/{c}/cmdline").read() for c in
                    open(f"/proc/self/task/{os.getpid()}/children").read().split()]
        assert not [c for c in children if "spawn_main" in c], children

    CHECK

    if __name__ == "__main__":
        main()
"""

EQUAL = """
    def check(client, dX, y, X, expected):
        labels = da.from_array(y, chunks=50_000)
        for solver, options in (("natural", {}), ("gd", {"max_iter": 8, "tol": 0})):
            clf = GDLogisticRegression(solver=solver, **({"tol": 1e-7} | options))
            there = clf.fit(dX, labels).coef_
            np.testing.assert_allclose(there, clf.fit(X, y).coef_, atol=1e-6)
        import cloudpickle, dask
        compute, sent = dask.compute, []

        def recorded(*tasks):
            sent.append(len(cloudpickle.dumps(tasks)))
            return compute(*tasks)

        dask.compute = recorded
        there = clf.fit(dX, y).coef_
        dask.compute = compute
        assert max(sent) < 50_000 < y.nbytes  # labels in memory were sent before, once
        np.testing.assert_allclose(there, clf.fit(X, y).coef_, atol=1e-10)
        proba = expected.predict_proba(dX)
        np.testing.assert_allclose(proba.compute(), expected.predict_proba(X), atol=1e-9)
        try:
            clf.fit(da.where(dX == dX[0, 0], np.nan, dX), labels)
        except ValueError as error:
            assert "contains NaN" in str(error)
        else:
            raise AssertionError("NaN")
"""

KILLED = """
    def check(client, dX, y, X, expected):
        pids = list(client.run(os.getpid).values())
        passes = []

        def rate(k):
            if k == 3 == len(passes):
                os.kill(pids[0], signal.SIGKILL)
            passes.append(k)
            return 0.5

        clf = GDLogisticRegression(solver="gd", learning_rate=rate, max_iter=8, tol=0)
        there = clf.fit(dX, y).coef_
        assert max(passes) >= 7
        np.testing.assert_allclose(there, clf.fit(X, y).coef_, atol=1e-10)
        assert set(client.run(os.getpid).values()) != set(pids)
"""

MEMORY = """
    def check(client, dX, y, X, expected):
        import resource
        big = da.random.default_rng(0).standard_normal((2_000_000, 40), chunks=(100_000, 40))
        labels = (big[:, 0] + big[:, 1] > 0.3).astype(int)  # 640 MB of X
        with warnings.catch_warnings(action="ignore"):
            GDLogisticRegression(max_iter=2, tol=0).fit(big[:200_000], labels[:200_000])
            before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
            GDLogisticRegression(max_iter=2, tol=0).fit(big, labels)
        grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1e3
        assert grown < 150, grown  # MB, a sample of 32 MB among them
"""


@pytest.mark.skipif(not os.path.exists("/proc/self/task"), reason="needs Linux")
@pytest.mark.parametrize("check", [EQUAL, KILLED, MEMORY], ids=["equal", "killed", "memory"])
def test_on_worker_processes(check, tmp_path):
    pytest.importorskip("distributed")
    script = tmp_path / "script.py"
    script.write_text(textwrap.dedent(CLUSTER).replace("CHECK", textwrap.dedent(check)))
    done = subprocess.run(
        [sys.executable, "-W", "default", str(script)],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
