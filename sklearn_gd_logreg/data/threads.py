"""Blocks of rows side by side, on as many threads as BLAS may use.

The threads of BLAS meet after each product, and those of a descent are too short for that: of
one block of rows, or of one vector. So while a descent lasts, BLAS is held to one thread, and
the threads that it had work on blocks of rows. They meet once a pass, and the sum is the same
to the last bit however many they are: it is added up in the order of the blocks.

Who wants one thread says so where it is said for BLAS: by ``OMP_NUM_THREADS``, by
`threadpoolctl.threadpool_limits`, or by the limits that joblib sets for its processes.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from functools import cache
from threading import Condition, Lock, get_ident
from typing import Any

import numpy as np
from threadpoolctl import ThreadpoolController

Parts = tuple[Any, ...]
"""What a block gives: numbers and arrays, each to be added to those of the others."""

AHEAD = 2
"""Blocks for each thread that are being worked on or wait for their turn to be added."""

MOST_THREADS = 64
"""Threads that are kept for the next pass."""


def add_up(function: Callable[[int], Parts], n_blocks: int, n_threads: int = 1) -> Parts:
    """Sum, entry by entry, what ``function`` returns for the blocks 0 … n_blocks − 1.

    Parameters
    ----------
    function : callable
        Called with the number of a block, by each thread with another one at a time. What
        blocks have in common it may read and not change.
    n_blocks : int
        At least 1.
    n_threads : int, default=1
        Threads that work on blocks, that of the caller among them; no more than
        `own_threads` says there are.

    Returns
    -------
    tuple
        The same for every number of threads, to the last bit.

    Raises
    ------
    BaseException
        Whatever ``function`` raises; by then all threads are done with their blocks.
    """
    total = Sum(function, n_blocks, AHEAD * n_threads)
    helpers = list(_helpers(total, n_threads - 1))
    try:
        total.work()
    finally:
        total.end()
        failures = [helper.exception() for helper in helpers if not helper.cancel()]
    for failure in failures:
        if failure is not None:
            raise failure
    return total.so_far


class Sum:
    """Hands out blocks, and adds up in their order what is made of them.

    Parameters
    ----------
    function, n_blocks
        As of `add_up`.
    ahead : int
        Blocks that may be handed out and not yet be added.

    Attributes
    ----------
    so_far : tuple
    """

    so_far: Parts

    def __init__(self, function: Callable[[int], Parts], n_blocks: int, ahead: int) -> None:
        self._function, self._n_blocks, self._ahead = function, n_blocks, ahead
        self._changed = Condition()
        self._n_taken = self._n_added = 0
        self._early: dict[int, Parts] = {}

    def work(self) -> None:
        """Take blocks and add what they give, until there are no more."""
        try:
            while (number := self._take()) < self._n_blocks:
                self._add(number, self._function(number))
        except BaseException:
            self.end()
            raise

    def end(self) -> None:
        """Hand out no more blocks."""
        with self._changed:
            self._n_taken = self._n_blocks
            self._changed.notify_all()

    def _take(self) -> int:
        """The number of the next block, or that of blocks."""
        with self._changed:
            self._changed.wait_for(self._may_take)
            number = self._n_taken
            self._n_taken = min(number + 1, self._n_blocks)
            return number

    def _may_take(self) -> bool:
        waiting = self._n_taken - self._n_added
        return waiting < self._ahead or self._n_taken == self._n_blocks

    def _add(self, number: int, parts: Parts) -> None:
        with self._changed:
            self._early[number] = parts
            while self._n_added in self._early:
                more = self._early.pop(self._n_added)
                if self._n_added:
                    more = tuple(a + b for a, b in zip(self.so_far, more, strict=True))
                self.so_far = more
                self._n_added += 1
            self._changed.notify_all()


# -- threads of our own --------------------------------------------------------------------


@cache
def _pool() -> ThreadPoolExecutor:
    """Threads that wait for work, made as they are asked for."""
    return ThreadPoolExecutor(MOST_THREADS, thread_name_prefix="sklearn_gd_logreg")


if hasattr(os, "register_at_fork"):  # a forked process has but the thread that forked it
    os.register_at_fork(after_in_child=_pool.cache_clear)


def _helpers(total: Sum, number: int) -> Iterator[Future[None]]:
    errors = {**np.geterr(), "call": np.geterrcall()}
    for _ in range(number):
        try:
            yield _pool().submit(_help, total, errors)
        except RuntimeError:  # the interpreter is about to end: no thread is to be had
            return


def _help(total: Sum, errors: Any) -> None:
    """Work on blocks, with the reactions to floating-point errors of who asked for it."""
    with _blas().limit(limits=1), np.errstate(**errors):  # with OpenMP, a limit is a thread's own
        total.work()


# -- threads of BLAS -----------------------------------------------------------------------


@cache
def _blas() -> ThreadpoolController:
    """The BLAS of NumPy and that of SciPy; looked for once, as it takes milliseconds."""
    return ThreadpoolController().select(user_api="blas")


def _threads_of_blas() -> int:
    return min((library["num_threads"] for library in _blas().info()), default=1)


class Held:
    """Who holds BLAS to one thread, and how many threads there are instead.

    It is one number for the whole process.
    """

    lock = Lock()
    by = 0
    n_threads = 1


@contextmanager
def own_threads() -> Iterator[int]:
    """How many threads may work on blocks; until the end BLAS is held to one.

    It is one thread where BLAS has one, where it cannot be held, and while another thread
    holds it. Within a hold of the same thread it is what that says.
    """
    if get_ident() == Held.by:
        yield Held.n_threads
        return
    n_threads = _threads_of_blas()
    if n_threads == 1 or not Held.lock.acquire(blocking=False):
        yield 1
        return
    try:
        with _blas().limit(limits=1):
            if _threads_of_blas() == 1:  # threadpoolctl may give another thread the say
                Held.by, Held.n_threads = get_ident(), n_threads
            yield n_threads if Held.by else 1
    finally:
        Held.by = 0
        Held.lock.release()


LARGE = 1e9
"""Multiplications from which the threads of BLAS are worth waking up."""


@contextmanager
def blas_threads(work: float) -> Iterator[None]:
    """BLAS with its threads again, for products of matrices with so many multiplications."""
    if work < LARGE or get_ident() != Held.by:
        yield
        return
    n_threads, Held.by = Held.n_threads, 0
    try:
        with _blas().limit(limits=n_threads):
            yield
    finally:
        Held.by = get_ident()
