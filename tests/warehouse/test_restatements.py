"""A past month that is published otherwise than before says so, and why."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

from landing_harness import Landing, Warehouse, epoch, model
from mrr_examples import Examples
from stripe_objects import invoice, line

from heirpay_pipelines.books.published_figures import record_figures
from heirpay_pipelines.duck import connect
from heirpay_pipelines.state.database import open_state

SELECT = "currencies +restatements"


def published(landing: Landing, folder: Path, as_of: str) -> tuple[Warehouse, int]:
    """One night: build as of the instant, then record what is published."""
    home = folder / as_of[:10]
    home.mkdir()
    state_file = folder / "state.sqlite"
    warehouse = model(landing, home, as_of, SELECT, state_file=state_file, tested=False)
    with (
        connect(warehouse.database, None, read_only=True) as connection,
        open_state(state_file) as state,
    ):
        return warehouse, record_figures(connection, state)


def restated(warehouse: Warehouse) -> list[tuple[Any, ...]]:
    return warehouse.rows(
        "select month, table_name, figure, published_before, published_now, difference, caused_by"
        " from finance.restatements order by all"
    )


def test_what_comes_late_restates_a_closed_month(tmp_path: Path) -> None:
    e = Examples()
    billed = line("il_1", 3100, "2026-03-01", "2026-04-01", currency="eur")
    bill = invoice("in_1", "cus_1", "2026-03-01T08:00:00", [billed], currency="eur")
    e.landing.version(bill, "2026-03-02")
    body = e.starts("steady", e.priced(1000), at="2026-02-10T08:00:00")
    e.starts("other", e.priced(3000), at="2026-02-10T08:00:00")
    crowns = line("il_2", 3100, "2026-03-01", "2026-04-01", currency="nok")
    wrong = invoice("in_2", "cus_1", "2026-03-01T08:00:00", [crowns], currency="nok")
    e.landing.version(wrong, "2026-03-02")
    first, kept = published(e.landing, tmp_path, "2026-04-10T00:00:00")
    assert restated(first) == []
    assert kept > 0

    # The running month may change freely: that of April is no restatement in May.
    e.requantifies(body, "2026-04-11T08:00:00", 2)
    # In May it becomes known that the quantity had been 5 from 20 March.
    late = {**body["items"]["data"][0], "quantity": 5}
    e.landing.event(
        "customer.subscription.updated",
        {**body, "items": {"data": [late], "has_more": False}},
        "2026-03-20T08:00:00",
        event_id="evt_late",
        known_at="2026-05-02T00:00:00",
    )
    # That the only bill in crowns is a draft still: no figure of that currency is left.
    draft = wrong | {"status": "draft", "status_transitions": {}}
    e.landing.version(draft, "2026-03-25T08:00:00", known_at="2026-05-02T00:00:00")
    # And that ten euros of a bill of March were credited then.
    note = {
        "id": "cn_1", "object": "credit_note", "created": epoch("2026-03-25T08:00:00"),
        "currency": "eur", "invoice": "in_1", "status": "issued", "amount": 1000,
        "lines": {"data": [{"id": "cnli_1", "object": "credit_note_line_item", "amount": 1000,
                            "type": "invoice_line_item", "invoice_line_item": "il_1"}],
                  "has_more": False},
    }  # fmt: skip
    e.landing.version(note, "2026-03-25T08:00:00", known_at="2026-05-02T00:00:00")
    third, kept = published(e.landing, tmp_path, "2026-05-03T00:00:00")
    rows = restated(third)
    march = date(2026, 3, 1)
    assert (
        march,
        "mrr_monthly",
        "mrr",
        Decimal(40),
        Decimal(80),
        Decimal(40),
        "sub_steady",
    ) in rows
    assert not third.rows("from finance.revenue_recognition where currency = 'nok'")
    assert (march, "revenue_recognition", "recognised", 31, 0, -31, "in_2") in rows
    assert {row[0] for row in rows} == {march}
    # Each is put down to what came late in its own currency.
    assert {(row[1], row[6]) for row in rows} == {
        ("mrr_monthly", "sub_steady"),
        ("churn_monthly", "sub_steady"),
        ("revenue_recognition", "in_2"),
        ("revenue_recognition", "cn_1"),
    }
    assert (march, "revenue_recognition", "recognised", 31, 21, -10, "cn_1") in rows

    # The same night again says the same and keeps nothing new; the next night still tells it.
    again, kept_again = _again(e.landing, tmp_path, "2026-05-03T00:00:00")
    assert restated(again) == rows
    assert kept_again == kept
    later, _ = published(e.landing, tmp_path, "2026-05-04T00:00:00")
    assert restated(later) == rows


def _again(landing: Landing, folder: Path, as_of: str) -> tuple[Warehouse, int]:
    (folder / as_of[:10]).rename(folder / "before")
    return published(landing, folder, as_of)
