"""Names of bank files as they may be written down: no card number, no control character."""

from __future__ import annotations

import re
import unicodedata
from pathlib import Path

from stdnum import luhn

from heirpay_pipelines.personal.card_numbers import find_in_text, masked

REMOVED = "[card number removed]"
# Thirteen to nineteen digits that begin as cards do: a period such as 20260101-20260131 does not.
CANDIDATE = re.compile(r"(?<![0-9])(?:[3-6]|2[ .+_\-]{0,3}[2-7])(?:[ .+_\-]{0,3}[0-9]){11,18}")


def shown_name(name: str) -> str:
    """A file's name for records, lists and logs: card numbers are left out, control characters and
    bytes that are no text are written as escapes."""
    text = name.encode("utf-8", "backslashreplace").decode("utf-8")
    plain = "".join(char if char.isprintable() else _escaped(char) for char in text)
    folded = unicodedata.normalize("NFKC", plain)
    removed = _without_cards(folded)
    return masked(plain if removed == folded else removed)


def holds_a_card_number(name: str) -> bool:
    """Whether digits of a name may be a card's number."""
    folded = unicodedata.normalize("NFKC", name)
    return _without_cards(folded) != folded or bool(find_in_text(name))


def relative_name(path: Path, folder: Path) -> str:
    """The file's path below the statements' folder, as it may be shown."""
    return shown_name(path.relative_to(folder).as_posix())


def _without_cards(text: str) -> str:
    return CANDIDATE.sub(_hidden, text)


def _hidden(match: re.Match[str]) -> str:
    digits = "".join(char for char in match[0] if char.isdecimal())
    for length in range(min(len(digits), 19), 12, -1):
        if luhn.is_valid(digits[:length]):
            return REMOVED
    return match[0]


def _escaped(char: str) -> str:
    return char.encode("unicode_escape").decode("ascii")
