"""Attempts of a card-testing burst: known as such, and nothing of them is tried again."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import payment_objects as stripe
import pytest
from landing_harness import Landing, Warehouse, model

AS_OF = "2026-12-01T00:00:00"
SOFT = "insufficient_funds"


def attempts(landing: Landing, name: str, day: int, number: int, failed: int, cards: int) -> None:
    """So many attempts within ten minutes of a day, with so many cards that nobody saw before."""
    for n in range(number):
        at = f"2026-03-{day:02}T12:{n * 30 // 60:02}:{n * 30 % 60:02}"
        print_of = f"print_{name}_{min(n, cards - 1)}"
        card = {"brand": "visa", "country": "US", "fingerprint": print_of}
        details: dict[str, Any] = {
            "payment_method_details": {"type": "card", "card": card},
            "customer": f"cus_{name}",
        }
        if n < failed:
            details |= {
                "failure_code": "card_declined",
                "outcome": {"type": "issuer_declined", "reason": SOFT},
            }
        status = "failed" if n < failed else "succeeded"
        charge = stripe.charge(f"ch_{name}_{n:02}", 100 + n, at, status=status, **details)
        landing.version(charge, at)


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    landing = Landing()
    for day, (name, number, failed, cards) in enumerate(
        [
            ("burst", 15, 9, 15),
            ("short", 14, 14, 14),
            ("mostly_paid", 15, 8, 15),
            ("ten_cards", 15, 15, 10),
            ("nine_cards", 15, 15, 9),
        ],
        start=1,
    ):
        attempts(landing, name, day, number, failed, cards)
    folder: Path = tmp_path_factory.mktemp("testing")
    return model(landing, folder, AS_OF, "+payment_failures")


@pytest.mark.parametrize(
    ("name", "is_testing"),
    [
        ("burst", True),
        ("short", False),
        ("mostly_paid", False),
        ("ten_cards", True),
        ("nine_cards", False),
    ],
)
def test_a_burst_is_known_at_its_limits(warehouse: Warehouse, name: str, is_testing: bool) -> None:
    rows = warehouse.rows(
        "select distinct is_card_testing, retry_rule = 'card testing', retry_not_before is null"
        " from finance.payment_failures where charge_id like ?",
        f"ch_{name}_%",
    )
    found = {row[0] for row in rows}
    assert found == {is_testing}
    if is_testing:
        assert rows == [(True, True, True)]


def test_nothing_of_a_burst_may_be_tried_again(warehouse: Warehouse) -> None:
    """A soft decline alone may be."""
    rows = warehouse.rows(
        "select is_card_testing, bool_or(retry_allowed) from finance.payment_failures"
        " group by all order by all"
    )
    assert rows == [(False, True), (True, False)]
