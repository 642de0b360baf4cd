"""Sums over blocks of rows on several threads, while BLAS has one.

The threads of BLAS meet after each product, and most products of a descent are too short for that.
So a fit holds BLAS to one thread, and its own threads, as many as BLAS had, work on blocks of rows.
They meet once a pass. The sum follows a tree that depends on the number of blocks alone, so it has
the same bits for any number of threads.

The number of threads of BLAS belongs to the process, and its products have other bits with another
number. So fits in several threads hold BLAS together, until the last of them ends.

Set ``OMP_NUM_THREADS`` or use `threadpoolctl.threadpool_limits`, as for NumPy. The limits that
joblib sets for its processes count too.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from contextvars import copy_context
from functools import cache
from itertools import repeat
from threading import RLock, get_ident
from typing import Any, ClassVar

import numpy as np
from threadpoolctl import ThreadpoolController

Parts = tuple[Any, ...]
"""What a block gives: numbers and arrays, each to be added to those of the other blocks."""


def add_up(
    function: Callable[[range], Iterable[Parts]], runs: Iterable[range], n_threads: int = 1
) -> Parts:
    """Sum, entry by entry, what ``function`` yields for the blocks of all runs.

    Parameters
    ----------
    function : callable
        Yields the parts of each block of a run, in order. Each thread calls it with another run at
        a time. It may read what the runs share, and must not change it.
    runs : iterable of range
        The numbers 0 … n − 1 of the blocks, n at least 1, cut into runs.
    n_threads : int, default=1
        Threads that work on runs, the caller's included; at most as many as `own_threads` says.

    Returns
    -------
    tuple
        The same bits for any runs and any number of threads.

    Raises
    ------
    BaseException
        Whatever ``function`` raises; by then all threads have ended.
    """
    ends = (None,) * n_threads
    waiting = deque[range | None]((*runs, *ends))
    tree = TreeSum(max(run.stop for run in waiting if run is not None))
    errors: Any = {**np.geterr(), "call": np.geterrcall()}

    def work() -> None:
        try:
            while (run := waiting.popleft()) is not None:
                for number, parts in zip(run, function(run), strict=True):
                    tree.add(number, parts)
        except BaseException:
            waiting.extendleft(ends)
            raise

    def help() -> None:
        _limit_own_threads()
        with np.errstate(**errors):  # before NumPy 2 it is not part of the context
            work()

    if n_threads == 1:
        work()
        return tree.total
    pool, helpers = ThreadPoolExecutor(n_threads - 1), list[Future[None]]()
    try:
        with suppress(RuntimeError):  # the system starts no more threads
            for _ in ends[1:]:
                helpers.append(pool.submit(copy_context().run, help))
        work()
    finally:
        waiting.extendleft(ends)
        _shut_down(pool)
    for helper in helpers:
        helper.result()
    return tree.total


def _shut_down(pool: ThreadPoolExecutor) -> None:
    """Wait until its threads have ended; an interrupt is raised after that."""
    try:
        pool.shutdown()
    except BaseException:
        _shut_down(pool)
        raise


class TreeSum:
    """The sum of the parts of n blocks along a binary tree: pairwise summation.

    Node k of a level is the sum of the nodes 2k and 2k + 1 of the level below; a last node without
    a sibling moves up as it is. Blocks may come in any order, from any thread. The first of two
    siblings waits for the second, so about log₂ n sums are kept, and one or two for each thread.

    Attributes
    ----------
    total : tuple
        The sum of all blocks, once all have been added.
    """

    total: Parts

    def __init__(self, n_blocks: int) -> None:
        self._n_blocks = n_blocks
        self._waiting: dict[tuple[int, int], tuple[int, Parts]] = {}

    def add(self, number: int, parts: Parts) -> None:
        n_nodes = self._n_blocks
        while n_nodes > 1:
            if number ^ 1 < n_nodes:
                parent, own = (n_nodes, number >> 1), (number, parts)
                sibling = self._waiting.setdefault(parent, own)  # atomic: one of the two waits
                if sibling is own:
                    return
                del self._waiting[parent]
                first, second = (sibling[1], parts) if number % 2 else (parts, sibling[1])
                parts = plus(first, second, in_place=n_nodes < self._n_blocks)
            number, n_nodes = number >> 1, (n_nodes + 1) >> 1
        self.total = parts


def add_in_order(parts: Iterator[Parts]) -> Parts:
    """The sum of parts one after the other, of which only two are kept."""
    total = next(parts)
    for number, more in enumerate(parts):
        total = plus(total, more, in_place=number > 0)
    return total


def plus(first: Parts, second: Parts, in_place: bool) -> Parts:
    """Their sums, entry by entry, written over the arrays of the first if ``in_place``."""
    return tuple(
        np.add(a, b, out=a) if in_place and isinstance(a, np.ndarray) else a + b
        for a, b in zip(first, second, strict=True)
    )


# -- threads of BLAS -----------------------------------------------------------------------


@cache
def _blas() -> list[Any]:
    """The BLAS of NumPy and that of SciPy; the search takes milliseconds."""
    libraries: list[Any] = ThreadpoolController().select(user_api="blas").lib_controllers
    return libraries


def _threads_of_blas() -> list[int]:
    return [library.num_threads or 1 for library in _blas()]


def _set_threads(numbers: Iterable[int]) -> None:
    """Give each BLAS its number of threads.

    From threadpoolctl 3.8 on one thread controls the number. That is this one from now on.
    """
    for library, number in zip(_blas(), numbers, strict=False):
        _give_up_control(library, force=True)
        library.set_num_threads(number)


def _give_up_control(library: Any, force: bool = False) -> None:
    """Let others set the number, if this thread controls it; with ``force``, if any thread does."""
    if hasattr(library, "clear_controlling_thread"):
        library.clear_controlling_thread(force=force)


def _has_own_number(library: Any) -> bool:
    """Whether each thread has its own number: with OpenMP, from threadpoolctl 3.8 on."""
    layer = getattr(library, "threading_layer", None)
    return layer == "openmp" and hasattr(library, "clear_controlling_thread")


def _limit_own_threads() -> None:
    """One thread of BLAS for this thread, where each thread has its own number."""
    for library in filter(_has_own_number, _blas()):
        library.set_num_threads(1)


class BlasReservation:
    """The threads that hold BLAS to one thread.

    Attributes
    ----------
    lock : RLock
        Held while the reservation changes, and by a fork: a forked process finds the reservation
        and the locks of threadpoolctl between two changes.
    threads : dict
        For each thread that holds BLAS: how many threads it has for blocks, and how many each BLAS
        had when it came. Only one has several.
    numbers : list of int
        How many threads each BLAS had when the first of them came.
    lent_to : int
        The thread that has the threads of BLAS back for a product, or 0.
    """

    lock = RLock()
    threads: ClassVar[dict[int, tuple[int, list[int]]]] = {}
    numbers: ClassVar[list[int]] = []
    lent_to = 0


def _reserve(ident: int) -> int:
    """Hold BLAS in this thread; how many threads it has for blocks, 1 if BLAS cannot be held."""
    held = BlasReservation
    with held.lock:
        numbers = _threads_of_blas()
        if not held.threads:
            held.numbers = numbers
        if (available := max(held.numbers, default=1)) > 1:
            others_have = any(n_threads > 1 for n_threads, _ in held.threads.values())
            held.threads[ident] = (1 if others_have else available), numbers
            _set_threads(repeat(1))
            if max(_threads_of_blas()) > 1:
                _release(ident)
        return held.threads.get(ident, (1,))[0]


def _release(ident: int) -> None:
    """Give back each thread's own number; the last thread gives back those of the process."""
    held = BlasReservation
    with held.lock:
        _, numbers = held.threads.pop(ident, (1, []))
        for library, own, common in zip(_blas(), numbers, held.numbers, strict=False):
            if _has_own_number(library):
                if ident == get_ident():
                    library.set_num_threads(own)
            elif not held.threads:
                _give_up_control(library, force=True)
                library.set_num_threads(common)
            _give_up_control(library)


def _in_child() -> None:
    """Only the thread that forks goes on in the child: the others will not release BLAS."""
    BlasReservation.lock, BlasReservation.lent_to = RLock(), 0
    for ident in BlasReservation.threads.keys() - {get_ident()}:
        _release(ident)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(
        before=lambda: BlasReservation.lock.acquire(),
        after_in_parent=lambda: BlasReservation.lock.release(),
        after_in_child=_in_child,
    )


@contextmanager
def own_threads() -> Iterator[int]:
    """How many threads may work on blocks; until the end BLAS has one.

    It is one thread where BLAS has one, where BLAS cannot be held, and while another thread has
    several. Within a reservation of the same thread it is the number of that reservation.
    """
    held, ident = BlasReservation, get_ident()
    if ident in held.threads:
        yield 1 if held.lent_to == ident else held.threads[ident][0]
        return
    try:
        yield _reserve(ident)
    finally:
        _release(ident)


MIN_WORK_FOR_BLAS_THREADS = 5e9
"""Multiplications from which the threads of BLAS are worth waking up.

Those of OpenBLAS do not sleep at once: for a while they take turns with ours.
"""


def blas_threads(work: float) -> AbstractContextManager[None]:
    """BLAS with its threads again, for matrix products of so many multiplications.

    Not while other threads hold BLAS too: their products must keep their bits.
    """
    reserved = get_ident() in BlasReservation.threads
    return _lent() if reserved and work >= MIN_WORK_FOR_BLAS_THREADS else AS_IT_IS


AS_IT_IS = nullcontext()


@contextmanager
def _lent() -> Iterator[None]:
    held = BlasReservation
    with held.lock:
        alone = len(held.threads) == 1 and not held.lent_to
        if alone:
            held.lent_to = get_ident()
            _set_threads(held.numbers)
    try:
        yield
    finally:
        if alone:
            with held.lock:
                held.lent_to = 0
                _set_threads(repeat(1))
