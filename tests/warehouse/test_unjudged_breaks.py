"""Breaks that name what could not be read are not judged, and coverage says which and how many."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import payment_objects as stripe
from landing_harness import Landing, Warehouse, model

AS_OF = "2026-12-01T00:00:00"
SELECT = "+reconciliation_breaks +coverage"


def unreadable(id: str) -> dict[str, Any]:
    return {"id": f"unreadable_{id}", "object": "unreadable_object", "object_name": "charge",
            "object_id": id, "named_by": "txn_0", "status": "forbidden"}  # fmt: skip


def built(folder: Path, *, readable: bool) -> Warehouse:
    """Twenty-five movements of charges that nobody has; one payout that the bank sent back."""
    landing = Landing()
    movements = [
        stripe.movement(f"txn_{n:02}", "charge", 1000, "2026-11-05T12:00:00", source=f"ch_{n:02}")
        for n in range(25)
    ]
    one = [stripe.charge("ch_known", 500, "2026-11-05T12:00:00", transaction="txn_known"),
           stripe.movement("txn_known", "charge", 500, "2026-11-05T12:00:00",
                           source="ch_known")]  # fmt: skip
    absent = [] if readable else [unreadable(f"ch_{n:02}") for n in range(25)]
    stripe.land(landing, [*movements, *one, *absent], AS_OF)
    return model(landing, folder, AS_OF, SELECT, tested=False)


ORPHANS = "select count(*) from finance.reconciliation_breaks where kind like '%orphan'"
LINES = (
    "select endpoint, object_name, rows, status, reason from operations.coverage"
    " where status = 'not_judged'"
)


def test_coverage_counts_the_breaks_that_could_not_be_judged(tmp_path: Path) -> None:
    found = built(tmp_path, readable=False)
    assert found.value(ORPHANS) == 0
    ((endpoint, name, rows, _, reason),) = found.rows(LINES)
    assert endpoint == "reconciliation: balance_transaction_orphan"
    assert (name, rows) == ("reconciliation_break", 25)
    assert "txn_00, txn_01" in reason
    assert reason.count("txn_") == 20


def test_what_can_be_read_is_judged(tmp_path: Path) -> None:
    found = built(tmp_path, readable=True)
    assert found.value(ORPHANS) == 25
    assert found.rows(LINES) == []
