"""The known name that a mistyped one is nearest to."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

CLOSE, LOOSE = 0.6, 0.45
SHORT = 4
"""Names of a few letters, such as `ui`, share few of them with what was meant."""


def nearest(given: str, known: Iterable[str]) -> str | None:
    """The nearest of the known names, or None when none is near."""
    names = {name.casefold(): name for name in known}
    typed = given.casefold()
    begun = [name for name in names if len(typed) > 1 and name.startswith(typed)]
    found = get_close_matches(typed, names, cutoff=LOOSE if len(typed) <= SHORT else CLOSE)
    # Two letters in the wrong order are likelier than another letter.
    found.sort(key=lambda name: sorted(name) != sorted(typed))
    return next((names[name] for name in (*begun, *found)), None)


def did_you_mean(given: str, known: Iterable[str]) -> str:
    """A sentence that begins with a blank, or nothing."""
    name = nearest(given, known)
    return f" Did you mean {name}?" if name is not None else ""
