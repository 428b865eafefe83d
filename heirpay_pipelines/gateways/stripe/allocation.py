"""Stripe's read allocation: how many GET requests an account may spend in thirty days.

Source: Stripe's documentation of rate limits, as captured in 2026: 500 read requests for each
transaction, counted over 30 days, and 10,000 at least.
"""

from __future__ import annotations

from dataclasses import dataclass

READS_FOR_A_TRANSACTION = 500
LEAST_READS = 10_000
DAYS = 30
WARN_AT = 0.8


@dataclass(frozen=True)
class ReadAllocation:
    """`spent` by committed pulls in 30 days, of what `transactions` in the same days grant."""

    spent: int
    transactions: int

    @property
    def granted(self) -> int:
        return max(LEAST_READS, READS_FOR_A_TRANSACTION * self.transactions)

    @property
    def nearly_gone(self) -> bool:
        return self.spent >= WARN_AT * self.granted

    def __str__(self) -> str:
        share = f"{self.spent:,} of {self.granted:,} read requests spent in {DAYS} days"
        if not self.nearly_gone:
            return share
        return (
            f"WARNING: {share}. Stripe may refuse more: avoid `heirpay run --full`, and ask "
            "Stripe's support for a larger read allocation."
        )
