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
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from functools import cache
from threading import Condition, Lock, Thread, get_ident
from typing import Any

import numpy as np
from threadpoolctl import ThreadpoolController

Parts = tuple[Any, ...]
"""What a block gives: numbers and arrays, each to be added to those of the others."""

AHEAD = 2
"""Blocks for each thread that are being worked on or wait for their turn to be added."""


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
        Whatever ``function`` raises; by then all threads have ended.
    """
    total = Sum(function, n_blocks, AHEAD * n_threads)
    helpers: list[Thread] = []
    try:
        errors = {**np.geterr(), "call": np.geterrcall()}
        for _ in range(n_threads - 1):
            helpers.append(Thread(target=_help, args=(total, errors), daemon=True))
            if not _started(helpers[-1]):
                break
        total.work()
    finally:
        total.end()
        _join(helpers)
    if total.failure is not None:
        raise total.failure
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
    failure : BaseException or None
        What the function has raised in a thread that only helps.
    """

    so_far: Parts
    failure: BaseException | None = None

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
                    pairs = zip(self.so_far, more, strict=True)
                    more = tuple(_plus(a, b, self._n_added > 1) for a, b in pairs)
                self.so_far = more
                self._n_added += 1
            self._changed.notify_all()


def _plus(a: Any, b: Any, in_place: bool) -> Any:
    """Their sum, written over the first where that is asked for and possible."""
    return np.add(a, b, out=a) if in_place and isinstance(a, np.ndarray) else a + b


def _started(helper: Thread) -> bool:
    try:
        helper.start()
    except RuntimeError:  # no thread is to be had: the caller does without
        return False
    return True


def _help(total: Sum, errors: Any) -> None:
    """Work on blocks, with the reactions to floating-point errors of who asked for it."""
    try:
        _blas().limit(limits=1)  # where each thread has a number of its own, as with OpenMP
        with np.errstate(**errors):
            total.work()
    except BaseException as failure:
        total.failure = failure
        total.end()


def _join(helpers: list[Thread]) -> None:
    """Wait for their last blocks; an interrupt is put off till then."""
    interrupt: BaseException | None = None
    for helper in helpers:
        while helper.is_alive():
            try:
                helper.join()
            except BaseException as another:
                interrupt = another
    if interrupt is not None:
        raise interrupt


# -- threads of BLAS -----------------------------------------------------------------------


@cache
def _blas() -> ThreadpoolController:
    """The BLAS of NumPy and that of SciPy; looked for once, as it takes milliseconds."""
    return ThreadpoolController().select(user_api="blas")


def _threads_of_blas() -> int:
    return max((library.num_threads or 1 for library in _blas().lib_controllers), default=1)


class Held:
    """Who holds BLAS to one thread, and how many threads there are instead."""

    lock = Lock()
    by = 0
    n_threads = 1


def _let_go() -> None:
    Held.by = 0
    Held.lock.release()


def _start_anew() -> None:
    """In a forked process, where nobody is left to let go."""
    if Held.by != get_ident():
        Held.lock, Held.by = Lock(), 0


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_start_anew)


@contextmanager
def own_threads() -> Iterator[int]:
    """How many threads may work on blocks; if more than one, BLAS has one until the end.

    It is one thread where BLAS has one, where it cannot be held, and while another thread
    holds it. Within a hold of the same thread it is what that says.
    """
    if get_ident() == Held.by:
        yield Held.n_threads
        return
    with ExitStack() as hold:
        yield _hold(hold)


def _hold(hold: ExitStack) -> int:
    n_threads = _threads_of_blas()
    if n_threads == 1 or not Held.lock.acquire(blocking=False):
        return 1
    hold.callback(_let_go)
    hold.enter_context(_blas().limit(limits=1))
    if _threads_of_blas() > 1:  # threadpoolctl has given another thread the say
        hold.close()
        return 1
    Held.by, Held.n_threads = get_ident(), n_threads
    return n_threads


LARGE = 5e9
"""Multiplications from which the threads of BLAS are worth waking up.

Those of OpenBLAS do not sleep at once: for a while they take turns with ours.
"""


def blas_threads(work: float) -> AbstractContextManager[None]:
    """BLAS with its threads again, for products of matrices with so many multiplications."""
    return _given_back() if work >= LARGE and get_ident() == Held.by else AS_IT_IS


AS_IT_IS = nullcontext()


@contextmanager
def _given_back() -> Iterator[None]:
    n_threads, Held.by = Held.n_threads, 0
    try:
        with _blas().limit(limits=n_threads):
            yield
    finally:
        Held.by = get_ident()
