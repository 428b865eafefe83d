"""The contents of many payouts come from Stripe's report; without it, from a list for each."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from served_account import Account, landed, served

REPORT = "reporting/payout_reconciliation.itemized.5 for payouts"
LISTS = "/v1/balance_transactions?payout={id}"


def lines(account: Account, home: Path) -> dict[str, dict[str, Any]]:
    return {line["endpoint"]: line for line in account.pull(home).manifest.coverage}


def assert_whole(account: Account, home: Path) -> int:
    """Every completed automatic payout has what Stripe lists for it; how many there are."""
    found = landed(account.settings(home))
    payouts = [
        payout["id"]
        for payout in account.store.all("payout")
        if payout["automatic"] and payout["reconciliation_status"] == "completed"
    ]
    for id in payouts:
        contents = {t["id"] for t in account.store.payout_contents(id)}
        assert set(found["payout_composition", id]["balance_transactions"]) == contents
    return len(payouts)


def test_many_payouts_come_from_a_report_and_the_newest_from_lists(tmp_path: Path) -> None:
    with served(days=240) as account:
        coverage = lines(account, tmp_path)
        payouts = assert_whole(account, tmp_path)
        assert payouts >= 50
        assert coverage[REPORT]["mode"] == "report"
        assert coverage[REPORT]["status"] == "complete"
        assert "no read allocation" in coverage[REPORT]["reason"]
        movements = coverage["/v1/balance_transactions"]
        assert movements["mode"] == "full"
        assert "reports lack the parts of fees" in movements["reason"]
        assert coverage[REPORT]["requests"] < 10
        assert coverage[REPORT]["rows"] + coverage[LISTS]["rows"] == payouts
        # Reports lag behind; what they do not hold yet is listed, a request for each payout.
        assert coverage[LISTS]["requests"] == payouts - coverage[REPORT]["rows"] < 10
        account.advance(1)
        again = lines(account, tmp_path)
        assert REPORT not in again
        assert again["/v1/balance_transactions"]["reason"] is None
        assert_whole(account, tmp_path)


def test_a_key_that_may_not_run_reports_lists_them_all(tmp_path: Path) -> None:
    with served(days=240) as account:
        account.app.server.api.denied = frozenset({"reporting"})
        coverage = lines(account, tmp_path)
        assert coverage[REPORT]["status"] == "forbidden"
        assert "reports" in coverage[REPORT]["reason"]
        assert coverage[LISTS]["rows"] == assert_whole(account, tmp_path)
