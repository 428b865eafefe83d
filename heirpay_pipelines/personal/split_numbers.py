"""Card numbers in pieces: over neighbouring values of an object, or over the entries of a list."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

MOST_PIECES = 8
PIECE = re.compile(r"\s*[0-9](?:[\s.\-/_+]{0,3}[0-9]){0,14}\s*")
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
    for run in _runs(value):
        for first in range(len(run)):
            for last in range(first + 1, min(len(run), first + MOST_PIECES)):
                pieces = run[first : last + 1]
                digits = "".join(NOT_DIGITS.sub("", text) for _, text in pieces)
                if len(digits) > 19:
                    break
                if len(digits) >= 13 and _belong_together(pieces):
                    yield pieces[0][0], digits


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
