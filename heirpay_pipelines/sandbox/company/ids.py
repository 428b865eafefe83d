"""Ids and chance: both follow from the seed alone, whatever has happened before."""

from __future__ import annotations

import hashlib
import random
from collections import Counter

ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


class Ids:
    """Stripe-length ids: a prefix and 24 characters that look random and never repeat."""

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self.used: Counter[str] = Counter()

    def new(self, prefix: str, length: int = 24) -> str:
        self.used[prefix] += 1
        text = f"{self.seed}:{prefix}:{self.used[prefix]}"
        number = int.from_bytes(hashlib.sha256(text.encode()).digest())
        digits = []
        for _ in range(length):
            number, digit = divmod(number, len(ALPHABET))
            digits.append(ALPHABET[digit])
        return f"{prefix}_" + "".join(digits)


def chance(seed: int, *what: object) -> random.Random:
    """A generator for one purpose: the same purpose gives the same draws in every build."""
    return random.Random(":".join(map(str, (seed, *what))))  # noqa: S311 - a simulation
