"""What an item is worth and cannot be known is named by a control, never a silent zero."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from landing_harness import Warehouse, model
from mrr_examples import TIERS, Examples
from stripe_objects import discount, invoice, item, line, price

from heirpay_pipelines.controls import ControlResult, RunContext, load_register, run_controls
from heirpay_pipelines.settings import Settings

AS_OF = "2026-10-20T00:00:00"
START = "2026-02-10T12:00:00"
KEYS = ("live_items_priced", "past_items_priced", "discounts_known")


def unknown_coupon(discount_id: str) -> dict[str, object]:
    """A discount whose coupon is a mere id, as one is that was deleted before the first pull."""
    found = discount(discount_id, percent_off=10)
    return {**found, "source": {"type": "coupon", "coupon": "co_deleted"}}


def one_bill(
    e: Examples, body: dict[str, Any], discount_id: str, sign: int = 1, **extra: Any
) -> None:
    item_id, cut = body["items"]["data"][0]["id"], ((discount_id, sign * 100),)
    billed = line(
        f"il_{body['id']}", sign * 1000, START, "2026-03-10", body["id"], item_id, discounts=cut
    )
    its = invoice(f"in_{body['id']}", body["customer"], START, [billed], body["id"], **extra)
    e.landing.version(its, START)


def missing() -> Examples:
    """Each subscription lacks one thing that its MRR needs; those of `fine` lack nothing."""
    e = Examples()
    ten = e.priced(1000)
    e.starts("fine", ten, discounts=[discount("di_fine", percent_off=10)])
    e.starts("fine_free", e.priced(0))
    e.starts("fine_metered", e.priced(10, usage_type="metered"))
    e.starts("fine_trial", price("price_trial", tiers=TIERS), status="trialing")
    never_landed = price("price_gone", tiers=TIERS, tiers_mode="volume")
    e.starts("no_price", never_landed)
    e.starts("no_currency", e.priced(1000), currency="eur")
    e.starts("no_tiers", e.priced(tiers=TIERS, options={"eur": 0}), currency="eur")
    was = e.starts("was", price("price_was", tiers=TIERS, tiers_mode="volume"))
    e.changes(was, "2026-04-01", items={"data": [item("si_was_0", ten)], "has_more": False})
    e.starts("coupon", ten, discounts=[unknown_coupon("di_coupon")])
    e.starts("bare", ten, discounts=["di_bare"])
    fixed = discount("di_fixed", amount_off=100, currency="eur")
    e.starts("fixed", ten, discounts=[fixed])
    # Only a line of one bill tells of these. What it reduced the first by says what that is; from
    # what a credit gives back of a discount nobody knows it.
    one_bill(e, e.starts("fine_cut", ten), "di_cut")
    one_bill(e, e.starts("bill", ten), "di_bill", sign=-1)
    once = discount("di_once", percent_off=10, duration="once")
    one_bill(e, e.starts("fine_bill", ten), "di_once", discounts=[once])
    e.starts("fine_trial_coupon", ten, status="trialing", discounts=[unknown_coupon("di_trial")])
    return e


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    folder: Path = tmp_path_factory.mktemp("missing")
    return model(missing().landing, folder, AS_OF, "+int_item_mrr +int_carried_discounts")


@pytest.fixture(scope="module")
def found(warehouse: Warehouse) -> dict[str, ControlResult]:
    home = warehouse.database.parent
    as_of = datetime.fromisoformat(AS_OF).replace(tzinfo=UTC)
    run = RunContext("run-1", as_of, Settings(HEIRPAY_HOME=home), as_of)
    controls = [each for each in load_register() if each.key in KEYS]
    return {
        result.key: result for result in run_controls(warehouse.database, run, controls=controls)
    }


@pytest.mark.parametrize(
    ("key", "severity", "named"),
    [
        (
            "live_items_priced",
            "blocking",
            {"si_no_price_0 price_gone", "si_no_currency_0 price_4", "si_no_tiers_0 price_5"},
        ),
        ("past_items_priced", "warning", {"si_was_0 price_was"}),
        (
            "discounts_known",
            "warning",
            {"sub_coupon di_coupon", "sub_bare di_bare", "sub_fixed di_fixed", "sub_bill di_bill"},
        ),
    ],
)
def test_what_is_missing_is_named(
    found: dict[str, ControlResult], key: str, severity: str, named: set[str]
) -> None:
    assert (found[key].status, found[key].severity) == ("fail", severity), found[key]
    assert set(found[key].evidence["ids"]) == named


def test_a_discount_that_one_bill_tells_of_is_read_from_its_line(warehouse: Warehouse) -> None:
    found = (
        "select duration, percent_off, amount_off, is_from_lines from intermediate.int_discounts"
    )
    assert warehouse.rows(f"{found} where id = 'di_cut'") == [("once", 10, None, True)]
