"""Attributes that are worked out once, without a lock."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, Self, TypeVar, overload

T = TypeVar("T")


class cached_attribute(Generic[T]):  # noqa: N801  (a decorator)
    """A method without arguments, called at the first look; its result is kept on the instance.

    `functools.cached_property` before Python 3.12 has one lock a class, held during the call:
    threads wait for each other, and a process that is forked meanwhile waits for ever. Here two
    threads that look at the same time may both call; all get what was kept first.

    The result is an entry of the instance's ``__dict__``, which Python looks into first, and
    which a frozen dataclass has too.
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
