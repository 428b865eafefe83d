"""Failures classed, retries by the networks' rules, and monitoring thresholds at n−1, n and n+1."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import payment_objects as stripe
import pytest
import stripe_objects as billing
from landing_harness import Landing, Warehouse, epoch, model

AS_OF = "2026-12-01T00:00:00"
SELECT = "+payment_recovery_monthly +dunning +risk_daily +risk_programmes"


def declined(name: str, code: str, at: str = "2026-01-05T12:00:00", **extra: Any) -> dict[str, Any]:
    card = {"brand": extra.pop("brand", "visa"), "country": "US"}
    card["fingerprint"] = extra.pop("fingerprint", f"print_{name}")
    outcome = {"type": "issuer_declined", "reason": code, **extra.pop("outcome", {})}
    return stripe.charge(
        f"ch_{name}", 1000, at, status="failed", failure_code="card_declined", outcome=outcome,
        payment_method_details={"type": "card", "card": card}, **extra,
    )  # fmt: skip


def dunned() -> list[dict[str, Any]]:
    """Open invoices in every state that asks for something else."""
    at = "2026-11-25T12:00:00"
    retry = {"next_payment_attempt": epoch("2026-12-02")}
    soft = {"payment_method": "pm_soft", "fingerprint": "print_soft"}
    return [
        *billed("in_wait", "pi_wait", "open", **retry),
        declined("wait", "insufficient_funds", at, payment_intent="pi_wait", **soft),
        *billed("in_other", "pi_other_card", "open", customer="cus_2"),
        declined(
            "other", "lost_card", at, payment_intent="pi_other_card", customer="cus_2", **soft
        ),
        method("pm_soft", "cus_2", "print_soft", 2030),
        method("pm_twin", "cus_2", "print_soft", 2030),  # the same card, saved again
        method("pm_old", "cus_2", "print_old", 2025),  # expired
        method("pm_good", "cus_2", "print_good", 2030),
        *billed("in_ask", "pi_ask", "open", customer="cus_3"),
        declined("ask", "lost_card", at, payment_intent="pi_ask", customer="cus_3", **soft),
        method("pm_soft3", "cus_3", "print_soft", 2030),
        *billed("in_paid", "pi_paid", "open"),
        stripe.charge("ch_paid", 1000, at, payment_intent="pi_paid"),
        *billed("in_debit", "pi_debit", "open"),
        stripe.charge("ch_pending", 1000, at, status="pending", payment_intent="pi_debit"),
        *billed("in_due", "pi_due", "open", due_date=epoch("2026-12-31")),
        *billed("in_late", "pi_late", "open", due_date=epoch("2026-11-30")),
        *billed("in_years", "pi_years", "open", due_date=epoch("2026-09-01")),
        *billed("in_void", "pi_void", "void"),
        declined("void", "insufficient_funds", at, payment_intent="pi_void"),
    ]


def method(method_id: str, customer: str, fingerprint: str, year: int) -> dict[str, Any]:
    return {
        "id": method_id, "object": "payment_method", "created": epoch("2026-01-01"),
        "type": "card", "customer": customer,
        "card": {"fingerprint": fingerprint, "exp_month": 11, "exp_year": year},
    }  # fmt: skip


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
        *billed("in_funds", "pi_again", "paid"),
        declined("impatient", "insufficient_funds"),
        stripe.charge("ch_soon", 1000, "2026-01-05T12:01:00", payment_intent="pi_ch_impatient"),
        declined("lost", "lost_card", **other),
        stripe.charge("ch_new", 1000, "2026-01-09T12:00:00", payment_method="pm_2", **other),
        declined("unknown", "moon_in_wrong_phase"),
        declined("stopped", "generic_decline", outcome={"network_decline_code": "43"}),
        declined("advised", "generic_decline", outcome={"network_advice_code": "03"},
                 brand="mastercard"),
        declined("timed", "generic_decline", outcome={"network_advice_code": "26"},
                 brand="mastercard"),
        declined("unconfirmed", "generic_decline", outcome={"advice_code": "confirm_card_data"}),
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
        *dunned(),
    ]  # fmt: skip


def billed(
    invoice_id: str, intent: str, status: str, customer: str = "cus_1", **extra: Any
) -> list[dict[str, Any]]:
    """An invoice over 10.00 that Stripe charges by itself, and the intent that it is paid with."""
    line = billing.line(f"il_{invoice_id}", 1000, "2026-01-05", "2026-02-05")
    made = billing.invoice(
        invoice_id, customer, "2026-01-05", [line], status=status,
        collection_method="charge_automatically",
        **{"due_date": epoch("2026-11-25"), **extra},
    )  # fmt: skip
    payment = {
        "id": f"inpay_{invoice_id}", "object": "invoice_payment", "created": epoch("2026-01-05"),
        "invoice": invoice_id, "currency": "usd", "status": "open", "is_default": True,
        "payment": {"type": "payment_intent", "payment_intent": intent},
    }  # fmt: skip
    return [made, payment]


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


def month_of_fraud(month: int, payments: int, authenticated: int, amount: int) -> Any:
    """Mastercard payments of 2025, so many of them authenticated; five are disputed as fraud."""
    at = f"2025-{month:02}-10T12:00:00"
    for n in range(payments):
        name = f"fraud{month}x{n}"
        secure = {"result": "authenticated"} if n < authenticated else None
        card = {"brand": "mastercard", "country": "US", "fingerprint": f"print_{name}"}
        yield stripe.charge(
            f"ch_{name}", amount, at, customer=f"cus_{name}",
            payment_method_details={"type": "card", "card": {**card, "three_d_secure": secure}},
        )  # fmt: skip
        if n < 5:
            yield stripe.dispute(f"du_{name}", f"ch_{name}", amount, at, [])


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
    # 1,000 payments, 50,000.00 of fraud, 0.5 % and less than a tenth authenticated: each by one.
    stripe.land(landing, [*month_of_fraud(1, 999, 0, 1_000_000)], AS_OF)
    stripe.land(landing, [*month_of_fraud(2, 1_000, 99, 1_000_000)], AS_OF)
    stripe.land(landing, [*month_of_fraud(3, 1_000, 100, 1_000_000)], AS_OF)
    stripe.land(landing, [*month_of_fraud(4, 1_000, 99, 999_999)], AS_OF)
    stripe.land(landing, [*month_of_fraud(5, 1_001, 99, 1_000_000)], AS_OF)
    account = {"id": "acct_test", "object": "account", "country": "US"}
    stripe.land(landing, [account | {"created": epoch("2025-01-01")}], AS_OF)
    yield model(landing, tmp_path_factory.mktemp("risk"), AS_OF, SELECT)


@pytest.mark.parametrize(
    ("name", "kind", "retry", "recovered_by"),
    [
        ("funds", "soft", True, "automatic_retry"),
        ("impatient", "soft", True, "manual"),
        ("lost", "fraud", False, "new_payment_method"),
        ("unknown", "hard", False, None),
        ("stopped", "soft", False, None),
        ("advised", "soft", False, None),
        ("timed", "soft", True, None),
        ("unconfirmed", "soft", False, None),
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


@pytest.mark.parametrize(
    ("name", "rule", "not_before"),
    [
        ("funds", None, "2026-01-05 12:00:00"),
        ("unknown", "unknown decline code", None),
        ("lost", "decline code", None),
        ("stopped", "visa response 43", None),
        ("advised", "mastercard advice 03", None),
        ("timed", "mastercard advice 26", "2026-01-07 12:00:00"),
        ("unconfirmed", "stripe advice confirm_card_data", None),
        # The first of the twenty leaves the window of 30 days.
        ("many19", "visa 20 in 720 hours", "2026-05-31 12:00:00"),
        ("quick09", "mastercard 10 in 24 hours", "2026-06-02 00:00:00"),
        ("quick10", "mastercard 10 in 24 hours", "2026-06-02 01:00:00"),
    ],
)
def test_what_forbids_a_retry_and_until_when(
    warehouse: Warehouse, name: str, rule: str | None, not_before: str | None
) -> None:
    rows = warehouse.rows(
        "select retry_rule, cast(retry_not_before as varchar) from finance.payment_failures"
        " where charge_id = ?",
        f"ch_{name}",
    )
    assert rows == [(rule, not_before)]


@pytest.mark.parametrize(
    ("invoice", "action", "days_past_due", "others"),
    [
        ("in_wait", "wait_for_retry", 6, None),
        ("in_other", "charge_other_method", 6, "pm_good"),
        ("in_ask", "ask_for_new_method", 6, None),
        ("in_paid", "check_payment", 6, None),
        ("in_debit", "wait_for_debit", 6, None),
        ("in_due", "wait_until_due", 0, None),
        ("in_late", "send_reminder", 1, None),
        ("in_years", "decide_write_off", 91, None),
    ],
)
def test_dunning_says_what_to_do(
    warehouse: Warehouse, invoice: str, action: str, days_past_due: int, others: str | None
) -> None:
    rows = warehouse.rows(
        "select recommended_action, days_past_due, other_method_ids, amount_remaining"
        " from finance.dunning where invoice_id = ?",
        invoice,
    )
    assert rows == [(action, days_past_due, others, Decimal("10.000"))]


def test_only_open_invoices_are_dunned(warehouse: Warehouse) -> None:
    assert warehouse.value("select count(*) from finance.dunning") == 8


def test_recovery_by_month_adds_up(warehouse: Warehouse) -> None:
    (january,) = warehouse.rows(
        "select payments_failed, recovered, at_risk, lost, amount_failed, amount_recovered,"
        " amount_by_automatic_retry, amount_by_new_payment_method, amount_by_manual"
        " from finance.payment_recovery_monthly where month = '2026-01-01'"
    )
    assert january == (
        11, 3, 0, 8, *map(Decimal, ("110.000", "30.000", "10.000", "10.000", "10.000"))
    )  # fmt: skip
    # The invoices that fail in November are still asked for, but for the void one.
    november = warehouse.rows(
        "select payments_failed, at_risk, lost, amount_at_risk, amount_lost, recovery_rate"
        " from finance.payment_recovery_monthly where month = '2026-11-01'"
    )
    assert november == [(4, 3, 1, Decimal("30.000"), Decimal("10.000"), Decimal(0))]


def test_a_late_failure_counts_when_its_money_went(warehouse: Warehouse) -> None:
    rows = warehouse.rows(
        "select is_late, cast(occurred_on as varchar), decline_code"
        " from finance.payment_failures where charge_id = 'ch_debit'"
    )
    assert rows == [(True, "2026-01-09", "debit_not_authorized")]


def exceeded(warehouse: Warehouse, programme: str) -> list[tuple[Any, ...]]:
    return warehouse.rows(
        "select extract(month from month)::int, cases, is_exceeded from finance.risk_programmes"
        " where programme = ? and month between '2026-07-01' and '2026-09-01' order by 1",
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
    assert not any(row[2] for row in exceeded(warehouse, "EFM"))


def test_mastercard_s_fraud_programme_needs_all_of_its_limits(warehouse: Warehouse) -> None:
    rows = warehouse.rows(
        "select extract(month from month)::int, payments, cases_usd, three_d_secure_share,"
        " is_exceeded from finance.risk_programmes where programme = 'EFM'"
        " and region = 'without SCA' and month < '2026-01-01' order by 1"
    )
    assert rows == [
        (1, 999, Decimal(50_000), Decimal(0), False),
        (2, 1_000, Decimal(50_000), Decimal("0.099"), True),
        (3, 1_000, Decimal(50_000), Decimal("0.1"), False),
        (4, 1_000, Decimal("49999.950"), Decimal("0.099"), False),
        (5, 1_001, Decimal(50_000), Decimal("0.098901"), False),  # 5 of 1,001 are not 0.5 %
    ]


def test_programmes_of_other_regions_do_not_concern_the_account(warehouse: Warehouse) -> None:
    rows = warehouse.rows(
        "select distinct programme, region from finance.risk_programmes where not applies"
    )
    assert set(rows) == {
        ("VAMP excessive CEMEA", "CEMEA"), ("VAMP excessive LAC", "LAC"), ("EFM", "SCA")
    }  # fmt: skip
    assert not warehouse.rows(
        "select * from finance.risk_programmes where not applies and is_exceeded"
    )


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
