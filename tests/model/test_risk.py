"""Failures classed, retries by the networks' rules, and monitoring thresholds at n−1, n and n+1."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import payment_objects as stripe
import pytest
from landing_harness import Landing, Warehouse, epoch, model

AS_OF = "2026-12-01T00:00:00"
SELECT = "+payment_failures +risk_daily +risk_programmes"


def declined(name: str, code: str, at: str = "2026-01-05T12:00:00", **extra: Any) -> dict[str, Any]:
    card = {"brand": extra.pop("brand", "visa"), "country": "US"}
    card["fingerprint"] = extra.pop("fingerprint", f"print_{name}")
    outcome = {"type": "issuer_declined", "reason": code, **extra.pop("outcome", {})}
    return stripe.charge(
        f"ch_{name}", 1000, at, status="failed", failure_code="card_declined", outcome=outcome,
        payment_method_details={"type": "card", "card": card}, **extra,
    )  # fmt: skip


def failures() -> list[dict[str, Any]]:
    same = {"payment_intent": "pi_again"}
    other = {"payment_intent": "pi_other"}
    many = [
        declined(f"many{n:02}", "insufficient_funds", f"2026-05-{1 + n:02}T12:00:00",
                 fingerprint="print_many")
        for n in range(21)
    ]  # fmt: skip
    quick = [
        declined(f"quick{n:02}", "insufficient_funds", f"2026-06-01T{n:02}:00:00",
                 brand="mastercard", fingerprint="print_quick")
        for n in range(11)
    ]  # fmt: skip
    return [
        declined("funds", "insufficient_funds", **same),
        stripe.charge("ch_later", 1000, "2026-01-08T12:00:00", **same),
        declined("lost", "lost_card", **other),
        stripe.charge("ch_new", 1000, "2026-01-09T12:00:00", payment_method="pm_2", **other),
        declined("unknown", "moon_in_wrong_phase"),
        declined("stopped", "generic_decline", outcome={"network_decline_code": "43"}),
        declined("advised", "generic_decline", outcome={"network_advice_code": "03"},
                 brand="mastercard"),
        declined("forbidden", "generic_decline", outcome={"advice_code": "do_not_try_again"}),
        declined("blocked", "highest_risk_level", outcome={"type": "blocked"}),
        # A debit that came back days later failed when its money went.
        stripe.charge("ch_debit", 1000, "2026-01-05T12:00:00", status="failed",
                      transaction="txn_in", failure_code="debit_not_authorized"),
        stripe.movement("txn_in", "charge", 1000, "2026-01-05T12:00:00", source="ch_debit"),
        stripe.movement("txn_out", "charge_failure", -1000, "2026-01-09T12:00:00",
                        source="ch_debit"),
        *many,
        *quick,
    ]  # fmt: skip


def month_of_cases(brand: str, month: int, payments: int, disputes: int, warnings: int) -> Any:
    """So many payments, of which so many are disputed and warned of, in one month."""
    at = f"2026-{month:02}-10T12:00:00"
    for n in range(payments):
        name = f"{brand}{month}x{n}"
        card = {"brand": brand, "country": "US", "fingerprint": f"print_{name}"}
        yield stripe.charge(
            f"ch_{name}", 1000, at, customer=f"cus_{name}",
            payment_method_details={"type": "card", "card": card},
        )  # fmt: skip
        if n < disputes:
            yield stripe.dispute(f"du_{name}", f"ch_{name}", 1000, at, [], reason="general")
        if n < warnings:
            yield {
                "id": f"issfr_{name}", "object": "radar.early_fraud_warning",
                "created": epoch(at), "charge": f"ch_{name}", "fraud_type": "misc",
                "actionable": True,
            }  # fmt: skip


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Warehouse]:
    landing = Landing()
    stripe.land(landing, failures(), AS_OF)
    # Visa counts the same month and its limit is passed; Mastercard's divides by the month before
    # and is reached.
    for month, warned in ((7, 749), (8, 750), (9, 751)):
        stripe.land(landing, list(month_of_cases("visa", month, 760, 750, warned)), AS_OF)
    for month, disputed in ((6, 0), (7, 99), (8, 100), (9, 101)):
        cases = list(month_of_cases("mastercard", month, 200, disputed, 0))
        stripe.land(landing, cases, AS_OF)
    yield model(landing, tmp_path_factory.mktemp("risk"), AS_OF, SELECT)


@pytest.mark.parametrize(
    ("name", "kind", "retry", "recovered_by"),
    [
        ("funds", "soft", True, "automatic_retry"),
        ("lost", "fraud", False, "new_payment_method"),
        ("unknown", "hard", False, None),
        ("stopped", "soft", False, None),
        ("advised", "soft", False, None),
        ("forbidden", "soft", False, None),
        ("blocked", "fraud", False, None),
        ("debit", "hard", False, None),
        ("many18", "soft", True, None),
        ("many19", "soft", False, None),
        ("many20", "soft", False, None),
        ("quick08", "soft", True, None),
        ("quick09", "soft", False, None),
        ("quick10", "soft", False, None),
    ],
)
def test_failures(
    warehouse: Warehouse, name: str, kind: str, retry: bool, recovered_by: str | None
) -> None:
    rows = warehouse.rows(
        "select decline_kind, retry_allowed, recovered_by from finance.payment_failures"
        " where charge_id = ?",
        f"ch_{name}",
    )
    assert rows == [(kind, retry, recovered_by)]


def test_a_late_failure_counts_when_its_money_went(warehouse: Warehouse) -> None:
    rows = warehouse.rows(
        "select is_late, cast(occurred_on as varchar), decline_code"
        " from finance.payment_failures where charge_id = 'ch_debit'"
    )
    assert rows == [(True, "2026-01-09", "debit_not_authorized")]


def exceeded(warehouse: Warehouse, programme: str) -> list[tuple[Any, ...]]:
    return warehouse.rows(
        "select extract(month from month)::int, cases, is_exceeded from finance.risk_programmes"
        " where programme = ? and month >= '2026-07-01' order by 1",
        programme,
    )


def test_visa_is_exceeded_above_fifteen_hundred_cases(warehouse: Warehouse) -> None:
    assert exceeded(warehouse, "VAMP excessive") == [
        (7, 1499, False),
        (8, 1500, False),
        (9, 1501, True),
    ]


def test_mastercard_is_exceeded_from_a_hundred_over_the_month_before(warehouse: Warehouse) -> None:
    assert exceeded(warehouse, "ECM") == [(7, 99, False), (8, 100, True), (9, 101, True)]
    assert [row[2] for row in exceeded(warehouse, "HECM")] == [False, False, False]
    assert [row[2] for row in exceeded(warehouse, "EFM")] == [False, False, False]


def test_the_threshold_of_the_day_holds(warehouse: Warehouse) -> None:
    rows = warehouse.rows(
        "select distinct ratio_threshold from finance.risk_daily where date = ? ", "2026-01-05"
    )
    assert rows == [(Decimal("0.022"),)]
    later = warehouse.rows(
        "select payments, disputes, early_fraud_warnings, dispute_ratio, ratio_threshold"
        " from finance.risk_daily where date = '2026-08-10'"
    )
    assert later == [(960, 850, 750, Decimal("0.885417"), Decimal("0.015"))]
