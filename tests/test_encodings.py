"""Whatever is printed can be printed where standard output is not UTF-8."""

import io
from contextlib import redirect_stdout

import numpy as np
import pytest
from sklearn.datasets import load_iris

from sklearn_gd_logreg import (
    GDLogisticRegression,
    Momentum,
    bias_variance_report,
    duality_gap,
    gradient_check,
)

STRANGE = ["sétosa", "versi中", "v🌳"]


def print_everything(names):
    """Models, certificates and reports of classes with these names."""
    X, codes = load_iris(return_X_y=True)
    y = np.array(names)[codes]
    for clf in (
        GDLogisticRegression(),
        GDLogisticRegression(verbose=2, class_weight=dict.fromkeys(names, 2.0)),
        GDLogisticRegression(solver="nesterov", verbose=1),
        GDLogisticRegression(solver=Momentum(0.9), learning_rate=5.0, max_iter=20),
        GDLogisticRegression(solver="adam", early_stopping=True, verbose=1, random_state=0),
        GDLogisticRegression(C=np.inf, solver="gd", max_iter=3),
    ):
        print(clf)
        clf.fit(X, y)
        print(clf)
        if np.isfinite(clf.C):
            print(duality_gap(clf, X, y))
        print(gradient_check(clf, X, y))
        for parts in ((X, y), (X[:90], y[:90]), (X[50:], y[50:])):
            report = bias_variance_report(clf, X, y, *parts, X[::2], y[::2], baseline=0.01)
            print(report)
            print(repr(report))
            if names[0].isascii():
                print(report.action, *report.notes)
    print(GDLogisticRegression().partial_fit(X, y, classes=names))


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("encoding", ["ascii", "cp1252", "latin-1", "utf-8"])
def test_everything_can_be_printed_in_any_encoding(encoding):
    out = io.TextIOWrapper(io.BytesIO(), encoding)
    with redirect_stdout(out):
        for names in (["setosa", "versicolor", "virginica"], STRANGE):
            print_everything(names)
        out.flush()
    text = out.buffer.getvalue().decode(encoding)
    assert ("sétosa" in text) == (encoding != "ascii")
    assert ("v🌳" in text) == (encoding == "utf-8")
    assert "versi\\u4e2d" in text or encoding == "utf-8"
    if encoding == "ascii":
        assert "s\\xe9tosa" in text
