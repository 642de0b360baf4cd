"""Blocks of rows side by side, on as many threads as BLAS may use.

The threads of BLAS meet after each product, and those of a descent are too short for that: of
one block of rows, or of one vector. So while there is a descent, BLAS is held to one thread, and
the threads that it had work on blocks of rows. They meet once a pass, and the sum is the same
to the last bit however many they are: it is added up in the order of the blocks.

The number of threads of BLAS is one for the process, and its products have other bits with
another number. So descents in several threads hold it together, until the last of them ends.

Who wants one thread says so where it is said for BLAS: by ``OMP_NUM_THREADS``, by
`threadpoolctl.threadpool_limits`, or by the limits that joblib sets for its processes.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import cache
from itertools import repeat
from threading import Condition, RLock, Thread, get_ident
from typing import Any, ClassVar, NamedTuple

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
        _hold_own()
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


def _threads_of_blas() -> list[int]:
    return [library.num_threads or 1 for library in _blas().lib_controllers]


def _set_threads(numbers: Iterable[int]) -> None:
    """Give each BLAS its number of threads.

    From threadpoolctl 3.8 on one thread at a time has the say. That is this one from now on.
    """
    for library, number in zip(_blas().lib_controllers, numbers, strict=False):
        _give_up(library, force=True)
        library.set_num_threads(number)


def _give_up(library: Any, force: bool = False) -> None:
    """Let others have the say, if this thread has it; with ``force``, if any thread has it."""
    if hasattr(library, "clear_controlling_thread"):
        library.clear_controlling_thread(force=force)


def _is_own(library: Any) -> bool:
    """Whether each thread has a number of its own: with OpenMP, from threadpoolctl 3.8 on."""
    layer = getattr(library, "threading_layer", None)
    return layer == "openmp" and hasattr(library, "clear_controlling_thread")


def _hold_own() -> None:
    """One thread of BLAS for this thread, where that is a number of its own."""
    for library in filter(_is_own, _blas().lib_controllers):
        library.set_num_threads(1)


class Hold(NamedTuple):
    """What a thread that holds BLAS has instead, and what it had itself."""

    n_threads: int
    numbers: list[int]


class Held:
    """Who holds BLAS to one thread.

    Attributes
    ----------
    lock : RLock
        For the moments in which that changes, and for that of a fork: a forked process finds
        it, and the locks of threadpoolctl, as they are between two changes.
    by : dict
        The threads that hold it. Only one at a time may have several threads instead.
    numbers : list of int
        The threads that each BLAS had before the first of them.
    lent : int
        The thread that has the threads of BLAS again for a product, or 0.
    """

    lock = RLock()
    by: ClassVar[dict[int, Hold]] = {}
    numbers: ClassVar[list[int]] = []
    lent = 0


def _hold(ident: int) -> int:
    """Hold BLAS in this thread; how many threads it has instead, 1 also where it cannot be held."""
    with Held.lock:
        numbers = _threads_of_blas()
        if not Held.by:
            Held.numbers = numbers
        available = max(Held.numbers, default=1)
        if available == 1:
            return 1
        others_have = any(hold.n_threads > 1 for hold in Held.by.values())
        Held.by[ident] = Hold(1 if others_have else available, numbers)
        _set_threads(repeat(1))
        if max(_threads_of_blas()) > 1:
            _let_go(ident)
            return 1
        return Held.by[ident].n_threads


def _let_go(ident: int) -> None:
    """Each thread gets back what is its own, and the last one the rest, for all."""
    with Held.lock:
        hold = Held.by.pop(ident, None)
        if hold is None:
            return
        libraries = _blas().lib_controllers
        for library, own, common in zip(libraries, hold.numbers, Held.numbers, strict=True):
            if _is_own(library):
                if ident == get_ident():
                    library.set_num_threads(own)
            elif not Held.by:
                _give_up(library, force=True)
                library.set_num_threads(common)
            _give_up(library)


def _before_fork() -> None:
    Held.lock.acquire()


def _in_parent() -> None:
    Held.lock.release()


def _in_child() -> None:
    """Only the thread that forks goes on here: the others will not let go."""
    Held.lock, Held.lent = RLock(), 0
    for ident in Held.by.keys() - {get_ident()}:
        _let_go(ident)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_before_fork, after_in_parent=_in_parent, after_in_child=_in_child)


@contextmanager
def own_threads() -> Iterator[int]:
    """How many threads may work on blocks; until the end BLAS has one.

    It is one thread where BLAS has one, where it cannot be held, and while another thread
    has several. Within a hold of the same thread it is what that says.
    """
    ident = get_ident()
    if (hold := Held.by.get(ident)) is not None:
        yield 1 if Held.lent == ident else hold.n_threads
        return
    try:
        yield _hold(ident)
    finally:
        _let_go(ident)


LARGE = 5e9
"""Multiplications from which the threads of BLAS are worth waking up.

Those of OpenBLAS do not sleep at once: for a while they take turns with ours.
"""


def blas_threads(work: float) -> AbstractContextManager[None]:
    """BLAS with its threads again, for products of matrices with so many multiplications.

    Not where other threads hold it as well: theirs must keep their bits.
    """
    return _lent() if work >= LARGE and get_ident() in Held.by else AS_IT_IS


AS_IT_IS = nullcontext()


@contextmanager
def _lent() -> Iterator[None]:
    with Held.lock:
        alone = len(Held.by) == 1 and not Held.lent
        if alone:
            Held.lent = get_ident()
            _set_threads(Held.numbers)
    try:
        yield
    finally:
        if alone:
            with Held.lock:
                Held.lent = 0
                _set_threads(repeat(1))
