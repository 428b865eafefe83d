"""The books of a bulk account: which balance transaction is what, by arithmetic.

Of every `stride` transactions the first is a charge's; the second a full refund's, where the charge
is one of those refunded; one a day, from the third day on, is that of the automatic payout which
holds everything that the day two days before brought; all others are Stripe's fees.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

DAY = 86_400
PAYOUT_DELAY_DAYS = 2
REFUND_EVERY, REFUND_FIRST = 20, 7
CURRENCY = "usd"


def charge_amount(charge: Any) -> Any:
    """Minor units of a charge, from 5.00 to 504.99; of one or of an array of them."""
    return 500 + charge * 7_919 % 50_000


def charge_fee(amount: Any) -> Any:
    """2.9 % and 30."""
    return amount * 29 // 1_000 + 30


def stripe_fee(transaction: Any) -> Any:
    """Minor units of one of Stripe's fees."""
    return 3 + transaction % 17


@dataclass(frozen=True)
class Ledger:
    """`count` transactions between `start` and `now`, both the first second of a day (UTC)."""

    count: int
    charges_wanted: int
    start: int
    now: int

    def __post_init__(self) -> None:
        if self.start % DAY or self.now % DAY or self.days < 1:
            raise ValueError("a bulk account runs from one midnight UTC to a later one")
        if self.stride < 3 or self.count < self.days * 2 * self.stride:
            raise ValueError(
                "a bulk account has at least three transactions to a charge, and two charges a day"
            )

    @property
    def days(self) -> int:
        return (self.now - self.start) // DAY

    @property
    def stride(self) -> int:
        return self.count // max(self.charges_wanted, 1)

    @property
    def charges(self) -> int:
        return -(-self.count // self.stride)

    @property
    def refunds(self) -> int:
        """Refunds whose transaction is still within the count."""
        last = (self.count - 2) // self.stride
        return max(0, (last - REFUND_FIRST) // REFUND_EVERY + 1)

    def created(self, transaction: int) -> int:
        return self.start + transaction * (self.now - self.start) // self.count

    def first_of(self, day: int) -> int:
        """The first transaction of a day of the account's life."""
        return -(-day * DAY * self.count // (self.now - self.start))

    def day_of(self, transaction: int) -> int:
        return (self.created(transaction) - self.start) // DAY

    def payout_transaction(self, day: int) -> int:
        """Where the payout made on a day stands: late on it, in nobody else's place."""
        last = self.first_of(day + 1) - 1
        place = last % self.stride
        return last if place >= 2 else last - place - 1

    def is_payout(self, transaction: int) -> bool:
        day = self.day_of(transaction)
        return day >= PAYOUT_DELAY_DAYS and self.payout_transaction(day) == transaction

    @cached_property
    def day_nets(self) -> list[int]:
        """What each day brought to the balance, payouts apart, in minor units."""
        return [self._day_net(day) for day in range(self.days)]

    def _day_net(self, day: int) -> int:
        index = np.arange(self.first_of(day), self.first_of(day + 1), dtype=np.int64)
        if day >= PAYOUT_DELAY_DAYS:
            index = index[index != self.payout_transaction(day)]
        charge, place = np.divmod(index, self.stride)
        amount = charge_amount(charge)
        net = np.where(place == 0, amount - charge_fee(amount), -stripe_fee(index))
        refunded = (place == 1) & (charge % REFUND_EVERY == REFUND_FIRST)
        return int(np.where(refunded, -amount, net).sum())

    def payout_amount(self, day: int) -> int:
        return self.day_nets[day - PAYOUT_DELAY_DAYS]

    def contents(self, day: int) -> range:
        """The transactions of the day that a payout made on `day` pays out."""
        source = day - PAYOUT_DELAY_DAYS
        return range(self.first_of(source), self.first_of(source + 1))
