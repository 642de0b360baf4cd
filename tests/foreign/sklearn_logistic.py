"""scikit-learn's own tests of `LogisticRegression`, with ours in its place.

Runs the tests that the installed scikit-learn ships with a class that has the name and the
constructor of scikit-learn's and fits by `GDLogisticRegression`. Where ours differs on purpose a
test fails; `DIFFERENCES` lists these with the reason, `FAULTS` those that fail by a fault of ours.
A failure in neither list is an error, and so is a test in a list that passes. Tests that do not
name `LogisticRegression`, but only `LogisticRegressionCV` say, are left out. Run it with ``make
test-sklearn``, or ``python tests/foreign/sklearn_logistic.py [arguments of pytest]``.
"""

import inspect
import re
import sys
from collections import Counter
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import sklearn
import sklearn.linear_model

from sklearn_gd_logreg import GDLogisticRegression

TESTS = [
    "sklearn.linear_model.tests.test_logistic",
    "sklearn.ensemble.tests.test_bagging",
    "sklearn.ensemble.tests.test_stacking",
    "sklearn.ensemble.tests.test_voting",
    "sklearn.feature_selection.tests.test_from_model",
    "sklearn.feature_selection.tests.test_rfe",
    "sklearn.tests.test_calibration",
    "sklearn.tests.test_multiclass",
    "sklearn.tests.test_multioutput",
]
LISTED_FOR = "1.9"  # the version of scikit-learn whose tests are listed below

# Regular expressions for the names of tests, with their parameters, by reason.
DIFFERENCES = {
    "there are no solvers that refuse a penalty, dual, several classes or large numbers": [
        r"test_check_solver_option\[LogisticRegression\]",
        r"test_liblinear_multiclass_raises\[LogisticRegression\]",
        r"test_liblinear_with_large_values",
        r"test_logistic_regression_callback_support_warning",
    ],
    "sparse rows with 64-bit indices are taken, with every solver": [
        r"test_large_sparse_matrix\[.*-(liblinear|sag|saga)\]",
    ],
    "float32 stays float32, where liblinear makes float64 of it": [
        r"test_dtype_match\[.*-liblinear\]",
    ],
    "no chance in a full-batch fit, where dual=True of liblinear draws": [
        r"test_liblinear_dual_random_state\[.*\]",
    ],
    "the fit of ours is compared with an unfinished one: liblinear is 2e-5 off, lbfgs 5e-4": [
        r"test_logistic_cv\[.*\]",
        r"test_logistic_cv_multinomial_score\[neg_log_loss-.*\]",
        r"test_multiclass_multioutput_estimator_predict_proba",
    ],
    "the warning of no convergence has other words": [
        r"test_max_iter\[.*\]",
        r"test_newton_cholesky_fallback_to_lbfgs",
    ],
    "parameters that scikit-learn gives up are unknown, and so are warnings of them": [
        r"test_elasticnet_l1_ratio_err_helpful\[LogisticRegression-l1_ratio\]",
        r"test_l1_ratio_non_elasticnet",
        r"test_penalty_none\[.*\]",
        r"test_penalty_deprecated\[LogisticRegression\]",
        r"test_l1_ratio_None_deprecated",
        r"test_logisticregression_warns_with_n_jobs",
        r"test_lr_penalty_l1ratio_incompatible\[.*\]",
    ],
    "weights are always dense: no sparsify()": [
        r"test_sparsify\[.*\]",
        r"test_feature_importance_sparse\[.*\]",
        r"test_rfe_sparse_coef\[.*\]",
    ],
    "there is a partial_fit()": [
        r"test_multiclass_estimator_attribute_error",
    ],
    "a private method of scikit-learn is called": [
        r"test_logreg_predict_proba_multinomial\[.*\]",
    ],
    "callbacks are told of the iterations made, without an empty one at the end": [
        r"test_logistic_regression_callback_support\[.*\]",
    ],
}

FAULTS: dict[str, list[str]] = {}


class LogisticRegression(GDLogisticRegression):
    """Ours, with the constructor of scikit-learn's and an array for `n_iter_`.

    The natural gradient stands for all solvers of scikit-learn. What has no counterpart is taken
    and changes nothing: `dual`, `intercept_scaling`, `n_jobs`.
    """

    penalty: Any = None  # a parameter here, in place of the property
    learning_rate = "auto"
    batch_size = None
    early_stopping = False
    validation_fraction = 0.1
    n_iter_no_change = 10
    is_used = False

    def __init__(
        self,
        penalty: Any = "deprecated",
        *,
        C: Any = 1.0,
        l1_ratio: Any = 0.0,
        dual: Any = False,
        tol: Any = 1e-4,
        fit_intercept: Any = True,
        intercept_scaling: Any = 1,
        class_weight: Any = None,
        random_state: Any = None,
        solver: Any = "lbfgs",
        max_iter: Any = 100,
        verbose: Any = 0,
        warm_start: Any = False,
        n_jobs: Any = None,
    ) -> None:
        self.penalty = penalty
        self.C = C
        self.l1_ratio = l1_ratio
        self.dual = dual
        self.tol = tol
        self.fit_intercept = fit_intercept
        self.intercept_scaling = intercept_scaling
        self.class_weight = class_weight
        self.random_state = random_state
        self.solver = solver
        self.max_iter = max_iter
        self.verbose = verbose
        self.warm_start = warm_start
        self.n_jobs = n_jobs
        LogisticRegression.is_used = True

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> "LogisticRegression":
        LogisticRegression.is_used = True
        given = self.get_params(deep=False)
        if "n_iter_" in vars(self):
            self.n_iter_ = int(self.n_iter_[0])
        vars(self).update(in_our_words(given))
        try:
            super().fit(X, y, sample_weight)
        finally:
            vars(self).update(given)
            if "n_iter_" in vars(self):
                self.n_iter_ = np.array([self.n_iter_], dtype=np.int32)
        return self


def in_our_words(given: dict[str, Any]) -> dict[str, Any]:
    """Our parameters for scikit-learn's, where name or meaning differ."""
    found: dict[str, Any] = {"solver": "natural"}
    if given["l1_ratio"] is None or given["penalty"] == "l2":
        found["l1_ratio"] = 0.0
    elif given["penalty"] == "l1":
        found["l1_ratio"] = 1.0
    if given["penalty"] is None:
        found["C"] = np.inf
    return found


def names_the_class(item: pytest.Function) -> bool:
    return bool(re.search(r"\bLogisticRegression\b", inspect.getsource(item.function)))


class Comparison:
    """A plugin of pytest that puts our class in, expects what is listed and counts."""

    def __init__(self) -> None:
        self.reasons: dict[str, str] = {}  # of the tests that are listed
        self.counts: Counter[str] = Counter()
        self.idle: list[str] = []  # patterns that no test has
        self.is_other = not sklearn.__version__.startswith(f"{LISTED_FOR}.")

    @pytest.hookimpl(wrapper=True)
    def pytest_collection(self) -> Any:
        theirs = sklearn.linear_model.LogisticRegression
        sklearn.linear_model.LogisticRegression = LogisticRegression
        try:
            return (yield)
        finally:
            sklearn.linear_model.LogisticRegression = theirs

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Function]) -> None:
        named = [item for item in items if names_the_class(item)]
        self.counts["left out"] = len(items) - len(named)
        items[:] = named
        for reason, patterns in (DIFFERENCES | FAULTS).items():
            for pattern in patterns:
                found = [item for item in items if re.fullmatch(pattern, item.name)]
                for item in found:
                    self.reasons[item.name] = reason
                    item.add_marker(pytest.mark.xfail(reason=reason, strict=not self.is_other))
                if not found:
                    self.idle.append(pattern)

    def pytest_runtest_setup(self, item: pytest.Item) -> None:
        LogisticRegression.is_used = False

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self, item: pytest.Item) -> Any:
        report = yield
        if hasattr(report, "wasxfail") and item.name in self.reasons:
            self.counts[self.reasons[item.name]] += 1
        elif report.failed:
            self.counts["unexpected"] += 1
        elif report.skipped:
            self.counts["skipped"] += 1
        elif report.when == "call":
            self.counts["passed" if LogisticRegression.is_used else "others"] += 1
        return report

    def words(self) -> str:
        lines = [f"scikit-learn {sklearn.__version__}, with GDLogisticRegression:"]
        lines.append(f"{self.counts['passed']:5} passed")
        for title, listed in (("differ on purpose", DIFFERENCES), ("fail by a fault", FAULTS)):
            lines.append(f"{sum(self.counts[reason] for reason in listed):5} {title}")
            lines += [f"{self.counts[reason]:9} {reason}" for reason in listed]
        lines.append(f"{self.counts['unexpected']:5} unexpected: fail, or pass though listed")
        lines += [f"      no test is called {pattern}" for pattern in self.idle]
        lines.append(f"{self.counts['others']:5} passed without constructing the class")
        lines.append(f"{self.counts['skipped']:5} skipped by scikit-learn")
        lines.append(f"{self.counts['left out']:5} left out: they do not name the class")
        return "\n".join(lines)


def main() -> None:
    if find_spec("sklearn.linear_model.tests") is None:
        print("The installed scikit-learn ships no tests.")
        return
    comparison, more = Comparison(), sys.argv[1:]
    # No settings of ours, and nothing written to where scikit-learn is installed.
    alone = ["-c", "/dev/null", "--rootdir", str(Path(sklearn.__file__).parent)]
    alone += ["-p", "no:cacheprovider", "-p", "no:doctest"]
    status = pytest.main([*alone, "-q", "--tb=short", *more, "--pyargs", *TESTS], [comparison])
    print(f"\n{comparison.words()}")
    if comparison.is_other:
        print(f"The lists are those of scikit-learn {LISTED_FOR}: other versions are not judged.")
    else:
        sys.exit(status or (bool(comparison.idle) and not more))


if __name__ == "__main__":
    main()
