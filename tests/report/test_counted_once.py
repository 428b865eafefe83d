"""What the report counts, it counts once; parts add up to a change; what presses comes first."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

DAY = "date '2026-10-31'"
LINES = """
delete from finance.tax_transactions;
insert into finance.tax_transactions by name
select 'in_1' as document_id, line as line_id, 'invoice' as document_type, {day} as occurred_on,
    'US' as country, 'NY' as region, 'sales_tax' as tax_type, rate, reason as taxability_reason,
    'usd' as currency, base as taxable_amount, tax as tax_amount, tax as tax_amount_reporting,
    'finalised' as movement, tax <> 0 as is_taxed, line || rate as tax_movement_id
from (values
    ('il_1', 4, 100, 4, 'standard_rated'), ('il_1', 4.5, 100, 4.5, 'standard_rated'),
    ('il_1', 0.375, 60, 0.23, 'portion_standard_rated'),
    ('il_2', 4, 50, 2, 'not_available'), ('il_3', 4, 30, 0, 'customer_exempt'),
    ('il_4', 4, -20, -0.8, 'standard_rated'), ('il_4', 4.5, -20, -0.9, 'standard_rated')
) as made(line, rate, base, tax, reason)
"""


def rows(document: dict[str, Any], section: str, name: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = document[section][name]["rows"]
    return found


def test_a_line_is_taxable_once_in_a_place_however_many_rates_it_has(facts: Any) -> None:
    document = facts.document(LINES.format(day=DAY))
    (row,) = rows(document, "revenue_metrics", "tax_by_jurisdiction")
    assert (Decimal(row["taxable_amount"]), Decimal(row["tax_amount"])) == (130, Decimal("9.03"))


def test_a_payment_is_at_risk_once_whatever_its_attempts(facts: Any) -> None:
    sql = (
        "delete from finance.failed_payments; insert into finance.failed_payments by name"
        " select 'in_1' as payment_id, 'usd' as currency, 40 as amount, 'at_risk' as status,"
        f" 5 as failures, {DAY}::timestamp as last_failed_at, 'soft' as last_decline_kind"
    )
    (row,) = rows(facts.document(sql), "fraud_detection_metrics", "payment_failures")
    found = (row["payments"], row["failures"], Decimal(row["amount"]), Decimal(row["at_risk"]))
    assert found == (1, 5, 40, 40)


def test_what_is_on_its_way_is_not_unexplained_and_no_statement_stands_apart(facts: Any) -> None:
    sql = (
        "delete from finance.payout_reconciliation;"
        "insert into finance.payout_reconciliation by name select * from (values"
        " ('po_1', 'usd', 10, 10, 'in_transit', 'not_due', 'in_transit'),"
        " ('po_2', 'usd', 20, 0, 'reconciled', 'matched', 'paid'),"
        " ('po_3', 'usd', 30, 0, 'reconciled', 'no_statement', 'paid'),"
        " ('po_4', 'usd', 40, 5, 'unreconciled', 'matched', 'paid'),"
        " ('po_5', 'usd', 50, 0, 'failed', 'none', 'failed'),"
        " ('po_6', 'usd', 60, 0, 'failed', 'none', 'canceled')"
        ") as made(payout_id, currency, payout_amount, difference, status, bank_status,"
        " stripe_status)"
    )
    found = rows(facts.document(sql), "revenue_metrics", "payouts_by_state")
    told = [(r["status"], r["bank"], r["payouts"], Decimal(r["difference"])) for r in found]
    assert told == [
        ("cancelled", "not paid out", 1, 0),
        ("failed", "not paid out", 1, 0),
        ("in_transit", "statements cover them", 1, 0),
        ("reconciled", "no statement covers them", 1, 0),
        ("reconciled", "statements cover them", 1, 0),
        ("unreconciled", "statements cover them", 1, 5),
    ]
    assert "no bank statement covers 1 of them" in facts.page(sql)


@pytest.mark.parametrize("key", ["mrr", "net_new_mrr", "net_volume", "balance_difference"])
def test_the_parts_of_a_change_add_up_to_it(facts: Any, key: str) -> None:
    many = (
        f"delete from finance.mrr_movements where occurred_on >= {DAY};"
        "insert into finance.mrr_movements by name"
        f" select {DAY} as occurred_on, 'cus_' || i as customer_id, 'eur' as currency,"
        " 'new' as movement, 0 as mrr_before, i as mrr_after, i as mrr_change,"
        " i * 1.1 as mrr_change_reporting from range(1, 20) t(i);"
        f"update finance.daily_revenue set other = other + 7, fees = fees - 3 where date = {DAY}"
    )
    figures = facts.document(many)["revenue_metrics"]["key_figures"]
    (figure,) = [each for each in figures if each["key"] == key]
    parts = [cause for cause in figure["causes"] if "amount" in cause]
    assert {cause["currency"] for cause in parts} <= {figure["currency"]}
    assert sum(Decimal(cause["amount"]) for cause in parts) == Decimal(figure["change"] or 0)
    if key == "mrr":
        assert [cause["what"] for cause in parts][-1] == "Other movements"


def test_days_and_months_do_not_stand_in_one_table(facts: Any) -> None:
    sql = f"update finance.risk_daily set volume = 2 where date <= {DAY}"
    found = rows(facts.document(sql), "fraud_detection_metrics", "risk")
    assert found
    assert all(Decimal(row["month_volume"]) > 2 for row in found if row["currency"] == "usd")
    assert "Month up to" in facts.page(sql)


def test_what_presses_comes_first_by_urgency_money_and_date(facts: Any) -> None:
    known = {
        "identifier": None, "section": None, "role": "payment", "pattern": "p", "symptom": "s",
        "detail": "d", "strike": 1, "status": "open", "compliance_risk": "low", "learned": None,
        "learned_new": 0, "recommendations": [], "attempted_solutions": [],
    }  # fmt: skip

    def incident(name: str, urgency: str, impact: str, on: str, currency: str = "usd") -> Any:
        return {**known, "incident_id": name, "subject": name, "urgency": urgency,
                "financial_impact": impact, "currency": currency,
                "opened_at": f"{on}T03:00:00+00:00"}  # fmt: skip

    given = [
        incident("small", "high", "1", "2026-10-01"),
        incident("late", "high", "50", "2026-10-20"),
        incident("early", "high", "50", "2026-10-02"),
        incident("yen", "high", "5000", "2026-10-03", "jpy"),  # some thirty dollars
        incident("worst", "critical", "0", "2026-10-30"),
    ]
    document = facts.document(incidents=given)
    issues = document["blocking_issues"]
    mine = [row["subject"] for row in issues if row["kind"] == "incident"]
    assert mine == ["worst", "early", "late", "yen", "small"]
    order = ("blocking", "critical", "high", "medium", "low")
    ranks = [order.index(row["urgency"]) for row in issues]
    assert ranks == sorted(ranks)
    assert [row["title"] for row in document["first_actions"]] == [
        row["title"] for row in issues[:5]
    ]


def test_what_to_do_first_says_what_failed_for_whom_and_by_when(facts: Any) -> None:
    """A duty has its hour; a control's title says what should hold: it is said to have failed."""
    (known, *_) = facts.document()["blocking_issues"]
    assert known["by"]
    exposed = {
        "incident_id": "inc_1", "pattern": "compliance_violations", "symptom": "data_exposure",
        "subject": "control card_numbers_in_tables", "role": "platform", "status": "escalated",
        "detail": "No card number is in the warehouse: 1 at fault of 1,285 checked",
        "evidence": '{"clause": "PCI DSS 4.0.1 3.5.1", "ids": ["a", "b", "c", "d"],'
        ' "violations": 1200}', "urgency": "critical", "strike": 2,
        "opened_at": "2026-11-01T00:00:00+00:00", "financial_impact": "0", "currency": None,
        "recommendations": '["Correct the source."]', "attempted_solutions": "[]", "learned": None,
        "learned_new": 0, "resolved_at": None, "compliance_risk": "high", "identifier": None,
        "section": "payment.compliance.pci", "incident_key": "1", "occurrence": 1, "failures": 2,
        "trigger_name": None, "last_seen_at": "2026-11-01T00:00:00+00:00", "escalated_at": None,
    }  # fmt: skip
    soon = {**exposed, "incident_id": "inc_2", "symptom": "failed_control", "evidence": "{}",
            "subject": "payments in usd", "detail": "30 of 100 failed",
            "urgency": "high"}  # fmt: skip
    found = {
        row["subject"]: row for row in facts.document(incidents=[exposed, soon])["blocking_issues"]
    }
    assert found["inc_1"]["title"].startswith("Data exposure: this check failed: No card number")
    assert found["inc_1"]["by"] == "2026-11-02 00:00 UTC"
    assert found["inc_1"]["what_to_do"].endswith("Concerned: a, b, c and 1,197 more.")
    assert found["inc_2"]["title"] == "Failed control: 30 of 100 failed"
    assert found["inc_2"]["by"] == "the next working day"
    page = facts.page(incidents=[exposed, soon])
    assert "Owner of the platform domain, by: 2026-11-02 00:00 UTC" in page
