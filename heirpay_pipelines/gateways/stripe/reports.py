"""Stripe's own financial reports: request a run, wait for it, read its file line by line.

Reports cost no read allocation. Creating a run needs the write permission of report runs; a key
without it gets a fact for the coverage statement, not an error.
"""

from __future__ import annotations

import csv
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httpx
import orjson
import stripe

from heirpay_pipelines.gateways.errors import NotReadableError, PullError, TransientError
from heirpay_pipelines.gateways.stripe.client import SyncTransport, tls_context

FILES_HOST = "https://files.stripe.com/"
POLL_SECONDS, LONGEST_POLL_SECONDS = 0.25, 20.0
PATIENCE_SECONDS = 900
TIMEOUT_SECONDS = 60.0
# Report type: the columns that the tie-out needs (Stripe's report type reference).
REPORTS = {
    "balance.summary.1": ("category", "description", "net_amount", "currency"),
    "balance_change_from_activity.itemized.3": (
        "balance_transaction_id", "created_utc", "currency", "gross", "fee", "net",
        "reporting_category",
    ),
    "payout_reconciliation.itemized.5": (
        "automatic_payout_id", "automatic_payout_effective_at_utc", "balance_transaction_id",
        "created_utc", "currency", "gross", "fee", "net", "reporting_category",
    ),
}  # fmt: skip
Row = dict[str, str]


@dataclass(frozen=True)
class ReportRun:
    """A finished run: interval in epoch seconds (end excluded) and where its file is."""

    id: str
    report_type: str
    interval_start: int
    interval_end: int
    url: str


class Reports:
    """The Reporting API of one account. `sleep` waits that many seconds between two looks."""

    def __init__(
        self,
        key: str,
        base: str,
        *,
        sleep: Callable[[float], None] = time.sleep,
        poll: float = POLL_SECONDS,
        patience: float = PATIENCE_SECONDS,
    ) -> None:
        self._key, self._base = key, base.rstrip("/")
        self._sleep, self._poll, self._patience = sleep, poll, patience
        self._stripe = stripe.StripeClient(
            key,
            base_addresses={"api": self._base},
            http_client=SyncTransport(TIMEOUT_SECONDS),
            max_network_retries=3,
        )
        self.requests = 0

    def available(self, report_type: str) -> tuple[int, int]:
        """From and until when (epoch seconds) the report has data. Raises NotReadableError."""
        found = self._call("get", f"reporting/report_types/{report_type}")
        return int(found["data_available_start"]), int(found["data_available_end"])

    def run(self, report_type: str, start: int, end: int) -> ReportRun:
        """Request the report over [start, end) and wait until it is there.

        Raises NotReadableError without the permission, PullError when Stripe fails the run or does
        not finish it in time.
        """
        made = self._call(
            "post",
            "reporting/report_runs",
            report_type=report_type,
            parameters={
                "interval_start": start,
                "interval_end": end,
                "columns": list(REPORTS[report_type]),
            },
        )
        waited, wait = 0.0, self._poll
        while made["status"] == "pending":
            if waited >= self._patience:
                raise PullError(f"report {report_type} was not ready after {waited:.0f} seconds")
            self._sleep(wait)
            waited, wait = waited + wait, min(wait * 2, LONGEST_POLL_SECONDS)
            made = self._call("get", f"reporting/report_runs/{made['id']}")
        if made["status"] != "succeeded":
            raise PullError(f"Stripe could not run report {report_type}: {made.get('error')}")
        return ReportRun(made["id"], report_type, start, end, str(made["result"]["url"]))

    @contextmanager
    def rows(self, run: ReportRun) -> Iterator[Iterator[Row]]:
        """The lines of a run's file, streamed: columns to texts, amounts in major units."""
        # The key goes with the request: to Stripe's file host or the configured one, nowhere else.
        if not run.url.startswith((FILES_HOST, f"{self._base}/")):
            raise PullError(f"report {run.report_type} names a file on a host that is not Stripe's")
        self.requests += 1
        headers = {"Authorization": f"Bearer {self._key}"}
        try:
            with httpx.stream(
                "GET", run.url, headers=headers, timeout=TIMEOUT_SECONDS, verify=tls_context()
            ) as answer:
                if answer.status_code != httpx.codes.OK:
                    raise PullError(
                        f"the file of report {run.report_type} was answered with"
                        f" {answer.status_code}"
                    )
                yield csv.DictReader(answer.iter_lines(), strict=True)
        except (httpx.HTTPError, csv.Error) as error:
            raise TransientError(
                f"the file of report {run.report_type} broke off ({type(error).__name__})"
            ) from None

    def _call(self, method: str, path: str, **params: Any) -> dict[str, Any]:
        self.requests += 1
        try:
            answer = self._stripe.raw_request(method, f"/v1/{path}", **params)
        except stripe.StripeError as error:
            status = error.http_status
            if status in (httpx.codes.FORBIDDEN, httpx.codes.NOT_FOUND):
                why = "the key may not run reports" if status == 403 else "not found"
                raise NotReadableError(int(status), f"/v1/{path}: {why} ({status})") from None
            if status is None or status >= httpx.codes.INTERNAL_SERVER_ERROR:
                raise TransientError(f"/v1/{path}: Stripe did not answer") from None
            raise PullError(f"/v1/{path}: Stripe refused ({status}: {error.code})") from None
        found: dict[str, Any] = orjson.loads(answer.body)
        return found
