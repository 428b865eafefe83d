"""What promotion codes took off, and what was billed with them."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import payment_objects as stripe
import pytest
from landing_harness import Landing, Warehouse, epoch, model
from stripe_objects import customer, discount, invoice, line

AS_OF = "2026-10-20T00:00:00"
SEPTEMBER, OCTOBER = "2026-09-10", "2026-10-10"


def bill(
    landing: Landing, name: str, discounts: list[tuple[dict[str, Any], int]], amount: int = 10000,
    at: str = SEPTEMBER, currency: str = "usd", status: str = "paid", **more: Any
) -> None:  # fmt: skip
    """An invoice with one line, less these discounts."""
    taken = [(each["id"], off) for each, off in discounts]
    its = line(f"il_{name}", amount, at, OCTOBER, f"sub_{name}", f"si_{name}", "price_1",
               currency=currency, discounts=taken)  # fmt: skip
    body = invoice(f"in_{name}", f"cus_{name}", f"{at}T08:00:00", [its], f"sub_{name}", status,
                   currency=currency)  # fmt: skip
    landing.version(customer(f"cus_{name}"), "2026-01-01")
    landing.version({**body, "discounts": [each for each, _ in discounts], **more}, at)


def checkout(landing: Landing, name: str, **more: Any) -> None:
    body = {
        "id": f"cs_{name}", "object": "checkout.session", "created": epoch("2026-09-30T23:00:00"),
        "mode": "payment", "status": "complete", "payment_status": "paid", "invoice": None,
        "payment_intent": f"pi_{name}", "customer": f"cus_{name}", "currency": "usd",
        "amount_subtotal": 5000, "amount_total": 4800,
        "discounts": [{"coupon": None, "promotion_code": "promo_fall"}],
        "total_details": {"amount_discount": 1000, "amount_shipping": 0, "amount_tax": 800},
    }  # fmt: skip
    landing.version({**body, **more}, "2026-10-01")


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    landing = Landing()
    for coupon, name in (("co_fall", "Fall"), ("co_staff", "Staff")):
        landing.version(
            {"id": coupon, "object": "coupon", "created": epoch("2026-01-01"), "name": name,
             "percent_off": 20, "duration": "once", "valid": True}, "2026-01-01",
        )  # fmt: skip
    code = {"id": "promo_fall", "object": "promotion_code", "created": epoch("2026-01-01"),
            "code": "FALL", "active": True,
            "promotion": {"type": "coupon", "coupon": "co_fall"}}  # fmt: skip
    landing.version(code, "2026-01-01")

    def off(discount_id: str, coupon: str, promotion_code: str | None = None) -> dict[str, Any]:
        its = discount(discount_id, percent_off=20, promotion_code=promotion_code)
        its["source"]["coupon"]["id"] = coupon
        return its

    fall, again = off("di_1", "co_fall", "promo_fall"), off("di_2", "co_fall", "promo_fall")
    bill(landing, "one", [(fall, 2000)])
    bill(landing, "two", [(again, 2000)])
    bill(landing, "euro", [(off("di_3", "co_fall", "promo_fall"), 2000)], currency="eur")
    bill(landing, "october", [(off("di_4", "co_fall", "promo_fall"), 2000)], at=OCTOBER)
    bill(landing, "staff", [(off("di_5", "co_staff"), 2000)])
    both = [(off("di_6", "co_staff"), 2000), (off("di_7", "co_fall", "promo_fall"), 1600)]
    bill(landing, "both", both, at=OCTOBER)
    bill(landing, "gone", [(off("di_8", "co_old", "promo_deleted"), 500)], at=OCTOBER)
    voided = {"status_transitions": {"finalized_at": epoch(SEPTEMBER),
                                     "voided_at": epoch("2026-09-12")}}  # fmt: skip
    bill(landing, "void", [(off("di_9", "co_fall", "promo_fall"), 2000)], status="void", **voided)
    bill(landing, "draft", [(off("di_a", "co_fall", "promo_fall"), 2000)], status="draft",
         status_transitions={"finalized_at": None})  # fmt: skip
    bill(landing, "nothing", [])

    # Paid the day after its session was made, in the next month.
    paid = stripe.charge("ch_shop", 4800, "2026-10-01T01:00:00", payment_intent="pi_shop")
    landing.version(paid, "2026-10-01")
    checkout(landing, "shop")
    checkout(landing, "given", payment_status="no_payment_required", payment_intent=None,
             amount_total=0, total_details={"amount_discount": 5000, "amount_tax": 0})  # fmt: skip
    checkout(landing, "unpaid", payment_status="unpaid")
    checkout(landing, "expired", status="expired", payment_status="unpaid")
    checkout(landing, "subscribed", mode="subscription", invoice="in_one")
    folder: Path = tmp_path_factory.mktemp("codes")
    return model(landing, folder, AS_OF, "+revenue_by_promotion_code")


def used(warehouse: Warehouse, where: str) -> list[tuple[Any, ...]]:
    return warehouse.rows(
        "select strftime(month, '%m'), code, coupon_name, currency, documents, customers,"
        " discount_amount, billed from finance.revenue_by_promotion_code"
        f" where {where} order by all"
    )


def test_a_code_by_month_and_currency(warehouse: Warehouse) -> None:
    """Voided and unfinished invoices, sessions that were not paid, and what an invoice bills are
    left out; a session counts in the month of its payment."""
    assert used(warehouse, "promotion_code_id = 'promo_fall'") == [
        ("09", "FALL", "Fall", "eur", 1, 1, 20, 80),
        # Two invoices, and a session for which nothing was to be paid.
        ("09", "FALL", "Fall", "usd", 3, 3, 90, 160),
        # An invoice, one that another coupon reduced too, and the session of the shop.
        ("10", "FALL", "Fall", "usd", 3, 3, 46, Decimal("80") + Decimal("64") + Decimal("40")),
    ]


def test_a_coupon_without_a_code_and_a_code_that_is_gone(warehouse: Warehouse) -> None:
    assert used(warehouse, "promotion_code_id is null") == [
        ("09", None, "Staff", "usd", 1, 1, 20, 80),
        ("10", None, "Staff", "usd", 1, 1, 20, 64),
    ]
    assert used(warehouse, "promotion_code_id = 'promo_deleted'") == [
        ("10", None, None, "usd", 1, 1, 5, 95)
    ]
