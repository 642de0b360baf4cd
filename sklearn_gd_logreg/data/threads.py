"""Blocks of rows side by side, on as many threads as BLAS may use.

The products of one block are too short for the threads of BLAS, which meet after each of them.
So blocks are shared out among threads of our own, each with a BLAS of one thread. They meet
once a pass, and the sum is the same to the last bit however many they are: it is added up in
the order of the blocks.

Who wants one thread says so where it is said for BLAS: by ``OMP_NUM_THREADS``, by
`threadpoolctl.threadpool_limits`, or by the limits that joblib sets for its processes.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from functools import cache
from threading import Condition, Lock
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
        Threads that work on blocks, that of the caller among them. It is alone where BLAS
        cannot be held to one thread, and while blocks of another sum have threads.

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
    if n_threads == 1:
        total.work()
        return total.so_far
    with blas_of_one_thread() as done:
        helpers = list(_helpers(total, n_threads - 1 if done else 0))
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
    errors = np.geterr()
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


def available_threads() -> int:
    """How many threads BLAS may use at the moment; 1 if that is not known."""
    return min((library["num_threads"] for library in _blas().info()), default=1)


TURN = Lock()
"""Held by the sum that has threads: the number of BLAS is one for the whole process."""


@contextmanager
def blas_of_one_thread() -> Iterator[bool]:
    """Whether BLAS is held to one thread until the end, by nobody else.

    It cannot be if another thread has the say, as threadpoolctl sees it.
    """
    if not TURN.acquire(blocking=False):
        yield False
        return
    try:
        with _blas().limit(limits=1):
            yield available_threads() == 1
    finally:
        TURN.release()
