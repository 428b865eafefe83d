"""The limit is filled and not passed; what was spent is said; progress is seen."""

from __future__ import annotations

import asyncio
import io
import time
from pathlib import Path

import pytest
from rich.console import Console
from served_account import Account, Fault, served, small_store

from heirpay_pipelines.gateways.progress import TerminalProgress
from heirpay_pipelines.gateways.stripe.account import stripe_account
from heirpay_pipelines.gateways.stripe.allocation import ReadAllocation
from heirpay_pipelines.gateways.stripe.budget import LIVE, TEST, Budget, Pace, limits_of
from heirpay_pipelines.gateways.stripe.landing_run import pull_and_land
from heirpay_pipelines.gateways.stripe.probe import probe_account
from heirpay_pipelines.sandbox.limits import Limiter


@pytest.mark.parametrize(
    ("key", "limits"),
    [("sk_live_x", LIVE), ("rk_live_x", LIVE), ("sk_test_x", TEST), ("rk_test_x", TEST)],
)
def test_the_key_says_which_limits_hold(key: str, limits: tuple[float, float]) -> None:
    assert limits_of(key) == limits


def test_a_pull_fills_the_limit_and_is_not_refused(tmp_path: Path) -> None:
    """Thirty pages more than the burst take as long as the limit says, beside what the work itself
    takes on this machine: a pull without a limit says how long that is."""
    store = small_store()
    for n in range(3_000):
        store.put({"id": f"prod_{n:05d}", "object": "product", "created": store.now - n * 60 - 1})
    took = {}
    for rate in (10_000, 12):
        with served(store) as account:
            account.app.server.limiter = Limiter(60, rate)
            progress = TerminalProgress(lambda line: None, Console(file=io.StringIO()))
            client = account.client((60, rate))
            settings = account.settings(tmp_path / str(rate))
            began = time.monotonic()
            outcome = pull_and_land(
                stripe_account(settings), account.now(), False, progress, client
            )
            took[rate] = time.monotonic() - began
            assert outcome.rows["product"] == 3_000
            assert not account.app.server.refused
            assert account.app.requests["/v1/products"] <= 33
    assert 30 / 12 - 1 < took[12] < 30 / 12 + 1.5 + 2 * took[10_000]


def test_refusals_slow_down_once_a_second_and_recover() -> None:
    pace = Pace(100)
    full = pace.rate
    for _ in range(8):  # eight requests were under way
        pace.refused(10.0, 1.0)
    assert pace.rate == pytest.approx(80, rel=0.02)
    assert pace.reserve(10.0) == 11.0
    for n in range(2_000):
        pace.reserve(11.0 + n)
    assert pace.rate == pytest.approx(full)


def test_chains_grow_with_latency() -> None:
    async def chains(latency: float) -> int:
        budget = Budget(LIVE)
        budget.answered("charges", latency)
        return budget.chains("charges")

    assert asyncio.run(chains(0.05)) == 4
    assert asyncio.run(chains(0.5)) >= 0.5 * 25
    assert asyncio.run(chains(30)) == 32


@pytest.mark.parametrize(
    ("spent", "transactions", "granted", "gone"),
    [(7_999, 0, 10_000, False), (8_000, 20, 10_000, True), (8_000, 21, 10_500, False)],
)
def test_the_read_allocation_is_metered(
    spent: int, transactions: int, granted: int, gone: bool
) -> None:
    allocation = ReadAllocation(spent, transactions)
    assert (allocation.granted, allocation.nearly_gone) == (granted, gone)
    assert ("WARNING" in str(allocation)) == gone


@pytest.fixture
def account() -> object:
    with served(small_store()) as opened:
        yield opened


def test_a_run_says_what_it_spent(account: Account, tmp_path: Path) -> None:
    requests = [account.pull(tmp_path).requests for _ in range(2)]
    assert account.progress.notes[-1].startswith(f"{sum(requests)} of 10,000 read requests spent")


def test_a_request_that_goes_on_failing_is_told(account: Account, tmp_path: Path) -> None:
    account.app.faults.append(Fault("/v1/payouts", times=5, status=503))
    account.pull(tmp_path)
    (told,) = (note for note in account.progress.notes if "attempt" in note)
    assert told.startswith("GET /v1/payouts: Stripe failed with 503")
    assert "attempt 5" in told


def test_progress_shows_each_resource_and_the_limit(account: Account, tmp_path: Path) -> None:
    told: list[str] = []
    screen = Console(file=io.StringIO(), width=120, force_terminal=True)
    with TerminalProgress(told.append, screen) as progress:
        settings = account.settings(tmp_path)
        pull_and_land(
            stripe_account(settings), account.now(), False, progress, account.client((50, 25))
        )
        progress.left("charge", 5_000)
    shown = screen.file.getvalue()  # type: ignore[attr-defined]
    assert "charge" in shown
    assert "of 25" in shown
    assert "of at most 50 requests a second" in shown
    assert any(line.startswith("/v1/charges: 0 objects in 1 requests, complete") for line in told)


def test_the_doctor_learns_what_a_key_may_not_read(account: Account, tmp_path: Path) -> None:
    account.app.faults.append(Fault("/v1/payouts", status=403))
    results = {r.subject: r for r in probe_account(stripe_account(account.settings(tmp_path)))}
    assert [r.subject for r in results.values() if not r.allowed] == ["GET /v1/payouts"]
    assert "payouts" in results["GET /v1/payouts"].fix
