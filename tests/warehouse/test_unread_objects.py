"""What the key may not read is unknown: null in every mart that would count it, never 0."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Any

import payment_objects as stripe
import pytest
import real_tax_objects as taxes
from landing_harness import Landing, Warehouse, epoch, model
from test_risk import billed, declined, method

AS_OF = "2026-12-01T00:00:00"
SELECT = "+risk_daily +risk_programmes +risk_forecast +payment_risk +dunning"
SELECT += " +webhook_delivery_daily +card_testing_bursts"
WARNINGS = "/v1/radar/early_fraud_warnings"


def objects() -> Iterator[dict[str, Any]]:
    yield {"id": "acct_test", "object": "account", "country": "US"}
    for number in range(40):
        day = "2026-11-05" if number < 20 else "2026-11-20"
        yield stripe.charge(f"ch_{number}", 1000, f"{day}T12:00:00",
                            payment_method_details={"type": "card", "card": {"brand": "visa"}},
                            outcome={"type": "blocked" if number == 1 else "authorized"},
                            status="failed" if number == 1 else "succeeded")  # fmt: skip
    yield {"id": "issfr_1", "object": "radar.early_fraud_warning", "charge": "ch_2",
           "created": epoch("2026-11-06"), "fraud_type": "misc", "actionable": True}  # fmt: skip
    yield stripe.dispute("du_1", "ch_3", 1000, "2026-11-21T12:00:00", [])
    yield from billed("in_ask", "pi_ask", "open", customer="cus_3")
    yield declined("ask", "lost_card", "2026-11-25T12:00:00", payment_intent="pi_ask",
                   customer="cus_3", payment_method="pm_1", fingerprint="print_1")  # fmt: skip
    yield method("pm_1", "cus_3", "print_1", 2030)


def built(folder: Any, refused: dict[str, str | None]) -> Warehouse:
    landing = Landing(refused=refused)
    hidden = {"payment_method"} if "/v1/payment_methods" in refused else set()
    if refused.get(WARNINGS, "read") is None:
        hidden.add("radar.early_fraud_warning")
    stripe.land(landing, [o for o in objects() if o["object"] not in hidden], AS_OF)
    return model(landing, folder, AS_OF, SELECT)


@pytest.fixture(scope="module")
def never(tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    refused: dict[str, str | None] = {WARNINGS: None, "/v1/payment_methods": None}
    return built(tmp_path_factory.mktemp("never"), {**refused, "/v1/events": None})


@pytest.fixture(scope="module")
def lost(tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    """The permission was taken away on 15 November."""
    return built(tmp_path_factory.mktemp("lost"), {WARNINGS: "2026-11-15T00:00:00"})


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    return built(tmp_path_factory.mktemp("whole"), {})


DAILY = (
    "select date, early_fraud_warnings, early_fraud_amount, fraud_ratio, dispute_and_fraud_ratio,"
    " month_cases, blocked, disputes from finance.risk_daily order by date"
)


def test_warnings_that_could_never_be_read_are_unknown_on_every_day(never: Warehouse) -> None:
    rows = never.rows(DAILY)
    assert [row[1:6] for row in rows] == [(None,) * 5] * len(rows)
    # What a charge itself and the disputes tell is known.
    assert [sum(row[place] for row in rows) for place in (6, 7)] == [1, 1]


def test_warnings_are_known_until_the_permission_went(lost: Warehouse) -> None:
    rows = {row[0]: row[1:6] for row in lost.rows(DAILY)}
    assert rows[date(2026, 11, 5)][0] == 0
    assert rows[date(2026, 11, 6)][:2] == (1, 10)
    assert {rows[day] for day in rows if day >= date(2026, 11, 15)} == {(None,) * 5}


def test_warnings_that_are_read_are_counted_and_0_is_a_count(whole: Warehouse) -> None:
    rows = whole.rows(DAILY)
    assert [row[1] for row in rows].count(None) == 0
    assert sum(row[1] for row in rows) == 1


@pytest.mark.parametrize("kind", ["never", "lost"])
def test_programmes_that_count_warnings_do_not_say_that_they_are_kept(
    kind: str, request: pytest.FixtureRequest
) -> None:
    built: Warehouse = request.getfixturevalue(kind)
    rows = built.rows(
        "select programme, cases, ratio, forecast_cases, is_exceeded, is_forecast_exceeded"
        " from finance.risk_programmes where network = 'visa' and applies"
        " and month = '2026-11-01' order by programme"
    )
    vamp = [row for row in rows if "VAMP" in row[0] and "enumeration" not in row[0]]
    assert vamp
    assert {row[1:4] for row in vamp} == {(None, None, None)}
    assert {row[4:] for row in vamp} <= {(None, None), (False, False)}
    forecast = built.rows(
        "select cases, ratio from finance.risk_forecast where programme = ?", vamp[0][0]
    )
    assert forecast == [(None, None)]


def test_programmes_are_counted_where_warnings_are_read(whole: Warehouse) -> None:
    rows = whole.rows(
        "select distinct cases, is_exceeded from finance.risk_programmes where network = 'visa'"
        " and programme = 'VAMP excessive' and applies and month = '2026-11-01'"
    )
    assert rows == [(2, False)]


def test_no_payment_is_called_genuine_where_its_warning_could_not_be_read(
    never: Warehouse, lost: Warehouse, whole: Warehouse
) -> None:
    query = "select fraud_label, count(*) from finance.payment_risk where status = 'succeeded'"
    query += " group by 1 order by 1"
    assert [label for label, _ in never.rows(query)] == ["fraud", "unknown"]
    assert dict(lost.rows(query))["genuine"] == 17
    assert dict(whole.rows(query))["genuine"] == 37


def test_other_methods_and_missing_events_are_unknown(never: Warehouse, whole: Warehouse) -> None:
    query = "select other_methods, recommended_action from finance.dunning"
    assert never.rows(query) == [(None, "ask_for_new_method")]
    assert whole.rows(query) == [(0, "ask_for_new_method")]


SESSIONS = "/v1/checkout/sessions"
TAX_IDS = "/v1/customers?expand[]=data.tax_ids"
SOLD = "+revenue_by_kind +revenue_by_country +revenue_by_product +tax_registrations +tax_warnings"
SOLD += " +revenue_recognition"


def one_off_sales() -> Iterator[dict[str, Any]]:
    """119.00 through Checkout with 19.00 of tax, refunded in part; 50.00 of an older kind that has
    no payment intent; 10.00 that an invoice bills; all to consumers in France and Germany."""
    yield {"id": "acct_test", "object": "account", "country": "AT", "default_currency": "eur"}
    euro: dict[str, Any] = {"currency": "eur"}
    yield stripe.charge("ch_cs", 11_900, "2026-11-20T12:00:00", customer="cus_1", **euro,
                        billing_details={"address": {"country": "FR"}})  # fmt: skip
    yield taxes.session("x", payment_intent="pi_ch_cs", created=epoch("2026-11-20T11:00:00"))
    yield stripe.charge("ch_old", 5000, "2026-11-20T12:00:00", payment_intent=None, **euro,
                        billing_details={"address": {"country": "DE"}})  # fmt: skip
    yield stripe.charge("ch_cs2", 11_900, "2026-10-20T12:00:00", customer="cus_2", **euro,
                        billing_details={"address": {"country": "DE"}})  # fmt: skip
    yield taxes.session("y", payment_intent="pi_ch_cs2", created=epoch("2026-10-20T11:00:00"))
    yield stripe.refund("re_cs2", "ch_cs2", 11_900, "2026-11-21T12:00:00", None, **euro)
    yield {"id": "txi_1", "object": "tax_id", "customer": "cus_2", "type": "eu_vat",
           "value": "DE136695976", "country": "DE", "created": epoch("2026-10-01")}  # fmt: skip


def sold(folder: Any, refused: dict[str, str | None]) -> Warehouse:
    landing = Landing(refused=refused)
    hidden = set()
    if SESSIONS in refused:
        known = refused[SESSIONS]
        hidden = {"cs_x"} if known else {"cs_x", "cs_y"}
    stripe.land(landing, [o for o in one_off_sales() if o["id"] not in hidden], AS_OF)
    return model(landing, folder, AS_OF, SOLD)


KIND = (
    "select month, billed, recognised from finance.revenue_by_kind where kind = 'one_off_payment'"
    " order by month"
)
EU = "select sales_amount, sales_count, status from finance.tax_registrations where country = 'EU'"


def test_tax_that_could_be_in_a_payment_makes_its_revenue_unknown(tmp_path: Any) -> None:
    whole = sold(tmp_path / "whole", {})
    october, november = date(2026, 10, 1), date(2026, 11, 1)
    assert whole.rows(KIND) == [(october, 100, 100), (november, 50, 50)]
    never = sold(tmp_path / "never", {SESSIONS: None})
    assert never.rows(KIND) == [(october, None, None), (november, None, None)]
    lost = sold(tmp_path / "lost", {SESSIONS: "2026-11-15T00:00:00"})
    # The refund's payment was read while that could be: its part of November is known.
    assert lost.rows(KIND) == [(october, 100, 100), (november, None, None)]
    by_country = (
        "select month, billed from finance.revenue_by_country where country = 'US' order by month"
    )
    assert whole.rows(by_country) == [(october, 100), (november, 50)]
    assert lost.rows(by_country) == [(october, 100), (november, None)]
    assert never.rows(by_country) == [(october, None), (november, None)]


def test_sales_of_unknown_tax_or_to_unknown_buyers_pass_no_threshold_unseen(tmp_path: Any) -> None:
    assert sold(tmp_path / "whole", {}).rows(EU) == [(150, 2, "collecting")]
    assert sold(tmp_path / "tax", {SESSIONS: None}).rows(EU) == [(None, None, None)]
    # cus_2 gave its id earlier; of cus_1 nobody knows.
    assert sold(tmp_path / "ids", {TAX_IDS: "2026-11-15T00:00:00"}).rows(EU) == [
        (None, None, "collecting")
    ]
    # What no customer is named for has no tax id.
    assert sold(tmp_path / "late", {TAX_IDS: "2026-11-25T00:00:00"}).rows(EU) == [
        (150, 2, "collecting")
    ]
