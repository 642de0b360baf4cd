"""Reservation of the threads of BLAS: BLAS runs with one thread while a fit uses its own.

The number of BLAS threads is a setting of the process, and the bits of a product depend on it. So
concurrent fits share one reservation, which ends with the last of them.

Set ``OMP_NUM_THREADS`` or use `threadpoolctl.threadpool_limits`, as for NumPy. The limits that
joblib sets in its worker processes apply too.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import cache
from itertools import repeat
from threading import RLock, get_ident
from typing import Any, NamedTuple

from threadpoolctl import ThreadpoolController

MIN_WORK_FOR_BLAS_THREADS = 5e9
"""Multiplications from which BLAS threads are faster. After a product those of OpenBLAS stay awake
for a while and take processor time from ours."""


@contextmanager
def reserve_threads() -> Iterator[int]:
    """Limit BLAS to one thread; yield the number of threads for blocks of rows.

    That number is 1 if BLAS has one thread or cannot be limited, and while another thread has
    several. A nested call in the same thread yields the number of the outer one.
    """
    ident = get_ident()
    if ident in _reservation.holders:
        lent = _reservation.lent_to == ident
        yield 1 if lent else _reservation.holders[ident].n_threads
        return
    try:
        yield _reservation.reserve(ident)
    finally:
        _reservation.release(ident)


def blas_threads(work: float) -> AbstractContextManager[None]:
    """Restore the threads of BLAS for matrix products of ``work`` multiplications, if they pay.

    They stay limited while other threads share the reservation, whose products must keep their
    bits.
    """
    reserved = get_ident() in _reservation.holders
    return _reservation.lend() if reserved and work >= MIN_WORK_FOR_BLAS_THREADS else UNCHANGED


UNCHANGED = nullcontext()


class Holder(NamedTuple):
    """A thread that shares the reservation.

    Attributes
    ----------
    n_threads : int
        Its number of threads for blocks of rows. Only one holder has more than 1.
    previous : list of int
        Number of threads of each BLAS when it joined.
    """

    n_threads: int
    previous: list[int]


class BlasReservation:
    """The reservation that all fits of the process share.

    Attributes
    ----------
    lock : RLock
        Held during changes, and during a fork: a forked process finds neither the reservation nor
        the locks of threadpoolctl in the middle of a change.
    holders : dict
        `Holder` by the identifier of its thread.
    previous : list of int
        Number of threads of each BLAS when the first holder joined.
    lent_to : int
        Identifier of the thread that uses the threads of BLAS for a product, or 0.
    """

    def __init__(self) -> None:
        self.lock = RLock()
        self.holders: dict[int, Holder] = {}
        self.previous: list[int] = []
        self.lent_to = 0

    def reserve(self, ident: int) -> int:
        """Limit BLAS to one thread; return the number of threads for blocks of rows."""
        with self.lock:
            current = _numbers_of_threads()
            if not self.holders:
                self.previous = current
            if (available := max(self.previous, default=1)) > 1:
                is_alone = all(holder.n_threads == 1 for holder in self.holders.values())
                self.holders[ident] = Holder(available if is_alone else 1, current)
                _set_numbers_of_threads(repeat(1))
                if max(_numbers_of_threads()) > 1:  # BLAS cannot be limited
                    self.release(ident)
            return self.holders[ident].n_threads if ident in self.holders else 1

    def release(self, ident: int) -> None:
        """Restore the setting of this thread, and after the last holder that of the process."""
        with self.lock:
            holder = self.holders.pop(ident, None)
            if holder is None:
                return
            for library, own, common in zip(_blas(), holder.previous, self.previous, strict=False):
                if _has_number_per_thread(library):
                    if ident == get_ident():
                        library.set_num_threads(own)
                elif not self.holders:
                    _give_up_control(library, force=True)
                    library.set_num_threads(common)
                _give_up_control(library)

    @contextmanager
    def lend(self) -> Iterator[None]:
        """Restore the threads of BLAS for a while, unless other threads share the reservation."""
        with self.lock:
            lends = len(self.holders) == 1 and not self.lent_to
            if lends:
                self.lent_to = get_ident()
                _set_numbers_of_threads(self.previous)
        try:
            yield
        finally:
            if lends:
                with self.lock:
                    self.lent_to = 0
                    _set_numbers_of_threads(repeat(1))

    def after_fork_in_child(self) -> None:
        """Release the holders whose threads do not exist in a forked process."""
        self.lock, self.lent_to = RLock(), 0
        for ident in self.holders.keys() - {get_ident()}:
            self.release(ident)


_reservation = BlasReservation()

if hasattr(os, "register_at_fork"):
    os.register_at_fork(
        before=lambda: _reservation.lock.acquire(),
        after_in_parent=lambda: _reservation.lock.release(),
        after_in_child=_reservation.after_fork_in_child,
    )


# -- the libraries -------------------------------------------------------------------------


@cache
def _blas() -> list[Any]:
    """The BLAS libraries of NumPy and SciPy; finding them takes milliseconds."""
    libraries: list[Any] = ThreadpoolController().select(user_api="blas").lib_controllers
    return libraries


def _numbers_of_threads() -> list[int]:
    """Number of threads of each BLAS."""
    return [library.num_threads or 1 for library in _blas()]


def _set_numbers_of_threads(numbers: Iterable[int]) -> None:
    """Set the number of threads of each BLAS.

    From threadpoolctl 3.8 on only the controlling thread may do so: this thread becomes it.
    """
    for library, number in zip(_blas(), numbers, strict=False):
        _give_up_control(library, force=True)
        library.set_num_threads(number)


def _give_up_control(library: Any, force: bool = False) -> None:
    """End the control by this thread, or with ``force`` by any thread, over the number."""
    if hasattr(library, "clear_controlling_thread"):
        library.clear_controlling_thread(force=force)


def _has_number_per_thread(library: Any) -> bool:
    """Whether each thread has its own number: with OpenMP, from threadpoolctl 3.8 on."""
    layer = getattr(library, "threading_layer", None)
    return layer == "openmp" and hasattr(library, "clear_controlling_thread")


def limit_blas_of_this_thread() -> None:
    """Limit BLAS to one thread in this thread, if each thread has its own number."""
    for library in filter(_has_number_per_thread, _blas()):
        library.set_num_threads(1)
