"""Any past night is computed again to the digit, and a day is a day of the reporting time zone."""

from __future__ import annotations

from pathlib import Path

from landing_harness import Landing, Warehouse, model
from mrr_examples import Examples, examples
from stripe_objects import invoice, line

NIGHT = "2026-04-10T00:00:00"
TABLES = ("mrr_monthly", "mrr_movements", "churn_monthly", "cohort_retention", "scheduled_churn")


def contents(warehouse: Warehouse) -> dict[str, list[tuple[object, ...]]]:
    return {t: warehouse.rows(f"select * from finance.{t} order by all") for t in TABLES}


def test_a_past_night_gives_its_figures_again(tmp_path: Path) -> None:
    everything = examples()
    known_then = Landing([row for row in everything.rows if row["pull_id"] <= NIGHT])
    assert 0 < len(known_then.rows) < len(everything.rows)
    selected = "+path:models/marts/subscriptions"
    then = model(known_then, _folder(tmp_path, "then"), NIGHT, selected, tested=False)
    again = model(everything, _folder(tmp_path, "again"), NIGHT, selected, tested=False)
    assert contents(again) == contents(then)
    assert len(contents(then)["mrr_movements"]) > 1000
    latest = then.value("select max(occurred_on)::text from finance.mrr_movements")
    assert latest <= NIGHT[:10]


def test_what_is_stamped_later_does_not_exist(tmp_path: Path) -> None:
    """Even when a pull brought it: the models look at the instant, not only at the manifests."""
    e = Examples()
    body = e.starts("early", e.priced(1000), at="2026-02-10T08:00:00")
    later = e.requantifies(body, "2026-05-01T08:00:00", 3)
    for row in e.landing.rows:
        row["pull_id"] = "2026-02-01T00:00:00"
    assert later["items"]["data"][0]["quantity"] == 3
    warehouse = model(e.landing, tmp_path, NIGHT, "+mrr_movements", tested=False)
    rows = warehouse.rows("select movement, mrr_after from finance.mrr_movements")
    assert rows == [("new", 10)]


def test_days_and_months_are_those_of_the_reporting_zone(tmp_path: Path) -> None:
    e = Examples()
    # 22:30 UTC on 31 March is 00:30 on 1 April in Berlin, whose clocks changed on 29 March.
    body = e.starts("berlin", e.priced(3100), at="2026-03-31T22:30:00")
    e.requantifies(body, "2026-04-30T21:59:59", 2)
    billed = line("il_b", 3100, "2026-03-31T22:30:00", "2026-04-30T22:00:00", body["id"],
                  "si_berlin_0", "price_1")  # fmt: skip
    e.landing.version(
        invoice("in_b", "cus_berlin", "2026-03-31T22:30:00", [billed], body["id"]), "2026-04-01"
    )
    selected = "+mrr_movements +mrr_monthly +revenue_recognition"
    warehouse = model(
        e.landing, tmp_path, "2026-05-10T00:00:00", selected, "Europe/Berlin", tested=False
    )
    assert warehouse.rows(
        "select occurred_on::text, movement from finance.mrr_movements order by 1"
    ) == [("2026-04-01", "new"), ("2026-04-30", "expansion")]
    assert warehouse.rows("select month::text, mrr from finance.mrr_monthly order by 1") == [
        ("2026-04-01", 62),
        ("2026-05-01", 62),
    ]
    # Thirty days of service, 1 to 30 April.
    assert warehouse.rows(
        "select month::text, recognised from finance.revenue_recognition order by 1 limit 1"
    ) == [("2026-04-01", 31)]


def _folder(parent: Path, name: str) -> Path:
    folder = parent / name
    folder.mkdir()
    return folder
