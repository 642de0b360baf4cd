"""Text for terminals, and values in messages."""

import sys

import numpy as np


def printable(text: str) -> str:
    """Escape the characters that standard output cannot encode, for example in labels.

    The package's own text is ASCII.
    """
    encoding = getattr(sys.stdout, "encoding", None)
    if not encoding:
        return text
    return text.encode(encoding, "backslashreplace").decode(encoding)


def shown(value: object) -> str:
    """Return the `repr` of a value, with NumPy scalars as Python numbers."""
    if isinstance(value, np.inexact | np.datetime64 | np.timedelta64):
        return str(value)
    if isinstance(value, np.generic):
        return repr(value.item())
    if type(value) is dict:
        return "{" + ", ".join(f"{shown(k)}: {shown(v)}" for k, v in value.items()) + "}"
    if type(value) is list:
        return "[" + ", ".join(map(shown, value)) + "]"
    if type(value) is tuple and len(value) > 1:
        return "(" + ", ".join(map(shown, value)) + ")"
    return repr(value)
