"""A closed month stands; what later facts change in it is a dated adjustment."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import payment_objects as stripe
from landing_harness import Landing, model

from heirpay_pipelines.state.database import open_state

AS_OF = "2026-03-05T00:00:00"


def test_late_facts_of_a_closed_month_are_adjustments(tmp_path: Path) -> None:
    state_file = tmp_path / "state.sqlite"
    with open_state(state_file) as state:
        state.connection.execute(
            "insert into period_closes values ('2026-01', '2026-02-02', 'ada',"
            " '2026-02-01T00:00:00', 'run-1', '{}', '', null, null)"
        )
        frozen = {"gross_volume": "100.000", "net_volume": "100.000", "fees": "0.000"}
        for figure in ("refunds", "disputes", "dispute_reversals", "other"):
            frozen[figure] = "0.000"
        for figure, value in frozen.items():
            state.connection.execute(
                "insert into period_figures values ('2026-01', 'daily_revenue', '', 'usd', ?, ?)",
                (figure, value),
            )
    landing = Landing()
    objects = [
        stripe.movement("txn_1", "charge", 10_000, "2026-01-05T12:00:00"),
        # Known only after the close, though it is of January.
        stripe.movement("txn_late", "refund", -2500, "2026-01-31T12:00:00"),
        stripe.movement("txn_2", "charge", 700, "2026-02-05T12:00:00"),
    ]
    stripe.land(landing, objects, AS_OF)
    folder = tmp_path / "night"
    folder.mkdir()
    warehouse = model(
        landing, folder, AS_OF, "+closed_period_adjustments", tested=False, state_file=state_file
    )
    rows = warehouse.rows(
        "select figure, closed_value, value_now, adjustment, adjusted_on"
        " from finance.closed_period_adjustments where table_name = 'daily_revenue'"
        " and month = '2026-01-01' order by figure"
    )
    posted = date(2026, 3, 5)
    assert rows == [
        ("net_volume", 100, 75, -25, posted),
        ("refunds", 0, -25, -25, posted),
    ]
    months = "select distinct month from finance.closed_period_adjustments"
    assert warehouse.rows(months) == [(date(2026, 1, 1),)]
