"""Threads over the blocks: the same sum for any number of them, and nothing left behind."""

import itertools
import multiprocessing
import os
import sys
import threading
import time
import warnings
from contextlib import nullcontext, suppress
from contextvars import ContextVar
from functools import partial
from threading import Barrier, Event, Thread, get_ident
from unittest.mock import Mock

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from scipy import sparse
from sklearn.exceptions import ConvergenceWarning
from threadpoolctl import threadpool_info, threadpool_limits

from sklearn_gd_logreg import GDLogisticRegression, duality_gap
from sklearn_gd_logreg.data import as_dataset, base, blas, csr, dense
from sklearn_gd_logreg.data.blas import (
    MIN_WORK_FOR_BLAS_THREADS as LARGE,
)
from sklearn_gd_logreg.data.blas import blas_threads, reserve_threads
from sklearn_gd_logreg.data.threads import tree_sum
from sklearn_gd_logreg.inspection import duality
from sklearn_gd_logreg.loss import cross_entropy
from sklearn_gd_logreg.objective import Objective
from sklearn_gd_logreg.penalty import ElasticNet

from .large import tall
from .pairwise import pairwise
from .problems import uneven_weights
from .test_data_storage import STORAGES, stored
from .test_derivatives import objective_on

NUMBERS = (1, 2, 5)


def numbers_of_blas():
    """How many threads each BLAS has, as it says itself."""
    return [pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"]


@pytest.fixture(autouse=True)
def three_threads_of_blas():
    """More than one, so that it is seen whether the number comes back; and it must."""
    with threadpool_limits(3, "blas"):
        before = numbers_of_blas()
        yield
        assert numbers_of_blas() == before


@pytest.fixture
def small_blocks(monkeypatch):
    """Blocks so small that there are many."""
    monkeypatch.setattr(dense, "BLOCK_BYTES", 60_000)
    monkeypatch.setattr(csr, "MIN_ENTRIES_PER_BLOCK", 20_000)
    monkeypatch.setattr(base, "WORK_BYTES_PER_THREAD", 1)


@pytest.fixture
def use(monkeypatch):
    """Sets how many threads there are."""
    return lambda number: monkeypatch.setattr(base, "reserve_threads", lambda: nullcontext(number))


@pytest.fixture
def quick_turns():
    """Threads that are interrupted all the time."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


def thin(n_rows, n_features):
    """Sparse rows, a twentieth of them filled."""
    return sparse.random(n_rows, n_features, density=0.05, format="csr", random_state=0)


def summed(function, n_blocks, n_threads, run=1):
    """`tree_sum` as it is used: with BLAS held, or without threads."""
    runs = [range(k, min(k + run, n_blocks)) for k in range(0, n_blocks, run)]
    with reserve_threads():
        return tree_sum(partial(map, function), runs, n_threads)


def pairwise_sum(values):
    """Along the tree: halves of the smallest power of two that holds them."""
    if len(values) == 1:
        return values[0]
    half = 1 << (len(values) - 1).bit_length() - 1
    return pairwise_sum(values[:half]) + pairwise_sum(values[half:])


# -- the sum ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("run", "n_blocks", "n_threads"), pairwise([1, 3, 60], [1, 2, 3, 31, 50], [1, 2, 3, 8])
)
def test_parts_are_added_along_one_tree(n_threads, n_blocks, run, quick_turns):
    random = np.random.RandomState(0)
    values, naps = random.standard_cauchy((n_blocks, 3)), random.uniform(0, 1e-3, size=n_blocks)
    before, calls = values.copy(), []

    def block(number):
        calls.append(number)
        time.sleep(naps[number])
        return 1, float(values[number, 0]), values[number]

    total, number, array = summed(block, n_blocks, n_threads, run)
    expected = pairwise_sum(values)
    assert sorted(calls) == list(range(n_blocks))
    assert (total, number) == (n_blocks, expected[0])
    assert_array_equal(array, expected)
    assert_array_equal(values, before)


def test_all_threads_work_on_blocks_at_a_time():
    together, idents = [Event() for _ in range(3)], set()

    def block(number):
        idents.add(get_ident())
        together[number].set()
        return (all(event.wait(60) for event in together),)

    assert summed(block, 3, 3) == (3,)
    assert len(idents) == 3
    assert get_ident() in idents


class Part:
    """A number that knows how many of its kind there are."""

    alive = most = 0

    def __init__(self, value):
        self.value = value
        Part.alive += 1
        Part.most = max(Part.most, Part.alive)

    def __del__(self):
        Part.alive -= 1

    def __add__(self, other):
        return Part(self.value + other.value)


@pytest.mark.parametrize("n_threads", [1, 3])
def test_few_parts_are_kept_also_while_a_block_is_slow(n_threads, monkeypatch):
    """The memory that parts take is bounded, whatever happens to a thread."""
    monkeypatch.setattr(Part, "most", 0)
    others_are_done, n_done = Event(), []

    def block(number):
        if number == 0 and n_threads > 1:
            assert others_are_done.wait(60)
        n_done.append(number)
        if len(n_done) == 999:
            others_are_done.set()
        return (Part(1),)

    (total,) = summed(block, 1000, n_threads)
    assert total.value == 1000
    assert Part.most <= 12 * n_threads  # about log2(1000) beside each block in the making


def test_more_threads_than_blocks():
    assert summed(lambda number: (number,), 2, 50) == (1,)


def test_a_sum_within_a_sum():
    inner = partial(summed, lambda number: (number,), 10, 3)
    assert summed(lambda number: inner(), 6, 3) == (6 * 45,)


def all_together(n_threads, function=lambda number: (1,)):
    """A sum whose first blocks wait for each other, so that each thread has one of them."""
    barrier, found = Barrier(n_threads), []

    def block(number):
        if number < n_threads:
            barrier.wait(60)
        found.append(get_ident())
        return function(number)

    return found, block


@pytest.mark.parametrize("culprit", ["the caller", "a helper"])
@pytest.mark.parametrize("error", [ZeroDivisionError, KeyboardInterrupt])
def test_an_error_ends_all_threads_and_is_raised(culprit, error):
    caller, others = get_ident(), threading.active_count()

    def fail(number):
        if (get_ident() == caller) == (culprit == "the caller"):
            raise error(f"block {number}")
        return (1,)

    started, block = all_together(3, fail)
    with pytest.raises(error, match="block"):
        summed(block, 100_000, 3)
    assert len(started) < 100_000
    assert threading.active_count() == others


def test_an_interrupt_waits_for_the_last_blocks(monkeypatch):
    """It comes while the caller waits for the others, twice."""
    join, interrupts, done = Thread.join, [KeyboardInterrupt, KeyboardInterrupt], []

    def interrupted(self, timeout=None):
        if interrupts:
            raise interrupts.pop()
        join(self, timeout)

    caller = get_ident()

    def slow(number):
        if get_ident() != caller:
            time.sleep(0.1)
            done.append(number)
        return (1,)

    monkeypatch.setattr(Thread, "join", interrupted)
    _, block = all_together(3, slow)
    with pytest.raises(KeyboardInterrupt):
        summed(block, 3, 3)
    assert len(done) == 2
    assert not interrupts


def test_threads_react_to_floating_point_errors_as_their_caller_does():
    caller = get_ident()

    def overflow(number):
        return (np.exp(np.full(2, 1000.0 * (get_ident() != caller))),)

    with np.errstate(over="ignore"):
        summed(all_together(3, overflow)[1], 20, 3)
    with np.errstate(over="raise"), pytest.raises(FloatingPointError):
        summed(all_together(3, overflow)[1], 20, 3)


def test_threads_call_what_their_caller_wants_called_for_an_error():
    calls = []
    with np.errstate(over="call", call=lambda kind, flag: calls.append(get_ident())):
        summed(all_together(3, lambda number: (np.exp(1000.0),))[1], 20, 3)
    assert len(calls) == 20
    assert len(set(calls)) == 3


def test_threads_have_the_context_of_their_caller():
    variable = ContextVar("of a test", default=0)
    token = variable.set(7)
    try:
        found, block = all_together(3, lambda number: (variable.get(),))
        assert summed(block, 3, 3) == (21,)
    finally:
        variable.reset(token)
    assert len(set(found)) == 3


def test_where_no_thread_is_to_be_had_the_caller_does_all(monkeypatch):
    def start(self):
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(Thread, "start", start)
    assert summed(lambda number: (number,), 10, 3) == (45,)


# -- the passes over data -----------------------------------------------------------------


def results(objective, w):
    """Everything that is summed over blocks."""
    point = objective.loss_and_gradient(w)
    yield from point
    yield from objective.loss_gradient_and_fisher(w)
    yield objective.losses_between(w, -w, np.array([0.0, 0.3, 1.0]))
    yield from objective.loss_and_accuracy(w)
    yield objective.fisher(w, np.array([3, 1, 4]))
    yield from objective.fisher.kronecker_factors(w)
    yield objective.fisher.diagonal(w)
    yield objective.fisher.product(w)(w)
    yield objective.on(objective.data).lipschitz
    sample = objective.on(objective.data.sample(objective.data.n_rows // 3))
    yield from sample.loss_and_gradient(w)
    yield sample.fisher(w)


@pytest.mark.rounding
@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize("storage", STORAGES)
def test_every_sum_has_the_same_bits(storage, n_classes, small_blocks, use, quick_turns):
    """Gathered rows among them, and gradients of several classes."""
    X, codes = tall(9_001)[:, :40], np.arange(9_001) % n_classes
    share = uneven_weights(9_001) / uneven_weights(9_001).sum()
    found = []
    for number in NUMBERS:
        use(number)
        objective = objective_on(stored(X, storage), codes, n_classes, share.astype(X.dtype))
        assert objective.data._n_threads(number) == number
        assert objective.data.sample(3_000)._n_threads(number) >= number // 2
        w = np.random.RandomState(0).standard_normal((41, objective.loss.n_outputs))
        with threadpool_limits(1, "blas"):
            found.append(list(results(objective, w.astype(objective.data.dtype))))
    for one, *others in zip(*found, strict=True):
        for other in others:
            assert_array_equal(one, other)


@pytest.mark.rounding
@pytest.mark.parametrize(
    ("weighted", "n_classes", "storage"),
    pairwise([False, True], [1, 2, 3], [*STORAGES, "rows one by one"]),
)
def test_a_run_of_blocks_has_the_bits_of_its_blocks(storage, n_classes, weighted, use, monkeypatch):
    """Of rows fitted well and badly by turns, some of them with the wrong label."""
    random = np.random.RandomState(0)
    X = random.standard_normal((40_003, 9))
    X *= np.where(np.arange(40_003) // 3_000 % 2, 100, 0.3)[:, np.newaxis]
    w = random.standard_normal((10, n_classes if n_classes > 2 else 1))
    z = X @ w[:-1] + w[-1]
    codes = np.argmax(z, axis=1) if n_classes > 2 else (z[:, 0] > 0) % n_classes
    codes[15_000:20_000:7] = 0
    monkeypatch.setattr(dense, "BLOCK_BYTES", 200_000)
    monkeypatch.setattr(csr, "MIN_ENTRIES_PER_BLOCK", 20_000)
    if storage == "rows one by one":
        storage = "C float64"
        monkeypatch.setattr(dense, "MIN_BYTES_BEYOND_CACHE", 1)
        monkeypatch.setattr(dense, "STREAMED_ROW_BYTES", (1, 8000))
    monkeypatch.setattr(base, "WORK_BYTES_PER_THREAD", 1)
    monkeypatch.setattr(base.Dataset, "_group_size", 4)
    share = uneven_weights(len(X)) / uneven_weights(len(X)).sum() if weighted else None
    X = stored(X, storage)
    objective = objective_on(X, codes, n_classes, None if share is None else share.astype(X.dtype))
    made, found = Mock(side_effect=base.BlockGroup), []
    monkeypatch.setattr(base, "BlockGroup", made)
    for number in (1, 2, 3, 5):
        assert bool(made.call_count) == (number > 3)
        use(number)
        found.append(objective.loss_and_gradient(w.astype(X.dtype)))
    assert {type(loss) for loss, _ in found} == {float}
    for loss, dw in found[1:]:
        assert loss == found[0][0]
        assert_array_equal(dw, found[0][1])


@pytest.mark.rounding
@pytest.mark.parametrize("storage", STORAGES)
@pytest.mark.parametrize("solver", ["natural", "gd", "adam"])
def test_a_fit_has_the_same_bits(storage, solver, small_blocks, use):
    X = stored(tall(9_001)[:, :40], storage)
    y = (X @ np.linspace(-1, 1, 40) > np.tile([-0.5, 0.5], 4_501)[:-1]).astype(int)
    coefs = []
    for number in NUMBERS:
        use(number)
        with threadpool_limits(1, "blas"), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            coefs.append(GDLogisticRegression(solver=solver, max_iter=20).fit(X, y).coef_)
    assert_array_equal(coefs[0], coefs[1])
    assert_array_equal(coefs[0], coefs[2])


@pytest.mark.parametrize("storage", STORAGES)
def test_products_of_a_block_let_other_threads_run(storage):
    """Even those with few results, as dw of few features, during which NumPy would not."""
    X = stored(np.random.default_rng(0).random((400_000, 20)), storage)
    data = as_dataset(X, np.zeros(X.shape[0]), None, True)
    rows = data.block(slice(50_000, 350_000))
    w, dz = np.ones((21, 1), X.dtype), np.ones((300_000, 1), X.dtype)
    ticks, ended = [], Event()

    def tick():
        while not ended.is_set():
            ticks.append(1)
            time.sleep(0)

    before = sys.getswitchinterval()
    sys.setswitchinterval(60)  # nobody is made to let others run
    clock = Thread(target=tick)
    try:
        clock.start()
        while not ticks:
            time.sleep(0)
        for product, factor in ((rows.times, w[:-1]), (rows.transposed_times, dz)):
            for _ in range(500):  # the clock may have to wait for a processor
                ticks.clear()
                product(factor)
                if ticks:
                    break
            assert ticks
    finally:
        ended.set()
        sys.setswitchinterval(before)
        clock.join()


def test_few_blocks_are_for_one_thread(monkeypatch):
    def rows(n_rows):
        return as_dataset(np.broadcast_to(1.0, (n_rows, 50)), np.zeros(n_rows), None, True)

    data = rows(180_000)
    n_blocks = len(data._block_slices)
    assert n_blocks > 16
    assert [data._n_threads(available) for available in (1, 2, 1000)] == [1, 2, 2]
    monkeypatch.setattr(base, "WORK_BYTES_PER_THREAD", 1)
    assert data._n_threads(1000) == n_blocks // 2
    few = rows(20_000)
    assert len(few._block_slices) > 1
    assert few._n_threads(1000) == 1


def test_small_arrays_of_many_rows_are_one_block():
    """As a copy with the 1 of the intercept they come whole, or not at all."""
    for n_rows in (61_000, 62_000, 65_536, 65_537):
        data = as_dataset(np.ones((n_rows, 1), np.float32), np.zeros(n_rows), None, True)
        assert data.sum(lambda rows: (rows.X.shape[0],)) == (n_rows,)


def test_blocks_of_many_classes_have_fewer_rows():
    X = np.ones((50_000, 10))
    for form in (np.asarray, sparse.csr_array):
        two, many = (as_dataset(form(X), np.zeros(len(X), np.uint8), None, True) for _ in range(2))
        Objective(many, cross_entropy(100), ElasticNet(0.0, 0.0, 10))
        assert len(many._block_slices) > 5 * len(two._block_slices)


@pytest.mark.parametrize(
    ("size", "products", "n_threads", "number"),
    [(None, False, 2, 1), (60**2, True, 2, 1), (500**2, True, 1, 3), (500**2, False, 1, 1)],
)
def test_large_parts_have_fewer_threads_and_products_those_of_blas(
    size, products, n_threads, number
):
    data = as_dataset(np.ones((100_000, 50)), np.zeros(100_000), None, True)
    numbers = set()

    def look(number):
        numbers.update(numbers_of_blas())
        return (1,)

    found, block = all_together(n_threads, look)
    starts = [cut.start for cut in data._block_slices]
    assert data.sum(lambda rows: block(starts.index(rows.index.start)), size, products)
    assert len(set(found)) == n_threads
    assert numbers == {number}


# -- the threads of BLAS --------------------------------------------------------------------


def test_blas_has_one_thread_while_blocks_have_several():
    seen = []

    def block(number):
        time.sleep(0.001)
        seen.extend(numbers_of_blas())
        return (1,)

    with reserve_threads() as number:
        assert number == 3
        summed(block, 10, number)
        seen.extend(numbers_of_blas())
    assert set(seen) == {1}
    assert set(numbers_of_blas()) == {3}


def test_one_thread_at_a_time_has_threads():
    def other():
        with reserve_threads() as number:
            found.append(number)

    found = []
    with reserve_threads() as outer, reserve_threads() as inner:
        assert outer == inner == 3
        user = Thread(target=other)
        user.start()
        user.join()
    assert found == [1]
    assert set(numbers_of_blas()) == {3}


class Holder(Thread):
    """A thread that holds BLAS from `begin` to `end`, or until it fails there."""

    def __init__(self, fails=False):
        super().__init__(daemon=True)
        self.has_begun, self.may_end, self.fails = Event(), Event(), fails

    def run(self):
        with suppress(ZeroDivisionError), reserve_threads():
            self.has_begun.set()
            assert self.may_end.wait(60)
            if self.fails:
                raise ZeroDivisionError

    def begin(self):
        self.start()
        assert self.has_begun.wait(60)

    def end(self):
        self.may_end.set()
        self.join()


@pytest.mark.parametrize("fails", [(), (0,), (1, 2), (0, 1, 2)])
@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
def test_blas_has_one_thread_until_the_last_of_several_fits_ends(order, fails):
    holders = [Holder(number in fails) for number in range(3)]
    for holder in holders:
        holder.begin()
    for number in order:
        assert set(numbers_of_blas()) == {1}
        holders[number].end()
    assert set(numbers_of_blas()) == {3}


@pytest.mark.parametrize("another", [True, False])
def test_blas_stays_held_while_fits_follow_one_another(another):
    """There is always one, and, unless there is another, never the same for long."""
    others = [Holder() for _ in range(4)]
    with reserve_threads() if another else nullcontext():
        for one, other in itertools.pairwise(others):
            if not one.is_alive():
                one.begin()
            other.begin()
            one.end()
            assert set(numbers_of_blas()) == {1}
        others[-1].end()
    assert set(numbers_of_blas()) == {3}


def test_large_products_have_one_thread_while_another_fit_holds_blas():
    other = Holder()
    with reserve_threads():
        other.begin()
        with blas_threads(LARGE):
            assert set(numbers_of_blas()) == {1}
        other.end()
        with blas_threads(LARGE):
            assert set(numbers_of_blas()) == {3}
        assert set(numbers_of_blas()) == {1}


def test_a_fit_that_begins_during_a_large_product_has_one_thread():
    other = Holder()
    with reserve_threads():
        with blas_threads(LARGE):
            other.begin()
            assert set(numbers_of_blas()) == {1}
        assert set(numbers_of_blas()) == {1}
    assert set(numbers_of_blas()) == {1}
    other.end()
    assert set(numbers_of_blas()) == {3}


class OwnNumbers(threading.local):
    """A BLAS with OpenMP, as threadpoolctl shows it: each thread has a number of its own."""

    threading_layer, num_threads = "openmp", 4

    def set_num_threads(self, number):
        self.num_threads = number

    def clear_controlling_thread(self, force=False):
        pass


@pytest.mark.parametrize("first_ends", [True, False])
def test_where_each_thread_has_a_number_of_its_own_it_gets_that_back(monkeypatch, first_ends):
    library, seen = OwnNumbers(), []
    monkeypatch.setattr(blas, "_blas", lambda: [library])

    class WithItsOwn(Holder):
        def run(self):
            library.set_num_threads(3)
            super().run()
            seen.append(library.num_threads)

    other = WithItsOwn()
    with reserve_threads() as number:
        assert (number, library.num_threads) == (4, 1)
        other.begin()
        assert library.num_threads == 1
        if first_ends:
            other.end()
    assert library.num_threads == 4
    if not first_ends:
        other.end()
    assert seen == [3]
    assert library.num_threads == 4


def test_there_is_one_thread_where_blas_has_one():
    with threadpool_limits(1, "blas"), reserve_threads() as number:
        assert number == 1


def test_there_is_one_thread_where_blas_cannot_be_held(monkeypatch):
    """So it is with threadpoolctl where another thread has limited BLAS, and may again."""
    monkeypatch.setattr(blas, "_numbers_of_threads", lambda: [3, 3])
    with reserve_threads() as number:
        assert number == 1
    assert set(numbers_of_blas()) == {3}


def test_large_products_have_the_threads_of_blas():
    with reserve_threads():
        with blas_threads(LARGE):
            assert set(numbers_of_blas()) == {3}
            with reserve_threads() as number:
                assert number == 1
        assert set(numbers_of_blas()) == {1}
        with blas_threads(LARGE / 2):
            assert set(numbers_of_blas()) == {1}
        with reserve_threads() as number:
            assert number == 3
    with threadpool_limits(2, "blas"), blas_threads(LARGE):
        assert set(numbers_of_blas()) == {2}


@pytest.mark.parametrize("fit", ["fit", "partial_fit"])
def test_blas_has_one_thread_in_a_fit_and_its_own_number_afterwards(fit):
    seen = []

    def rate(k):
        seen.extend(numbers_of_blas())
        return 0.1

    X, y = np.tile(np.eye(4), (300, 1)), np.arange(1200) % 2
    clf = GDLogisticRegression(solver="gd", learning_rate=rate, max_iter=3, tol=0)
    (clf.fit(X, y) if fit == "fit" else clf.partial_fit(X, y, classes=[0, 1]))
    assert set(seen) == {1}
    assert set(numbers_of_blas()) == {3}


@pytest.mark.parametrize(
    ("X", "n_threads"),
    [
        (np.tile(np.eye(4), (156, 1)), 3),
        (np.tile(np.eye(4), (157, 1)), 1),
        (thin(500, 5), 3),
        (thin(501, 5), 1),
        (np.ones((52, 47)), 3),
        (np.ones((51, 48)), 1),
        (np.ones((12, 13)), 1),
    ],
    ids=["dense", "rows", "CSR", "rows of CSR", "square", "features", "wide"],
)
def test_blas_is_left_alone_where_it_has_little_to_do(X, n_threads):
    """Unless it is to judge other rows than it learns from."""
    seen = []

    def rate(k):
        seen.extend(numbers_of_blas())
        return 0.1

    y = np.arange(X.shape[0]) % 2
    clf = GDLogisticRegression(solver="gd", learning_rate=rate, max_iter=3, tol=0)
    clf.fit(X, y)
    assert set(seen) == {n_threads}
    seen.clear()
    clf.fit(X[:8], y[:8], X_val=X, y_val=y)
    assert set(seen) == {1}


TINY = {
    (2500, 1): 2,
    (53, 47): 2,
    (47, 47): 2,
    (26, 47): 2,
    (80, 31): 2,
    (166, 15): 3,
    (500, 5): 8,
    (1250, 2): 16,
}
"""Number of classes by shape: the largest X for which BLAS keeps its threads."""


@pytest.mark.rounding
@pytest.mark.parametrize(
    ("solver", "l1_ratio", "shape", "storage"),
    pairwise(["natural", "nesterov"], [0, 0.5], TINY, [*STORAGES, "thin"]),
)
def test_the_largest_of_tiny_fits_have_the_same_bits_for_any_number_of_threads(
    solver, l1_ratio, shape, storage
):
    n_classes = TINY[shape]
    random = np.random.RandomState(0)
    X = thin(*shape) if storage == "thin" else stored(random.standard_normal(shape), storage)
    y = random.randint(n_classes, size=X.shape[0])
    clf = GDLogisticRegression(solver=solver, l1_ratio=l1_ratio, max_iter=15, tol=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        coef = clf.fit(X, y).coef_
        with threadpool_limits(1, "blas"):
            assert_array_equal(clf.fit(X, y).coef_, coef)


def test_blas_has_one_thread_while_a_certificate_is_made(monkeypatch):
    X, y = np.eye(4), [0, 1, 0, 1]
    clf, seen, bound = GDLogisticRegression().fit(X, y), [], duality.cost_and_bound

    def looking(fitted):
        seen.extend(numbers_of_blas())
        return bound(fitted)

    monkeypatch.setattr(duality, "cost_and_bound", looking)
    duality_gap(clf, X, y)
    assert set(seen) == {1}
    assert set(numbers_of_blas()) == {3}


def test_fits_in_threads_of_the_user(small_blocks):
    X, y = tall(9_001), np.arange(9_001) % 2
    clf = GDLogisticRegression().fit(X, y)
    others = [GDLogisticRegression() for _ in range(4)]
    users = [Thread(target=other.fit, args=(X, y)) for other in others]
    for user in users:
        user.start()
    for user in users:
        user.join()
    for other in others:
        assert_array_equal(other.coef_, clf.coef_)


def test_a_fit_that_fails_within_a_pass_leaves_blas_as_it_was(small_blocks, monkeypatch):
    monkeypatch.setattr(dense.DenseRows, "transposed_times", lambda *args: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        GDLogisticRegression().fit(tall(9_001), np.arange(9_001) % 2)
    assert set(numbers_of_blas()) == {3}


# -- processes ------------------------------------------------------------------------------


def fit_and_send(pipe):
    X, y = tall(9_001), np.arange(9_001) % 2
    coef = GDLogisticRegression().fit(X, y).coef_
    found, block = all_together(3)
    summed(block, 10, 3)
    with reserve_threads() as number:
        pipe.send((coef, len(set(found)), number))


@pytest.mark.skipif(not hasattr(os, "fork"), reason="processes are not forked here")
def test_a_forked_process_has_threads_of_its_own(small_blocks):
    X, y = tall(9_001), np.arange(9_001) % 2
    clf = GDLogisticRegression().fit(X, y)
    context = multiprocessing.get_context("fork")
    ours, theirs = context.Pipe()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # there are threads: that is the point
        child = context.Process(target=fit_and_send, args=(theirs,))
        child.start()
    try:
        assert ours.poll(60), "the forked process hangs"
        coef, *numbers = ours.recv()
    finally:
        child.kill()
        child.join()
    assert_array_equal(coef, clf.coef_)
    assert numbers == [3, 3]
