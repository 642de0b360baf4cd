"""Values as JSON and arrays, and back, without running code from what is read.

A `Frozen` value is a tree, some arrays and the names of the classes in it. None, bool, int, float
and str stand in the tree as they are, anything else as a mapping by its kind:

========================================== =====================================================
``{"array": 3}``                           array number 3; the same number is the same array
``{"scalar": 3}``                          NumPy scalar, kept as an array of no dimension
``{"items": […], "shape": […]}``           array of objects
``{"tuple": […]}``, ``{"list": […]}``
``{"dict": [[key, value], …]}``
``{"bytes": "…"}``                         in hexadecimal digits
``{"object": name, "fields": {…}}``        dataclass, named tuple, rule, rate or plain object
``{"name": name}``                         a class or a function itself
``{"RandomState": {…}}``                   source of shuffles, by its state
``{"frozen": tree, "arrays": […]}``        a `Frozen` value
``{"absent": name}``                       what is put in its place when the value is thawed
``{"same": 3}``                            list, dict or object number 3 once more
========================================== =====================================================

The names are looked up in a mapping that the reader gives: nothing is imported, and no class but
those of the mapping is ever made. Objects get their attributes without a call of their class, but
for rules and rates, which are made from their parameters, as `sklearn.base.clone` does.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, fields, is_dataclass
from functools import cached_property, lru_cache
from typing import Any

import numpy as np
from numpy.random import RandomState
from numpy.typing import NDArray

from ._cached import cached_attribute
from .validation import Hyperparameters

KINDS = "biufcSUmM"
"""Kinds of data type that an array may have: numbers, text, dates."""

PACKAGE = __name__.partition(".")[0]


@dataclass(frozen=True)
class Frozen:
    """A value as JSON and arrays.

    Attributes
    ----------
    tree : object
        JSON.
    arrays : sequence of arrays
        Copies.
    names : mapping
        The classes, and functions, that the tree names.
    """

    tree: Any
    arrays: Sequence[NDArray[Any]] = field(repr=False)
    names: Mapping[str, Any] = field(repr=False)


def freeze(value: object, absent: Mapping[str, object] | None = None, code: bool = False) -> Frozen:
    """A copy of a value.

    Parameters
    ----------
    value : object
    absent : mapping, optional
        Objects that are left out, by name.
    code : bool, default=False
        Whether functions are kept, by their names.

    Raises
    ------
    TypeError
        If it holds something that cannot be stored.
    """
    frost = _Freezer(absent or {}, code)
    return Frozen(frost.node(value), frost.arrays, frost.names)


def thaw(frozen: Frozen, present: Mapping[str, object] | None = None) -> Any:
    """A new value equal to the one that was frozen, with these objects in place of the absent.

    Raises
    ------
    Exception
        Of any kind, if the tree is not one that `freeze` has made.
    """
    return _Thawer(frozen, present or {}).value(frozen.tree)


def name_of(thing: Any) -> str:
    """How a class or a function is called: those of this package without their module."""
    kind = type(thing)
    name = getattr(thing, "__qualname__", None) or getattr(thing, "__name__", kind.__qualname__)
    module = getattr(thing, "__module__", None) or kind.__module__
    return str(name) if module.partition(".")[0] == PACKAGE else f"{module}.{name}"


class _Freezer:
    def __init__(self, absent: Mapping[str, object], code: bool) -> None:
        self.arrays: list[NDArray[Any]] = []
        self.names: dict[str, Any] = {}
        self._code = code
        self._absent = {id(thing): {"absent": name} for name, thing in absent.items()}
        self._seen: dict[int, tuple[dict[str, Any], object]] = {}
        self._n_numbered = 0

    def node(self, value: Any) -> Any:
        kind = type(value)
        if value is None or kind in (bool, int, float, str):
            return value
        if (key := id(value)) in self._absent:
            return self._absent[key]
        if key in self._seen:
            return self._seen[key][0]
        if isinstance(value, np.ndarray):
            return self._array(value)
        if isinstance(value, np.generic):
            return {"scalar": self._array(np.array(value))["array"]}
        if isinstance(value, tuple) and hasattr(kind, "_fields"):
            return self._object(kind, dict(zip(kind._fields, value, strict=True)))
        if kind is tuple:
            return {"tuple": self._nodes(value)}
        if kind is bytes:
            return {"bytes": value.hex()}
        if kind is RandomState:
            return {"RandomState": self.node(value.get_state(legacy=False))}
        if kind is Frozen:
            self._name(value.names)
            first = len(self.arrays)
            self.arrays.extend(value.arrays)  # copies already
            nodes = [{"array": number} for number in range(first, len(self.arrays))]
            return {"frozen": value.tree, "arrays": nodes}
        if isinstance(value, Hyperparameters):
            return self._object(kind, value.get_params(deep=False))
        if isinstance(value, type):
            return self._named(value)
        return self._numbered(value)

    def _nodes(self, values: Any) -> list[Any]:
        return [self.node(value) for value in values]

    def _array(self, value: NDArray[Any]) -> dict[str, Any]:
        if value.dtype.kind == "O":
            return {"items": self._nodes(value.ravel()), "shape": list(value.shape)}
        if value.dtype.kind not in KINDS:
            raise TypeError(f"an array of the type {value.dtype} cannot be stored")
        node = {"array": len(self.arrays)}
        self.arrays.append(np.array(value))
        self._seen[id(value)] = node, value
        return node

    def _numbered(self, value: Any) -> dict[str, Any]:
        kind = type(value)
        attributes = None if kind in (list, dict) else attributes_of(value)
        if kind not in (list, dict) and attributes is None:
            if self._code and callable(value):
                return self._named(value)
            raise TypeError(f"an object of the type {name_of(kind)} cannot be stored")
        self._seen[id(value)] = {"same": self._n_numbered}, value
        self._n_numbered += 1
        if kind is list:
            return {"list": self._nodes(value)}
        if attributes is None:
            return {"dict": [self._nodes(pair) for pair in value.items()]}
        return self._object(kind, attributes)

    def _object(self, kind: type, attributes: Mapping[str, Any]) -> dict[str, Any]:
        name = self._named(kind)["name"]
        return {"object": name, "fields": {key: self.node(v) for key, v in attributes.items()}}

    def _named(self, thing: Any) -> dict[str, Any]:
        name = name_of(thing)
        self._name({name: thing})
        return {"name": name}

    def _name(self, names: Mapping[str, Any]) -> None:
        for name, thing in names.items():
            if self.names.setdefault(name, thing) is not thing:
                raise TypeError(f"two things that are called {name} cannot be stored together")


class _Thawer:
    def __init__(self, frozen: Frozen, present: Mapping[str, object]) -> None:
        self._frozen, self._present = frozen, present
        self._arrays: dict[int, NDArray[Any]] = {}
        self._numbered: list[Any] = []

    def value(self, node: Any) -> Any:
        match node:
            case None | bool() | int() | float() | str():
                return node
            case {"array": int(number)}:
                return self._array(number)
            case {"object": str(name), "fields": dict(nodes)}:
                return self._object(self._frozen.names[name], nodes)
            case {"tuple": list(nodes)}:
                return tuple(self._values(nodes))
            case {"same": int(number)}:
                return self._numbered[number]
            case {"dict": list(pairs)}:
                made: Any = self._next({})
                made.update(self._values(pair) for pair in pairs)
                return made
            case {"list": list(nodes)}:
                made = self._next([])
                made.extend(self._values(nodes))
                return made
            case {"scalar": int(number)}:
                return self._array(number)[()]
            case {"items": list(nodes), "shape": list(shape)}:
                made = np.empty(len(nodes), object)
                made[:] = self._values(nodes)
                return made.reshape(shape)
            case {"bytes": str(digits)}:
                return bytes.fromhex(digits)
            case {"RandomState": state}:
                return shuffles_from(self.value(state))
            case {"frozen": tree, "arrays": list(nodes)}:
                return Frozen(tree, self._values(nodes), self._frozen.names)
            case {"name": str(name)}:
                return self._frozen.names[name]
            case {"absent": str(name)}:
                return self._present[name]
        raise ValueError(f"no value is stored as {str(node)[:80]}")

    def _values(self, nodes: list[Any]) -> list[Any]:
        return [self.value(node) for node in nodes]

    def _next(self, made: Any) -> Any:
        self._numbered.append(made)
        return made

    def _array(self, number: int) -> NDArray[Any]:
        if number not in self._arrays:
            self._arrays[number] = np.array(self._frozen.arrays[number])
        return self._arrays[number]

    def _object(self, kind: type, nodes: Mapping[str, Any]) -> Any:
        if issubclass(kind, Hyperparameters):
            return kind(**{name: self.value(node) for name, node in nodes.items()})
        check_fields(kind, nodes)
        if issubclass(kind, tuple):
            in_order = [nodes[name] for name in kind._fields]  # type: ignore[attr-defined]
            return tuple.__new__(kind, self._values(in_order))
        made = self._next(object.__new__(kind))
        for name, node in nodes.items():
            object.__setattr__(made, name, self.value(node))
        return made


# -- attributes ------------------------------------------------------------------------------


@lru_cache
def fields_of(kind: type) -> dict[str, bool] | None:
    """The attributes of a class, and whether an instance must have them; None: of any names.

    A dataclass has its fields, and may have what is worked out once.
    """
    if issubclass(kind, tuple):
        return dict.fromkeys(kind._fields, True)  # type: ignore[attr-defined]
    if not is_dataclass(kind):
        return None
    cached = {
        name: False
        for name in dir(kind)
        if isinstance(getattr(kind, name, None), cached_attribute | cached_property)
    }
    return {part.name: True for part in fields(kind)} | cached


@lru_cache
def is_made_of_attributes(kind: type) -> bool:
    """Whether an object of a class is what its attributes are, and no more."""
    try:
        object.__new__(kind)
    except TypeError:  # part of it is not Python
        return False
    own = [getattr(kind, name) is getattr(object, name) for name in ("__reduce__", "__reduce_ex__")]
    return is_dataclass(kind) or all(own)


def attributes_of(value: Any) -> dict[str, Any] | None:
    """The attributes that make up an object; None where there may be more to it."""
    kind: type = type(value)
    if not is_made_of_attributes(kind):
        return None
    attributes = dict(getattr(value, "__dict__", {}))
    expected = fields_of(kind)
    if expected is None:
        return attributes if hasattr(value, "__dict__") else None
    if not attributes.keys() <= expected.keys():
        return None
    slots = {name for name, needed in expected.items() if needed} - attributes.keys()
    return attributes | {name: getattr(value, name) for name in sorted(slots)}


def check_fields(kind: type, names: Collection[str]) -> None:
    """Raise unless an object of a class may have attributes of these names, and no others."""
    expected = fields_of(kind)
    if expected is None:
        fit = not any(name.startswith("__") for name in names)
    else:
        needed = {name for name, must in expected.items() if must}
        fit = needed <= set(names) <= expected.keys()
    if not fit:
        raise ValueError(f"{name_of(kind)} has no such attributes: {', '.join(names)}")


# -- the source of shuffles ------------------------------------------------------------------


def state_of(random_state: RandomState) -> Mapping[str, Any]:
    """The state of a source of shuffles, a copy."""
    state = random_state.get_state(legacy=False)
    assert isinstance(state, Mapping)
    return state


def shuffles_from(state: Mapping[str, Any]) -> RandomState:
    """A source of shuffles in this state."""
    twister = state["state"]
    if not (np.shape(twister.get("key")) == (624,) and 0 <= twister["pos"] <= 624):
        raise ValueError("random_state is no Mersenne twister")  # NumPy does not look at pos
    random_state = RandomState()
    random_state.set_state(dict(state))
    return random_state
