"""scikit-learn's own contract for estimators, for every solver."""

import pytest
from sklearn.utils.estimator_checks import parametrize_with_checks

from sklearn_gd_logreg import GDLogisticRegression

from .problems import FIRST_ORDER

SCALE_FREE = [
    GDLogisticRegression(),
    GDLogisticRegression(learning_rate="backtracking"),
    GDLogisticRegression(l1_ratio=0.5),
    GDLogisticRegression(warm_start=True),
]

# Each of the other solvers once, at its usual rate and with a line search by turns. Their loop is
# one, and most checks ask nothing that a solver decides.
OTHERS = [
    GDLogisticRegression(solver="gd", l1_ratio=0.5),
    GDLogisticRegression(solver="momentum", learning_rate="backtracking"),
    GDLogisticRegression(solver="nesterov"),
    GDLogisticRegression(solver="adagrad", learning_rate="backtracking"),
    GDLogisticRegression(solver="rmsprop"),
    GDLogisticRegression(solver="adam", learning_rate="backtracking"),
]
assert {clf.solver for clf in OTHERS} == set(FIRST_ORDER)

# Without memory, with memory, and with curvature: the loop over mini-batches is one for all.
# tol=0: the plateau rule would stop plain descent at once on the raw data of
# check_class_weight_classifiers, where one class weighs 1e7 times the other.
# max_iter: enough epochs for the checks that ask for a good score, and no more.
IN_BATCHES = [
    GDLogisticRegression(solver=name, batch_size=8, random_state=0, tol=0, max_iter=30)
    for name in ("gd", "adam", "natural")
]

BATCHES_DIFFER = "which rows meet in a mini-batch depends on how many rows there are"


def each_check_of(estimators, **options):
    """`parametrize_with_checks` with a list, where old versions hand a generator to pytest."""
    mark = parametrize_with_checks(estimators, **options)
    names, cases = mark.args
    return pytest.mark.parametrize(names, list(cases), **mark.kwargs)


def expected_in_batches(estimator):
    return {
        "check_sample_weight_equivalence_on_dense_data": BATCHES_DIFFER,
        "check_sample_weight_equivalence_on_sparse_data": BATCHES_DIFFER,
    }


@each_check_of(SCALE_FREE)
def test_the_default_solver_passes_every_check_without_a_warning(estimator, check):
    check(estimator)


# Some checks fit data of very uneven scales, where these rightly warn.
@pytest.mark.filterwarnings("ignore:No convergence after:sklearn.exceptions.ConvergenceWarning")
@each_check_of(OTHERS)
def test_every_solver_passes_every_check_on_the_full_batch(estimator, check):
    check(estimator)


@each_check_of(IN_BATCHES, expected_failed_checks=expected_in_batches)
def test_solvers_pass_every_check_but_those_of_weights_in_mini_batches(estimator, check):
    check(estimator)
