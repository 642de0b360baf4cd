"""The format of a checkpoint: JSON and arrays, in a zip file that ends with its checksum.

``state.json`` holds the tree of a `Frozen` value and the names in it, and ``0.npy``, ``1.npy``, …
hold its arrays, so `zipfile` and `numpy.load` can look into a checkpoint. Nothing is compressed.
The comment of the zip file, its last bytes, has the format and the SHA-256 of all bytes before.

A file is read only if the sum is right. Whoever alters a file on purpose can alter the sum, so
what follows trusts nothing either: what is read is never larger than the file.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from hashlib import sha256
from io import BytesIO
from math import prod
from typing import Any, Literal
from zipfile import ZIP_STORED, ZipFile, ZipInfo

import numpy as np
from numpy.lib.format import magic, read_array_header_1_0, write_array
from numpy.typing import NDArray

from ..state import KINDS, Frozen

KIND = "sklearn_gd_logreg checkpoint"
FORMAT = f"{KIND} 6"
"""Changes whenever the state of a descent does."""

END = re.compile(rf"({KIND} \S+) sha256 ([0-9a-f]{{64}})\Z".encode())
N_DIGITS = 64
"""Of a SHA-256."""

OLD = re.compile(rf"{KIND} \d+".encode())
"""What a pickle, the format up to number 4, has near its beginning."""

LONGEST_END = 200
"""Bytes among which END is looked for, and OLD."""

TREE = "state.json"


class UnreadableError(ValueError):
    """Why a file cannot be loaded."""


def packed(frozen: Frozen) -> bytes:
    """The content of a file."""
    content = BytesIO()
    with ZipFile(content, "w", ZIP_STORED) as archive:
        tree = {"names": sorted(frozen.names), "tree": frozen.tree}
        archive.writestr(ZipInfo(TREE), json.dumps(tree, separators=(",", ":")))
        for number, array in enumerate(frozen.arrays):
            with archive.open(ZipInfo(f"{number}.npy"), "w", force_zip64=True) as member:
                write_array(member, array, version=(1, 0), allow_pickle=False)
        archive.comment = f"{FORMAT} sha256 {'0' * N_DIGITS}".encode()
    with content.getbuffer() as view:
        view[-N_DIGITS:] = sha256(view[:-N_DIGITS]).hexdigest().encode()
    return content.getvalue()


def unpacked(content: bytes, trusted: Mapping[str, Any]) -> Frozen:
    """What was packed, if its names are among those trusted.

    Raises
    ------
    UnreadableError
    """
    check_end(content)
    try:
        with ZipFile(BytesIO(content)) as archive:
            members = archive.infolist()
            n_bytes = sum(member.file_size for member in members)
            if n_bytes > len(content) or any(member.compress_type for member in members):
                raise UnreadableError("it is damaged: its parts are larger than the file")
            names = [TREE, *(f"{number}.npy" for number in range(len(members) - 1))]
            if [member.filename for member in members] != names:
                raise UnreadableError("it is damaged: its parts have other names")
            text, *arrays = (archive.read(member) for member in members)
        tree = json.loads(text)
        known = {name: trusted[name] for name in tree["names"] if name in trusted}
        missing = [str(name) for name in tree["names"] if name not in trusted]
        frozen = Frozen(tree["tree"], [array_of(member) for member in arrays], known)
    except UnreadableError:
        raise
    except Exception as error:  # the parsers raise many kinds
        raise UnreadableError(f"it is damaged ({type(error).__name__}: {error})") from error
    if missing:
        last = {name: name.rpartition(".")[2] for name in missing}
        mapping = ", ".join(
            f"{name!r}: {part if part.isidentifier() else '...'}" for name, part in last.items()
        )
        raise UnreadableError(
            "it has names that are not of sklearn_gd_logreg. If you trust the file with them, "
            f"import them and call Checkpoint.load(path, trusted={{{mapping}}})"
        )
    return frozen


def check_end(content: bytes) -> None:
    """Raise unless the content has the format, and the sum, that its last bytes say."""
    end = END.search(content[-LONGEST_END:])
    old = OLD.search(content[:LONGEST_END]) if content[:1] == b"\x80" else None
    if not (end or old):
        raise UnreadableError("it is no checkpoint, or its end is missing")
    found = (end.group(1) if end else old.group()).decode()  # type: ignore[union-attr]
    if found != FORMAT:
        raise UnreadableError(
            f"it is a checkpoint of another version of sklearn_gd_logreg: {found!r}, where this "
            f"version reads {FORMAT!r}. Go on with that version, or fit anew"
        )
    digits = sha256(memoryview(content)[:-N_DIGITS]).hexdigest().encode()
    if not end or digits != end.group(2):
        raise UnreadableError("it is damaged: its checksum differs")


def array_of(member: bytes) -> NDArray[Any]:
    """The array of a ``.npy`` member, as large as its bytes."""
    stream = BytesIO(member)
    if stream.read(len(magic(1, 0))) != magic(1, 0):
        raise ValueError("no array")
    shape, fortran_order, dtype = read_array_header_1_0(stream)
    start, n_bytes = stream.tell(), prod(shape) * dtype.itemsize
    if dtype.kind not in KINDS or not dtype.itemsize or n_bytes != len(member) - start:
        raise ValueError("an array has another size or type than its bytes")
    order: Literal["C", "F"] = "F" if fortran_order else "C"
    return np.ndarray(shape, dtype, member, start, order=order).copy(order="K")
