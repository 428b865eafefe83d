"""`heirpay sandbox serve`, as it is started by hand."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest
from click.testing import CliRunner

from heirpay_pipelines.sandbox.command import sandbox, start_of

COMMAND = [sys.executable, "-m", "heirpay_pipelines", "sandbox", "serve"]
OPTIONS = ["--now", "2026-09-01", "--start", "2026-08-01T00:00:00Z", "--seed", "7"]


def free_port() -> int:
    with closing(socket.create_server(("127.0.0.1", 0))) as probe:
        return int(probe.getsockname()[1])


def test_it_prints_what_it_serves_and_serves_it(tmp_path: Path) -> None:
    port, key = free_port(), "rk_test_of_my_own"
    options = [*OPTIONS, "--port", str(port), "--key", key, "--latency-ms", "30"]
    options += ["--bank-statements", str(tmp_path / "bank")]
    with subprocess.Popen([*COMMAND, *options], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        printed = "".join(process.stdout.readline() for _ in range(3))
        base, headers = f"http://127.0.0.1:{port}/v1", {"authorization": f"Bearer {key}"}
        deadline = time.monotonic() + 20
        while True:
            try:
                answer = httpx.get(f"{base}/charges", headers=headers)
                break
            except httpx.ConnectError:
                assert time.monotonic() < deadline
                time.sleep(0.05)
        refused = httpx.get(f"{base}/charges", headers={"authorization": "Bearer rk_other"})
        process.terminate()
    assert "acct_" in printed
    assert "as of 2026-09-01 00:00 UTC" in printed
    assert f"STRIPE_API_BASE=http://127.0.0.1:{port}" in printed
    assert " charge," in printed
    assert answer.json()["data"]
    assert answer.elapsed.total_seconds() > 0.02
    assert refused.status_code == 401
    assert list((tmp_path / "bank").iterdir())


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
