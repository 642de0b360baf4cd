"""Cached attributes without a lock."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, Self, TypeVar, overload

T = TypeVar("T")


class cached_attribute(Generic[T]):  # noqa: N801  (a decorator)
    """A property that is computed at the first access and cached on the instance.

    `functools.cached_property` before Python 3.12 holds one lock for each class during the
    call: threads wait for each other, and a forked process may wait forever. Here two threads
    may both compute the value; both get the value that was cached first.

    The value is stored in the ``__dict__`` of the instance, so it works for frozen dataclasses.
    """

    def __init__(self, method: Callable[[Any], T]) -> None:
        self._method = method
        self.__doc__ = method.__doc__

    def __set_name__(self, owner: type[Any], name: str) -> None:
        self._name = name

    @overload
    def __get__(self, instance: None, owner: type[Any]) -> Self: ...

    @overload
    def __get__(self, instance: object, owner: type[Any] | None = None) -> T: ...

    def __get__(self, instance: object | None, owner: type[Any] | None = None) -> Self | T:
        if instance is None:
            return self
        result: T = vars(instance).setdefault(self._name, self._method(instance))
        return result
