"""Whatever is printed can be printed where standard output is not UTF-8."""

import os
import subprocess
import sys

import pytest

SCRIPT = """
import warnings
import numpy as np
from sklearn.datasets import load_iris
from sklearn_gd_logreg import *
from sklearn_gd_logreg.callbacks import *
from sklearn_gd_logreg.display import *
from sklearn_gd_logreg.inspection import *
from sklearn_gd_logreg.model_selection import *

X, codes = load_iris(return_X_y=True)
strange = ["s\\u00e9tosa", "versi\\u4e2d", "v\\U0001f33a"]
for names in (["setosa", "versicolor", "virginica"], strange):
    y = np.array(names)[codes]
    weights = {name: 2.0 for name in names}
    for clf in (
        GDLogisticRegression(),
        GDLogisticRegression(verbose=2, class_weight=weights),
        GDLogisticRegression(solver="nesterov", verbose=1),
        GDLogisticRegression(solver=Momentum(0.9), learning_rate=5.0, max_iter=20),
        GDLogisticRegression(solver="adam", early_stopping=True, verbose=1, random_state=0),
        GDLogisticRegression(C=np.inf, solver="gd", max_iter=3),
    ):
        print(clf)
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            clf.fit(X, y)
        print(clf)
        for warning in caught:
            warnings.warn(warning.message)
        if clf.C < np.inf:
            print(duality_gap(clf, X, y))
        print(gradient_check(clf, X, y))
        for parts in ((X, y), (X[:90], y[:90]), (X[50:], y[50:])):
            report = bias_variance_report(clf, X, y, *parts, X[::2], y[::2], baseline=0.01)
            print(report)
            print(repr(report))
            if names[0].isascii():
                print(report.action, *report.notes)
    print(GDLogisticRegression().partial_fit(X, y, classes=names))
print("the end")
"""


@pytest.mark.parametrize("encoding", ["ascii", "cp1252", "latin-1", "utf-8"])
def test_everything_can_be_printed_in_any_encoding(encoding):
    environment = {**os.environ, "PYTHONIOENCODING": encoding, "PYTHONUTF8": "0"}
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT], env=environment, capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr.decode("ascii", "replace")
    text = done.stdout.decode(encoding)
    assert text.rstrip().endswith("the end")
    assert ("sétosa" in text) == (encoding != "ascii")
    assert ("v\U0001f33a" in text) == (encoding == "utf-8")
    assert "versi\\u4e2d" in text or encoding == "utf-8"
    if encoding == "ascii":
        assert "s\\xe9tosa" in text
