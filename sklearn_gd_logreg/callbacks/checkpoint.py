"""A file from which a fit goes on after its process has been killed."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from time import time
from typing import Any
from uuid import uuid4

from .._namespace import to_numpy
from ..estimator import GDLogisticRegression
from ..fitting.resume import LEFT_OUT
from ..registry import CLASSES
from ..state import Frozen, freeze, thaw
from ..validation import Interval, check_intervals, invalid
from .checkpoint_file import UnreadableError, packed, unpacked

SEPARATORS = tuple(filter(None, (os.sep, os.altsep)))

ABANDONED = 3600.0
"""Seconds without a change after which an unfinished file is that of a process that was killed."""


class Checkpoint:
    """Callback that writes the state of a fit to a file, from which the fit can go on.

    The file is written anew beside the old one and then takes its place, so a kill at any
    moment leaves the last good file. It holds the estimator with the model so far, the history
    and all that the rest of the descent depends on, but not the data. A fit that goes on from it
    ends as if it had never been stopped, bit for bit.

    Parameters
    ----------
    path : str or path-like
        The file; its folder must exist. Clones of an estimator, as `GridSearchCV` fits them,
        share their callbacks, and replace each other's file: it is whole, but that of whichever
        fit wrote last.
    every : int, default=1
        Write at the end of every so many tasks, which are iterations up to ``max_iter=1000``,
        and at the end of the fit.

    Notes
    -----
    The file holds arrays and JSON. `load` runs no code from it. Of a custom rule, learning rate or
    class of labels the file has the name and the attributes only, and of a function the name; what
    they stand for is passed to `load`.

    Examples
    --------
    >>> from pathlib import Path
    >>> from tempfile import mkdtemp
    >>> from sklearn_gd_logreg import Checkpoint
    >>> callback = Checkpoint(Path(mkdtemp()) / "fit.checkpoint", every=10)

    ``clf.set_callbacks(callback).fit(X, y)`` writes the file (scikit-learn 1.9), and
    ``Checkpoint.load(path).fit(X, y)`` goes on from it.
    """

    _intervals = {"every": Interval(1, float("inf"), "[)", integral=True)}  # noqa: RUF012

    def __init__(self, path: str | os.PathLike[str], every: int = 1) -> None:
        self.path = path
        self.every = every
        check_intervals(self, self._intervals)
        self._check_path()

    def _check_path(self) -> None:
        if not isinstance(self.path, str | os.PathLike):
            raise invalid(self, "path", self.path, "a str or path-like")
        if Path(self.path).is_dir() or os.fspath(self.path).endswith(SEPARATORS):
            raise IsADirectoryError(
                f"The 'path' parameter of Checkpoint must be that of a file. Got {self.path!r}, a "
                "folder."
            )

    def setup(self, estimator: Any, context: Any) -> None:
        """Check that the file can be written, and remove old unfinished ones, before any work."""
        self._check_path()
        folder = Path(self.path).absolute().parent
        if not folder.is_dir():
            raise FileNotFoundError(
                f"The folder of the 'path' parameter of Checkpoint must exist. Got {self.path!r}."
            )
        remove_abandoned(Path(self.path))

    def on_fit_task_begin(self, estimator: Any, context: Any) -> None:
        """Nothing to do."""

    def on_fit_task_end(
        self, estimator: Any, context: Any, *, fitted_estimator: Any = None
    ) -> None:
        """Write the file, if it is time."""
        due = context.task_name != "iteration" or (context.task_id + 1) % self.every == 0
        if due and fitted_estimator is not None:
            write_atomically(Path(self.path), packed(content_of(fitted_estimator)))

    def teardown(self, estimator: Any, context: Any) -> None:
        """Nothing to do."""

    @classmethod
    def load(
        cls, path: str | os.PathLike[str], trusted: Mapping[str, Any] | None = None
    ) -> GDLogisticRegression:
        """The estimator of a file, as it stood.

        Its `fit` on the same data goes on to the ``max_iter`` of the fit that was stopped. It
        has ``warm_start=True`` and no callbacks.

        Parameters
        ----------
        path : str or path-like
            The file.
        trusted : mapping, optional
            Custom classes and functions by their names in the file, ``{"module.Name": Name}``:
            rules, their memories, learning rates. The error without it has the names.

        Returns
        -------
        estimator : GDLogisticRegression
            The model so far.

        Raises
        ------
        FileNotFoundError
            If there is no such file.
        ValueError
            If it is no checkpoint, one of another version or damaged, or if it needs a class or a
            function that is not trusted.

        Examples
        --------
        The file of a fit whose solver is ``SignDescent`` and whose learning rate is ``tenth``, both
        from ``mine.py``, is loaded by ::

            trusted = {"mine.SignDescent": SignDescent, "mine.tenth": tenth}
            clf = Checkpoint.load(path, trusted)
        """
        content = Path(path).read_bytes()
        try:
            return estimator_of(unpacked(content, {**(trusted or {}), **CLASSES}))
        except UnreadableError as error:
            raise ValueError(f"{os.fspath(path)!r} cannot be loaded: {error}.") from error


def content_of(fitted: GDLogisticRegression) -> Frozen:
    """An estimator without its callbacks, and where its fit stands."""
    known = vars(fitted)
    content = {
        "estimator": type(fitted),
        "parameters": fitted.get_params(deep=False),
        "attributes": {name: to_numpy(known[name]) for name in known if is_fitted_attribute(name)},
    }
    try:
        resume_state = replace(known["_resume_state"].frozen(), history=None)
        return freeze(content | {"resume_state": resume_state}, code=True)
    except TypeError as error:
        raise TypeError(
            f"Checkpoint cannot store the state of this fit: {error}. Build the memory of a custom "
            "rule, its parameters and random_state from numbers, strings, arrays, tuples, lists, "
            "dicts, dataclasses and RandomState."
        ) from error


def is_fitted_attribute(name: str) -> bool:
    """Whether an attribute of this name comes from `fit`, and is public."""
    return name.endswith("_") and not name.startswith("_")


def estimator_of(frozen: Frozen) -> GDLogisticRegression:
    """The estimator of a checkpoint.

    Raises
    ------
    UnreadableError
    """
    try:
        content = thaw(frozen)
        kind, attributes, resume_state = (
            content[key] for key in ("estimator", "attributes", "resume_state")
        )
        if not (
            issubclass(kind, GDLogisticRegression) and all(map(is_fitted_attribute, attributes))
        ):
            raise TypeError("no GDLogisticRegression")
        estimator = kind(**content["parameters"]).set_params(warm_start=True)
        thaw(resume_state.loop_state, dict.fromkeys(LEFT_OUT))  # as the next fit will
    except Exception as error:  # a tree that was written by others can raise any
        raise UnreadableError(
            "it is damaged, or 'trusted' has something else under a name of the file "
            f"({type(error).__name__}: {error})"
        ) from error
    vars(estimator).update(attributes, _resume_state=resume_state)
    return estimator


def write_atomically(path: Path, content: bytes) -> None:
    """Write a file so that at every moment it is the old one or the new one, and whole.

    Each writer has a file of its own until it is whole, so that those of one path, in threads or
    processes, cannot mix.
    """
    part = path.with_name(f".{path.name}.{uuid4().hex}.part")
    try:
        with part.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(part, path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise
    _sync_folder(path.absolute().parent)


def remove_abandoned(path: Path) -> None:
    """Remove what processes that were killed have left beside a file, but nothing under way."""
    unfinished = re.compile(rf"\.{re.escape(path.name)}\.[0-9a-f]{{32}}\.part")
    for part in path.absolute().parent.iterdir():
        with suppress(FileNotFoundError):  # another fit was faster
            if unfinished.fullmatch(part.name) and time() - part.stat().st_mtime > ABANDONED:
                part.unlink()


def _sync_folder(folder: Path) -> None:
    """Have the new name on the disk too, where folders can be synchronised."""
    if os.name != "posix":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
