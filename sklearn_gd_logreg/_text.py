"""Text that any terminal can print, and values as messages show them."""

import sys

import numpy as np


def printable(text: str) -> str:
    """The text, with what standard output cannot encode as escapes: labels of the user, say.

    The package's own text is ASCII.
    """
    encoding = getattr(sys.stdout, "encoding", None)
    if not encoding:
        return text
    return text.encode(encoding, "backslashreplace").decode(encoding)


def shown(value: object) -> str:
    """A value as its user would write it: `repr`, but numbers of NumPy as plain ones."""
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
