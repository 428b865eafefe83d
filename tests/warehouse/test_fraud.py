"""Card testing, Radar's scores and what became of them, anomalies, and programmes foreseen.

Every limit is tested one below, at it and one above.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

import payment_objects as stripe
import pytest
from landing_harness import Landing, Warehouse, epoch, model

AS_OF = "2026-11-20T00:00:00"
SELECT = (
    "+payment_risk +card_testing_bursts +early_fraud_warnings +disputes_by_reason"
    " +failure_rate_anomalies +risk_forecast"
)


def at(start: str, seconds: int = 0) -> str:
    return (datetime.fromisoformat(start) + timedelta(seconds=seconds)).isoformat()


def card(fingerprint: str, brand: str = "amex", country: str = "US", **extra: Any) -> Any:
    details = {"brand": brand, "country": country, "fingerprint": fingerprint, **extra}
    return {"type": "card", "card": details}


def tried(name: str, when: str, currency: str, *, paid: bool = False, amount: int = 100) -> Any:
    return stripe.charge(
        f"ch_{name}", amount, when, currency, "succeeded" if paid else "failed",
        customer=None, payment_method_details=card(f"print_{name}"),
        **({} if paid else {"failure_code": "card_declined",
                            "outcome": {"type": "issuer_declined", "reason": "incorrect_cvc"}}),
    )  # fmt: skip


def bursts() -> Iterator[Any]:
    """Fourteen, fifteen and sixteen declines of new cards, each in a currency of its own."""
    for currency, count in (("usd", 14), ("eur", 15), ("gbp", 16)):
        for n in range(count):
            yield tried(f"{currency}{n}", at("2026-03-01T12:00:00", 7 * n), currency)
    # Among so much honest business that only the common amount gives the burst away.
    for n in range(40):
        when = at("2026-03-02T12:00:00", 10 * n)
        yield tried(f"busy{n}", when, "cad", paid=True, amount=2_000 + n)
        if n < 15:
            yield tried(f"hidden{n}", when, "cad")
    # One card that is declined again and again is no card testing.
    for n in range(20):
        yield tried(f"same{n}", at("2026-03-03T12:00:00", 7 * n), "chf") | {
            "payment_method_details": card("print_same")
        }
    # Slower than a burst: each ten minutes hold few.
    for n in range(20):
        yield tried(f"slow{n}", at("2026-03-04T12:00:00", 61 * n), "sek")


def warning(name: str, when: str, *, actionable: bool = True) -> Any:
    return {
        "id": f"issfr_{name}", "object": "radar.early_fraud_warning", "created": epoch(when),
        "charge": f"ch_{name}", "fraud_type": "made_with_stolen_card", "actionable": actionable,
    }  # fmt: skip


def judged() -> Iterator[Any]:
    """Payments of which something became known."""
    scored: dict[str, Any] = {
        "outcome": {"type": "authorized", "risk_score": 61, "risk_level": "elevated"}
    }
    paid = "2026-04-01T12:00:00"
    for name in ("warned", "refunded", "seen", "won", "stolen", "goods", "asked", "good"):
        yield stripe.charge(
            f"ch_{name}", 5_000, paid, payment_method_details=card(f"print_{name}"), **scored
        ) | ({"amount_refunded": 5_000} if name == "refunded" else {})
    yield warning("warned", paid)
    yield warning("refunded", paid)
    yield warning("seen", paid, actionable=False)
    yield warning("stolen", paid)
    opened = "2026-04-03T12:00:00"
    yield stripe.dispute("du_won", "ch_won", 5_000, opened, [], "won")
    yield stripe.dispute("du_stolen", "ch_stolen", 5_000, opened, [], "lost")
    goods: dict[str, Any] = {"reason": "product_not_received"}
    late: dict[str, Any] = {"evidence_details": {"due_by": epoch(opened), "has_evidence": False}}
    yield stripe.dispute("du_goods", "ch_goods", 5_000, opened, [], "lost", **goods, **late)
    asked = "2026-11-18T12:00:00"
    yield stripe.dispute("du_asked", "ch_asked", 5_000, asked, [], "needs_response", **goods)


BEFORE, FAILED_BEFORE, THIS_WEEK = 400, 40, 40


def chi_square(failures: int) -> Fraction:
    """Pearson's statistic of the two-by-two table, from its definition."""
    cells = ((failures, THIS_WEEK - failures), (FAILED_BEFORE, BEFORE - FAILED_BEFORE))
    whole = THIS_WEEK + BEFORE
    statistic = Fraction(0)
    for row in cells:
        for column in (0, 1):
            expected = Fraction(sum(row) * (cells[0][column] + cells[1][column]), whole)
            statistic += (row[column] - expected) ** 2 / expected
    return statistic


FIRST_ANOMALY = next(n for n in range(5, THIS_WEEK) if chi_square(n) >= Fraction("15.137"))


def rates() -> Iterator[Any]:
    """Per country four hundred payments of which a tenth failed, then a week of forty."""
    for country, failures in (
        ("AA", FIRST_ANOMALY - 1), ("BB", FIRST_ANOMALY), ("CC", FIRST_ANOMALY + 1),
    ):  # fmt: skip
        for n in range(BEFORE):
            yield paid_or_not(f"{country}b{n}", "2026-05-01", n * 10_000, country, n >= 40)
        for n in range(THIS_WEEK):
            yield paid_or_not(f"{country}w{n}", "2026-06-25", n * 10_000, country, n >= failures)
            # A retry of the same payment says nothing new.
            if n < failures:
                again = paid_or_not(f"{country}r{n}", "2026-06-25", n * 10_000 + 60, country, False)
                yield again | {"payment_intent": f"pi_ch_{country}w{n}"}


def paid_or_not(name: str, start: str, seconds: int, country: str, paid: bool) -> Any:
    return stripe.charge(
        f"ch_{name}", 1_000, at(start, seconds), status="succeeded" if paid else "failed",
        failure_code=None if paid else "card_declined",
        payment_method_details=card(f"print_{name}", country=country),
    )  # fmt: skip


def cases(brand: str) -> Iterator[Any]:
    """Eighty-two disputes in November so far, and two in the last days of October."""
    days = [f"2026-11-{1 + n % 19:02}T12:00:00" for n in range(82)]
    for n, day in enumerate([*days, "2026-10-28T12:00:00", "2026-10-29T12:00:00"]):
        name = f"{brand}{n}"
        yield stripe.charge(
            f"ch_{name}", 100_000, day, customer=f"cus_{name}",
            payment_method_details=card(f"print_{name}", brand),
        )  # fmt: skip
        yield stripe.dispute(f"du_{name}", f"ch_{name}", 100_000, day, [], reason="general")


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    landing = Landing()
    objects = [*bursts(), *judged(), *rates(), *cases("visa"), *cases("mastercard")]
    stripe.land(landing, objects, AS_OF)
    return model(landing, tmp_path_factory.mktemp("fraud"), AS_OF, SELECT)


def test_a_burst_begins_at_fifteen_new_cards(warehouse: Warehouse) -> None:
    rows = warehouse.rows(
        "select currency, attempts, failed, cards, amount_attempted, amount_taken"
        " from finance.card_testing_bursts order by currency"
    )
    assert rows == [
        ("cad", 15, 15, 15, Decimal("15.000"), Decimal(0)),
        ("eur", 15, 15, 15, Decimal("15.000"), Decimal(0)),
        ("gbp", 16, 16, 16, Decimal("16.000"), Decimal(0)),
    ]


@pytest.mark.parametrize(
    ("name", "label"),
    [
        ("warned", "fraud"), ("stolen", "fraud"), ("won", "genuine"), ("goods", "genuine"),
        ("good", "genuine"), ("eur3", "suspected"), ("usd3", "unknown"),
    ],
)  # fmt: skip
def test_what_became_of_a_payment(warehouse: Warehouse, name: str, label: str) -> None:
    rows = warehouse.rows(
        "select fraud_label from finance.payment_risk where charge_id = ?", f"ch_{name}"
    )
    assert rows == [(label,)]


def test_score_and_outcome_stand_beside_each_payment(warehouse: Warehouse) -> None:
    rows = warehouse.rows(
        "select risk_score, risk_level, outcome_type, dispute_reason, dispute_outcome, warning_id"
        " from finance.payment_risk where charge_id = 'ch_stolen'"
    )
    assert rows == [(61, "elevated", "authorized", "fraudulent", "lost", "issfr_stolen")]


def test_what_is_left_to_do_about_a_warning(warehouse: Warehouse) -> None:
    rows = warehouse.rows("select charge_id, recommended_action from finance.early_fraud_warnings")
    assert dict(rows) == {
        "ch_warned": "refund", "ch_refunded": "none", "ch_seen": "watch",
        "ch_stolen": "answer_dispute",
    }  # fmt: skip


def test_disputes_by_reason_with_deadline_and_win_rate(warehouse: Warehouse) -> None:
    rows = warehouse.rows(
        "select month::varchar, reason, disputes, won, lost, lost_unanswered, win_rate, to_answer,"
        " next_evidence_due_on::varchar from finance.disputes_by_reason"
        " where reason <> 'general' order by all"
    )
    assert rows == [
        ("2026-04-01", "fraudulent", 2, 1, 1, 0, Decimal("0.500000"), 0, None),
        ("2026-04-01", "product_not_received", 1, 0, 1, 1, Decimal(0), 0, None),
        ("2026-11-01", "product_not_received", 1, 0, 0, 0, None, 1, "2026-11-27"),
    ]


def test_an_anomaly_begins_where_chance_hardly_explains_it(warehouse: Warehouse) -> None:
    rows = warehouse.rows(
        "select distinct on (value) value, attempts, failures, usual_rate, expected_failures,"
        " chi_square from finance.failure_rate_anomalies where dimension = 'country'"
        " and attempts = 40 order by value, date"
    )
    expected = [
        (country, THIS_WEEK, failures, Decimal("0.1"), Decimal(4),
         round(Decimal(chi_square(failures).numerator) / chi_square(failures).denominator, 3))
        for country, failures in (("BB", FIRST_ANOMALY), ("CC", FIRST_ANOMALY + 1))
    ]  # fmt: skip
    assert rows == expected


def test_when_a_programme_will_be_crossed(warehouse: Warehouse) -> None:
    """Three cases a day: from 82 it takes six days to reach 100 and seven to pass it."""
    rows = warehouse.rows(
        "select programme, cases, cases_in_28_days, crosses_on::varchar, days_left"
        " from finance.risk_forecast where programme in ('ECM', 'HECM', 'VAMP excessive CEMEA')"
        " order by programme"
    )
    assert rows == [
        ("ECM", 82, 84, "2026-11-26", 6),
        ("HECM", 82, 84, None, None),
        ("VAMP excessive CEMEA", 82, 84, "2026-11-27", 7),
    ]
