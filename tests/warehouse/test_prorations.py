"""Billed prorations against recomputed ones: METRICS.md's change from 10 to 20 in mid-period."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import payment_objects as stripe
import pytest
from landing_harness import Landing, Warehouse, model
from stripe_objects import invoice, line

AS_OF = "2026-04-01T00:00:00"
START, MIDDLE, END = "2026-01-01T00:00:00", "2026-01-16T12:00:00", "2026-02-01T00:00:00"


def billed(
    name: str,
    amount: int,
    price: str,
    item: str = "si_1",
    *,
    prorated: bool = False,
    unit: int | None = None,
    discount: int = 0,
) -> dict[str, Any]:
    """A month's bill, or (`prorated`) the rest of it from the middle on."""
    made = line(
        f"il_{name}", amount, MIDDLE if prorated else START, END, "sub_1", item, price,
        proration=prorated, discounts=[("di_1", discount)] if discount else (),
    )  # fmt: skip
    made["pricing"]["unit_amount_decimal"] = str(unit or abs(amount))
    return made


def bill(name: str, at: str, *lines: dict[str, Any]) -> dict[str, Any]:
    return invoice(f"in_{name}", "cus_1", at, list(lines))


def company() -> list[dict[str, Any]]:
    return [
        bill("first", START, billed("first", 1000, "price_10")),
        # 10 to 20 in mid-period: −5 and +10.
        bill(
            "change", MIDDLE,
            billed("back", -500, "price_10", prorated=True),
            billed("rest", 1000, "price_20", unit=2000, prorated=True),
        ),
        # 20 % off: the discount is in the amounts.
        bill("off", START, billed("off", 1000, "price_10", item="si_2", discount=200)),
        bill(
            "off_change", MIDDLE,
            billed("off_back", -400, "price_10", item="si_2", prorated=True),
            billed("off_rest", 800, "price_20", item="si_2", unit=2000, prorated=True),
        ),
        # Five too little was given back; too much was billed; nothing is known of a fourth item.
        bill("wrong", START, billed("wrong", 1000, "price_10", item="si_3")),
        bill(
            "wrong_change", MIDDLE,
            billed("wrong_back", -495, "price_10", item="si_3", prorated=True),
            billed("wrong_rest", 1100, "price_20", item="si_3", unit=2000, prorated=True),
            billed("unknown", -500, "price_10", item="si_4", prorated=True),
        ),
    ]  # fmt: skip


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Warehouse]:
    landing = Landing()
    stripe.land(landing, company(), AS_OF)
    yield model(landing, tmp_path_factory.mktemp("prorations"), AS_OF, "+proration_checks")


def test_billed_prorations_are_recomputed(warehouse: Warehouse) -> None:
    rows = warehouse.rows(
        "select line_id, billed_amount, expected_amount, status from finance.proration_checks"
        " order by 1"
    )
    assert rows == [
        ("il_back", -5, -5, "accurate"),
        ("il_off_back", -4, -4, "accurate"),
        ("il_off_rest", 8, 8, "accurate"),
        ("il_rest", 10, 10, "accurate"),
        ("il_unknown", -5, None, "not_compared"),
        ("il_wrong_back", Decimal("-4.95"), -5, "differs"),
        ("il_wrong_rest", 11, 10, "differs"),
    ]
