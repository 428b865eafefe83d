"""Card numbers in pieces: over neighbouring values of an object, over the entries of a list, or
half in a name and half in its value."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

MOST_PIECES = 8
PIECE = re.compile(r"\s*[0-9](?:[\s.\-/_+]{0,3}[0-9]){0,14}\s*")
NAME_PIECE = re.compile(
    r"(?P<words>.*?)(?P<digits>[0-9]{4,}(?:[\s.\-/_+]{1,3}[0-9]{4,}){0,2})\s*", re.DOTALL
)
VALUE_PIECE = re.compile(r"\s*[0-9](?:[\s.\-/_+]{0,3}[0-9]){5,12}\s*")
EPOCH = re.compile(r"1[4-9][0-9]{8}(?:[0-9]{3})?")
NOT_DIGITS = re.compile(r"[^0-9]+")
WORDS = re.compile(r"[A-Z]?[a-z]+|[0-9]+|[A-Z]+")
ABOUT_CARDS = re.compile(r"card|\bpan\b|visa|master|amex|kredit|carte", re.IGNORECASE)
# Names that count: what is left of `card_1` and `card_2`, `first half` and `second half` is equal.
COUNTING = re.compile(
    r"\d+|[a-z]|one|two|three|four|first|second|third|fourth|last|start|begin|beginning|middle|end"
    r"|head|tail|left|right|front|back|top|bottom|rest|continued",
    re.IGNORECASE,
)
# Pieces as people write a number; other lengths join only what is named alike.
WRITTEN = {(4, 4, 4, 4), (4, 4, 4, 4, 3), (4, 6, 5), (4, 6, 4)}
SHORTENED = frozenset({"last4", "dynamic_last4", "postal_code", "zip", "iin", "phone"})


def joined_pieces(value: dict[str, Any] | list[Any]) -> Iterator[tuple[str, str]]:
    """(where, digits) of runs of neighbouring texts that are digits and nothing else, joined: each
    run of two or more pieces with 13 to 19 digits in all that may be one number."""
    if isinstance(value, dict):
        yield from _names_and_values(value)
    for run in _runs(value):
        for first in range(len(run)):
            for last in range(first + 1, min(len(run), first + MOST_PIECES)):
                pieces = run[first : last + 1]
                digits = "".join(NOT_DIGITS.sub("", text) for _, text in pieces)
                if len(digits) > 19:
                    break
                if len(digits) >= 13 and _belong_together(pieces):
                    yield pieces[0][0], digits


def _names_and_values(value: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Names that end in six digits and more with a value of so many: nothing else stands in the
    name, or it speaks of cards. An instant beside a number is no half of a card."""
    for name, item in value.items():
        if not name or not name.rstrip()[-1:].isdigit() or isinstance(item, bool):
            continue
        text = str(item) if isinstance(item, str | int) else ""
        half = NAME_PIECE.fullmatch(name)
        if (
            not half
            or len(half["digits"]) < 6
            or not VALUE_PIECE.fullmatch(text)
            or EPOCH.fullmatch(text.strip())
        ):
            continue
        if not half["words"].strip() or ABOUT_CARDS.search(half["words"]):
            yield "key", NOT_DIGITS.sub("", half["digits"] + text)


def _runs(value: dict[str, Any] | list[Any]) -> Iterator[list[tuple[str, str]]]:
    """Longest runs of neighbours that are pieces, each with its name."""
    named = list(value.items()) if isinstance(value, dict) else [("", item) for item in value]
    if isinstance(value, list):  # custom fields and the like: [{"key": …, "value": …}, …]
        named = [(name, _value_of(item)) for name, item in named]
    run: list[tuple[str, str]] = []
    for name, item in named:
        if isinstance(item, str) and name not in SHORTENED and PIECE.fullmatch(item):
            run.append((name, item))
        else:
            if len(run) > 1:
                yield run
            run = []
    if len(run) > 1:
        yield run


def _value_of(item: Any) -> Any:
    while isinstance(item, dict):
        item = item.get("value", item.get("text", item.get("numeric")))
    return item


def _belong_together(pieces: Sequence[tuple[str, str]]) -> bool:
    sizes = tuple(len(group) for _, text in pieces for group in NOT_DIGITS.split(text) if group)
    if sizes in WRITTEN or len({_stem(name) for name, _ in pieces}) == 1:
        return True
    return any(ABOUT_CARDS.search(name) for name, _ in pieces)


def _stem(name: str) -> tuple[str, ...]:
    return tuple(w.casefold() for w in WORDS.findall(name) if not COUNTING.fullmatch(w))
