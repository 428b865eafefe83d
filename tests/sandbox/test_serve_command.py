"""`heirpay sandbox serve`, as it is started by hand."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest
from click.testing import CliRunner

from heirpay_pipelines.sandbox import SANDBOX_KEY
from heirpay_pipelines.sandbox.command import sandbox, start_of

COMMAND = [sys.executable, "-m", "heirpay_pipelines", "sandbox", "serve"]
OPTIONS = ["--now", "2026-09-01", "--start", "2026-08-01T00:00:00Z", "--seed", "7"]


def free_port() -> int:
    with closing(socket.create_server(("127.0.0.1", 0))) as probe:
        return int(probe.getsockname()[1])


@contextmanager
def started(*options: str) -> Iterator[tuple[str, str]]:
    """The command in a process of its own: what it printed, and its base URL."""
    port = free_port()
    command = [*COMMAND, *OPTIONS, "--port", str(port), *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        yield "".join(process.stdout.readline() for _ in range(3)), f"http://127.0.0.1:{port}"
        process.terminate()


def get(url: str, key: str) -> httpx.Response:
    deadline = time.monotonic() + 20
    while True:
        try:
            return httpx.get(url, headers={"authorization": f"Bearer {key}"})
        except httpx.ConnectError:
            assert time.monotonic() < deadline
            time.sleep(0.05)


def test_it_prints_what_it_serves_and_serves_it(tmp_path: Path) -> None:
    key = "rk_test_of_my_own"
    options = ["--key", key, "--latency-ms", "30", "--bank-statements", str(tmp_path / "bank")]
    with started(*options) as (printed, base):
        answer, refused = get(f"{base}/v1/charges", key), get(f"{base}/v1/charges", "rk_other")
    assert "acct_" in printed
    assert "as of 2026-09-01 00:00 UTC" in printed
    assert f"STRIPE_API_BASE={base}" in printed
    assert " charge," in printed
    assert answer.json()["data"]
    assert answer.elapsed.total_seconds() > 0.02
    assert refused.status_code == 401
    assert list((tmp_path / "bank").iterdir())


def test_a_bulk_account_and_a_key_that_may_not_read_everything(tmp_path: Path) -> None:
    bank = ["--bank-statements", str(tmp_path)]
    with started("--bulk", "20000", "--deny", "charges", *bank) as (printed, base):
        transactions = get(f"{base}/v1/balance_transactions", SANDBOX_KEY)
        charges = get(f"{base}/v1/charges", SANDBOX_KEY)
    assert "20000 balance_transaction, 4000 charge" in printed
    assert list(tmp_path.iterdir())
    assert len(transactions.json()["data"]) == 10
    assert charges.status_code == 403


def test_a_bulk_account_that_is_too_small_is_refused() -> None:
    result = CliRunner().invoke(sandbox, ["serve", *OPTIONS, "--bulk", "10"])
    assert result.exit_code == 2
    assert "Invalid value for --bulk" in result.output


@pytest.mark.parametrize("option", ["--now", "--start"])
def test_a_bad_instant_is_named(option: str) -> None:
    result = CliRunner().invoke(sandbox, ["serve", option, "yesterday"])
    assert result.exit_code == 2
    assert "'yesterday' is not an ISO 8601 instant" in result.output


@pytest.mark.parametrize(
    ("now", "first"),
    [("2026-11-24", "2025-05-01"), ("2026-06-30", "2024-12-01"), ("2026-01-01", "2024-07-01")],
)
def test_the_account_opens_eighteen_months_before(now: str, first: str) -> None:
    at = datetime.fromisoformat(now).replace(tzinfo=UTC)
    assert start_of(at) == datetime.fromisoformat(first).replace(tzinfo=UTC)
