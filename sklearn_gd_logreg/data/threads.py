"""Sums over blocks of rows on several threads.

Most products of a descent are too short for the threads of BLAS, which synchronise after each of
them. So a fit limits BLAS to one thread (`blas.py`) and works on blocks of rows with its own
threads, which synchronise once a pass. The order of the additions is a tree that depends on the
number of blocks alone, so a sum has the same bits for any number of threads.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from contextvars import copy_context
from typing import Any

import numpy as np

from .blas import limit_blas_of_this_thread

Parts = tuple[Any, ...]
"""Partial sums of a block: a tuple of numbers and arrays, added entry by entry over the blocks."""


def tree_sum(
    function: Callable[[range], Iterable[Parts]], groups: Iterable[range], n_threads: int = 1
) -> Parts:
    """Sum the parts of all blocks, entry by entry, on ``n_threads`` threads.

    Parameters
    ----------
    function : callable
        Maps a group to the parts of each of its blocks, in order. The threads call it with
        different groups, so it must not modify shared data.
    groups : iterable of range
        A partition of the block numbers 0 … n − 1, n ≥ 1.
    n_threads : int, default=1
        Number of threads, the caller's included; at most the number of `reserve_threads`.

    Returns
    -------
    tuple
        The sum; its bits do not depend on the groups or on the number of threads.

    Raises
    ------
    BaseException
        The exception of ``function``, after all threads have ended.
    """
    queue = deque(groups)
    tree = TreeSum(max(group.stop for group in queue))
    error_state: Any = {**np.geterr(), "call": np.geterrcall()}

    def add_groups() -> None:
        try:
            while (group := _pop_or_none(queue)) is not None:
                for number, parts in zip(group, function(group), strict=True):
                    tree.add(number, parts)
        except BaseException:
            queue.clear()  # the other threads end after their current group
            raise

    def add_groups_in_helper() -> None:
        limit_blas_of_this_thread()
        with np.errstate(**error_state):  # before NumPy 2 a context does not include it
            add_groups()

    if n_threads == 1:
        add_groups()
        return tree.total
    pool, helpers = ThreadPoolExecutor(n_threads - 1), list[Future[None]]()
    try:
        with suppress(RuntimeError):  # the system cannot start another thread
            for _ in range(n_threads - 1):
                helpers.append(pool.submit(copy_context().run, add_groups_in_helper))
        add_groups()
    finally:
        queue.clear()
        _shut_down(pool)
    for helper in helpers:
        helper.result()
    return tree.total


def _pop_or_none(queue: deque[range]) -> range | None:
    """Remove and return the first entry; None if the queue is empty."""
    with suppress(IndexError):
        return queue.popleft()
    return None


def _shut_down(pool: ThreadPoolExecutor) -> None:
    """Wait until the threads have ended, even if interrupted; then raise the interrupt."""
    try:
        pool.shutdown()
    except BaseException:
        _shut_down(pool)
        raise


class TreeSum:
    """Pairwise summation of the parts of n blocks, which arrive in any order from any thread.

    Node k of a level is the sum of the nodes 2k and 2k + 1 of the level below. A last node without
    a sibling moves up unchanged. The first of two siblings is stored until the second arrives, so
    about log₂ n sums are stored, and one or two for each thread.

    Attributes
    ----------
    total : tuple
        The sum, after all blocks have been added.
    """

    total: Parts

    def __init__(self, n_blocks: int) -> None:
        self._n_blocks = n_blocks
        self._stored: dict[tuple[int, int], tuple[int, Parts]] = {}

    def add(self, number: int, parts: Parts) -> None:
        """Add the parts of block ``number``."""
        n_nodes = self._n_blocks
        while n_nodes > 1:
            if number ^ 1 < n_nodes:
                parent, node = (n_nodes, number >> 1), (number, parts)
                sibling = self._stored.setdefault(parent, node)  # atomic: one of the two waits
                if sibling is node:
                    return
                del self._stored[parent]
                left, right = (sibling[1], parts) if number % 2 else (parts, sibling[1])
                parts = add_parts(left, right, in_place=n_nodes < self._n_blocks)
            number, n_nodes = number >> 1, (n_nodes + 1) >> 1
        self.total = parts


def sequential_sum(parts: Iterator[Parts]) -> Parts:
    """Sum the parts from first to last; two of them are in memory at a time."""
    total = next(parts)
    for number, term in enumerate(parts):
        total = add_parts(total, term, in_place=number > 0)
    return total


def add_parts(first: Parts, second: Parts, in_place: bool) -> Parts:
    """Add two tuples entry by entry; ``in_place`` overwrites the arrays of the first."""
    return tuple(
        np.add(a, b, out=a) if in_place and isinstance(a, np.ndarray) else a + b
        for a, b in zip(first, second, strict=True)
    )
