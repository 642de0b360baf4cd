"""Text that any terminal can print."""

import sys


def printable(text: str) -> str:
    """The text, with what standard output cannot encode as escapes: labels of the user, say.

    The package's own text is ASCII.
    """
    encoding = getattr(sys.stdout, "encoding", None)
    if not encoding:
        return text
    return text.encode(encoding, "backslashreplace").decode(encoding)
