"""Errors that a user can mend: each says what happened, where, and how to mend it.

The command line prints their text and exits with status 2; anything else that escapes is a bug of ours and
keeps its traceback.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class WorkbenchError(Exception):
    """Something the user can mend. Its text is the whole message."""


class DataError(WorkbenchError):
    """The images or labels cannot be used as they are.

    Attributes:
        skipped: Files that were left out before the error struck, so that nothing learnt is lost.
    """

    def __init__(self, message: str, skipped: tuple[tuple[str, str], ...] = ()) -> None:
        super().__init__(message)
        self.skipped = skipped


class PluginError(WorkbenchError):
    """A plugin is unknown, broken, or returned the wrong thing."""


class RunError(WorkbenchError):
    """A run or a workspace cannot be used as asked."""


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Returns the sentence that mends a misspelt name.

    Args:
        name: What the user wrote.
        known: The names that exist.

    Returns:
        ``"did you mean 'hog'?"`` for a near miss, else the list of what there is.
    """
    known = sorted(known)
    near = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
    if near:
        return f"did you mean {near[0]!r}?"
    return f"there are: {', '.join(known)}" if known else "there are none"
