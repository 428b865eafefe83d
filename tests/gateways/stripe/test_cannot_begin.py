"""A night that has nobody to ask ends at once, in one line; one that nobody waits for waits."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest
from dagster._core.storage.tags import SCHEDULE_NAME_TAG
from served_account import Account, Fault, served, small_store

from heirpay_pipelines.orchestration import assets
from heirpay_pipelines.orchestration.night import night_resource
from heirpay_pipelines.settings import Settings
from heirpay_pipelines.state.database import open_state


@pytest.fixture(scope="module")
def account() -> Iterator[Account]:
    with served(small_store()) as account:
        yield account


def nobody() -> str:
    """A base URL on which nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{probe.getsockname()[1]}"


def run(home: Path, base: str, key: str) -> subprocess.CompletedProcess[str]:
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("HEIRPAY_", "STRIPE_"))}
    given = {"HEIRPAY_HOME": str(home), "STRIPE_API_BASE": base, "STRIPE_API_KEY": key}
    return subprocess.run(
        [sys.executable, "-m", "heirpay_pipelines", "run"],
        env=kept | given, cwd=home, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("case", "words"),
    [
        ("wrong key", "Stripe does not accept STRIPE_API_KEY"),
        ("refused", "127.0.0.1 cannot be reached (connection refused): check STRIPE_API_BASE"),
        ("unknown", "stripe.invalid cannot be reached ("),
    ],
)
def test_a_run_that_cannot_begin_says_so_in_one_line_and_starts_nothing(
    account: Account, tmp_path: Path, case: str, words: str
) -> None:
    base = {"wrong key": account.base, "refused": nobody()}.get(case, "https://stripe.invalid")
    before = account.app.requests.total()
    ended = run(tmp_path, base, "rk_test_of_somebody_else")
    assert ended.returncode == 1
    assert [line[: len(words)] for line in ended.stderr.split("\n") if line] == [words]
    assert ended.stdout == ""
    assert account.app.requests.total() - before == (case == "wrong key")
    assert not list((tmp_path / "dagster").glob("history/runs/*"))  # Dagster was not loaded
    assert not (tmp_path / "warehouse").exists()
    with open_state(tmp_path / "state" / "heirpay.sqlite") as state:
        (recorded,) = state.rows("select outcome, reason from runs")
        (incident,) = state.rows("select symptom from incidents where scope = 'run'")
        actions = state.rows("select action from audit_log where actor = 'nightly'")
    assert recorded["outcome"] == "failed"
    assert recorded["reason"].startswith(words)
    assert incident["symptom"] == "processing_errors"
    assert [row["action"] for row in actions] == ["run_started", "run_failed"]


def pulled(settings: Settings, is_scheduled: bool) -> tuple[int, str]:
    """How often the pull was put off, and how it ended."""
    ended = dg.materialize(
        [assets.pull_and_land_asset],
        resources={"night": night_resource(settings)},
        instance=dg.DagsterInstance.ephemeral(),
        tags={SCHEDULE_NAME_TAG: "nightly"} if is_scheduled else {},
        raise_on_error=False,
    )
    waits = [e for e in ended.all_events if e.event_type_value == "STEP_UP_FOR_RETRY"]
    error = ended.get_step_failure_events()[0].step_failure_data.error
    while error.cause is not None:
        error = error.cause
    return len(waits), error.message


def test_a_scheduled_run_waits_half_an_hour_for_a_host_and_never_for_a_key(
    account: Account, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert assets.HOST_TRIES * assets.HOST_WAIT_SECONDS == 30 * 60
    monkeypatch.setattr(assets, "HOST_TRIES", 3)
    monkeypatch.setattr(assets, "HOST_WAIT_SECONDS", 0)
    away = Settings(HEIRPAY_HOME=tmp_path / "a", STRIPE_API_BASE=nobody(), STRIPE_API_KEY="rk_x")
    waits, message = pulled(away, is_scheduled=True)
    assert (waits, "cannot be reached" in message) == (3, True)
    assert pulled(away, is_scheduled=False)[0] == 0
    wrong = Settings(
        HEIRPAY_HOME=tmp_path / "b", STRIPE_API_BASE=account.base, STRIPE_API_KEY="rk_test_wrong"
    )
    waits, message = pulled(wrong, is_scheduled=True)
    assert (waits, "does not accept" in message) == (0, True)


def test_what_may_pass_does_not_keep_a_run_from_beginning(account: Account, tmp_path: Path) -> None:
    from heirpay_pipelines.orchestration.preflight import cannot_pull

    settings = account.settings(tmp_path)
    for fault in (Fault("/v1/account", status=503), Fault("/v1/account", status=403)):
        account.app.faults[:] = [fault]
        assert cannot_pull(settings, None) is None
    account.app.faults.clear()
