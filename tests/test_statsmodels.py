"""Unpenalised fits of raw features against the maximum likelihood of statsmodels."""

import numpy as np
import pytest
import statsmodels.api as sm

from sklearn_gd_logreg import GDLogisticRegression

pytestmark = pytest.mark.rounding


def rows_of(name):
    """Features as they are, and labels; whether there was any affair, for ``fair``."""
    data = getattr(sm.datasets, name).load_pandas()
    y = data.endog.to_numpy()
    return data.exog.to_numpy(), (y > 0 if name == "fair" else y).astype(int)


def fit(X, y, **options):
    model = GDLogisticRegression(C=np.inf, tol=1e-8, **options).fit(X, y)
    assert model.stop_reason_ == "tol"
    return model


def assert_same_parameters(mine, theirs):
    np.testing.assert_allclose(mine, theirs, rtol=1e-5)


@pytest.mark.parametrize("intercept", [True, False], ids=["intercept", "no intercept"])
@pytest.mark.parametrize("name", ["spector", "fair"])
def test_two_classes_have_the_parameters_of_logit(name, intercept):
    X, y = rows_of(name)
    model = fit(X, y, fit_intercept=intercept)
    design = np.column_stack([X, np.ones(len(y))]) if intercept else X
    logit = sm.Logit(y, design).fit(method="newton", maxiter=100, tol=1e-12, disp=0)
    mine = np.append(model.coef_[0], model.intercept_) if intercept else model.coef_[0]
    assert_same_parameters(mine, logit.params)
    assert model.history_["cost"][-1] == pytest.approx(-logit.llf / len(y), rel=1e-10)


@pytest.mark.parametrize("intercept", [True, False], ids=["intercept", "no intercept"])
def test_seven_classes_have_the_parameters_of_mnlogit(intercept):
    X, y = rows_of("anes96")
    model = fit(X, y, fit_intercept=intercept)
    design = np.column_stack([X, np.ones(len(y))]) if intercept else X
    mnlogit = sm.MNLogit(y, design).fit(method="newton", maxiter=100, tol=1e-12, disp=0)
    mine = np.column_stack([model.coef_, model.intercept_]) if intercept else model.coef_
    assert_same_parameters((mine[1:] - mine[0]).T, np.asarray(mnlogit.params))
    assert model.history_["cost"][-1] == pytest.approx(-mnlogit.llf / len(y), rel=1e-10)


def test_weights_count_as_the_frequencies_of_a_binomial_glm():
    X, y = rows_of("spector")
    counts = 1 + np.arange(len(y)) % 3
    model = GDLogisticRegression(C=np.inf, tol=1e-8).fit(X, y, counts)
    design = np.column_stack([X, np.ones(len(y))])
    glm = sm.GLM(y, design, family=sm.families.Binomial(), freq_weights=counts).fit(tol=1e-12)
    assert_same_parameters(np.append(model.coef_[0], model.intercept_), glm.params)
