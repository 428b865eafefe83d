"""What chance decides about payments: whether they succeed, and what comes after."""

from __future__ import annotations

from collections import defaultdict, deque
from random import Random
from typing import Any, Protocol

Object = dict[str, Any]
FIRST_DECLINE, RETRY_DECLINE, ONE_OFF_DECLINE = 0.05, 0.5, 0.08
# decline code: (share, network decline code, advice, outcome type)
DECLINES: dict[str, tuple[int, str | None, str, str]] = {
    "insufficient_funds": (38, "51", "try_again_later", "issuer_declined"),
    "generic_decline": (20, "05", "try_again_later", "issuer_declined"),
    "expired_card": (10, "54", "confirm_card_data", "issuer_declined"),
    "do_not_honor": (9, "05", "try_again_later", "issuer_declined"),
    "incorrect_cvc": (4, "N7", "confirm_card_data", "issuer_declined"),
    "card_velocity_exceeded": (3, "65", "try_again_later", "issuer_declined"),
    "transaction_not_allowed": (3, "57", "do_not_try_again", "issuer_declined"),
    "lost_card": (3, "41", "do_not_try_again", "issuer_declined"),
    "stolen_card": (2, "43", "do_not_try_again", "issuer_declined"),
    "processing_error": (5, "96", "try_again_later", "issuer_declined"),
    "fraudulent": (3, None, "do_not_try_again", "blocked"),
}
HARD = frozenset(code for code, terms in DECLINES.items() if terms[2] != "try_again_later")
"""Declines after which the same card is not tried again."""
# What Mastercard's issuers advise, by Stripe's advice.
MASTERCARD_ADVICE = {
    "try_again_later": ("02", "24", "26"),
    "confirm_card_data": ("01",),
    "do_not_try_again": ("03", "21"),
}


class Luck(Protocol):
    """Decides about one company's payments."""

    def decline(self, rng: Random, customer: str, attempt: int, *, one_off: bool) -> str | None:
        """The decline code of this attempt (0 is the first), or None for success."""

    def misfortune(self, rng: Random) -> float:
        """A draw in [0, 1): what a small value makes happen after a payment succeeded."""


class RandomLuck:
    """The company's everyday luck."""

    def decline(self, rng: Random, customer: str, attempt: int, *, one_off: bool) -> str | None:
        odds = ONE_OFF_DECLINE if one_off else (RETRY_DECLINE if attempt else FIRST_DECLINE)
        return pick_decline(rng) if rng.random() < odds else None

    def misfortune(self, rng: Random) -> float:
        return rng.random()


class ScriptedLuck:
    """Everything succeeds and nothing follows, but for the declines set down in `script`."""

    def __init__(self) -> None:
        self.script: defaultdict[str, deque[str | None]] = defaultdict(deque)
        """By customer id: the outcome of each attempt to come."""

    def decline(self, rng: Random, customer: str, attempt: int, *, one_off: bool) -> str | None:
        queue = self.script[customer]
        return queue.popleft() if queue else None

    def misfortune(self, rng: Random) -> float:
        return 1.0


def pick_decline(rng: Random) -> str:
    return rng.choices(list(DECLINES), [terms[0] for terms in DECLINES.values()])[0]
