"""Strike-1 and strike-2 solutions that ask Stripe, against the embedded account over HTTP."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from escalate_night import Home

from heirpay_pipelines.landing.landing import Landing
from heirpay_pipelines.orchestration.embedded import serve_account


@pytest.fixture(scope="module")
def account(tmp_path_factory: pytest.TempPathFactory, published: Any) -> Iterator[Any]:
    """The account of the published night, served again."""
    given = ("--now", "2026-11-01T00:00:00+00:00", "--limits", "off")
    bank = tmp_path_factory.mktemp("bank")
    with serve_account(bank, *given, key=published.account.key) as served:
        yield served


@pytest.fixture
def asking(home: Home, published: Any, account: Any) -> Home:
    """The home with the published night's landing, and the account to ask."""
    shutil.copytree(published.home / "landing", home.path / "landing")
    home.environment = {"STRIPE_API_BASE": account.base_url, "STRIPE_API_KEY": account.key}
    return home


def test_the_objects_of_breaks_are_pulled_again_in_one_pull(asking: Home, published: Any) -> None:
    ((charge,), (payout,)) = (
        published.rows("select min(id) from staging.stg_stripe__charges")[0],
        published.rows("select min(id) from staging.stg_stripe__payouts")[0],
    )
    asking.sql(
        "insert into finance.reconciliation_breaks values"
        f" ('b1', 'duplicate_charge', 'high', 'usd', 5, '{charge}', null, '2026-10-30', 'x', 'y'),"
        f" ('b2', 'payout_mismatch', 'high', 'usd', 5, '{payout}', 'po_gone', '2026-10-30', 'x',"
        " 'y')"
    )
    landing = Landing(asking.settings.landing_dir, None)
    before = landing.manifests()
    asking.night(0)
    subjects = {"duplicate_charge in usd": "1 of 1", "payout_mismatch in usd": "1 of 2"}
    for subject, counted in subjects.items():
        name = asking.incident(subject=subject)["incident_id"]
        assert asking.attempts(name)["pull_again"] == ("done", None)
        (attempt,) = asking.state(
            "select detail from incident_attempts where incident_id = ? and solution ="
            " 'pull_again'",
            (name,),
        )
        assert attempt["detail"] == f"{counted} objects were pulled again"
    items = [
        json.loads(row["item"])
        for row in asking.state("select item from incident_worklists where solution = 'pull_again'")
    ]
    assert {item["object"]: item["landed"] for item in items} == {
        charge: True, payout: True, "po_gone": False,
    }  # fmt: skip
    manifests = landing.manifests()
    assert len(manifests) == len(before) + 1
    assert manifests[-1].mode == "retry"
    # A moment after the night: computed again it stays what it was, the next night sees them.
    assert manifests[-1].as_of == before[-1].as_of
    assert sum(manifests[-1].rows_by_object().values()) == 2


def test_the_event_log_is_polled_when_webhooks_fail_twice(asking: Home) -> None:
    asking.sql(
        "insert into operations.webhook_deliveries select format('evt_{}', i), 'x.y',"
        " timestamp '2026-10-31 12:00:00', null, timestamp '2026-10-31 13:00:00', 1, 'late'"
        " from range(20) t(i)"
    )
    asking.night(0)
    asking.night(1)
    name = asking.incident(symptom="webhook_timeouts")["incident_id"]
    assert asking.attempts(name)["poll_event_log"] == ("done", None)
    waiting = asking.state("select count(*) as n from webhook_bodies")
    assert waiting[0]["n"] > 100  # what was fetched waits in the inbox to be landed


def test_the_endpoint_is_asked_whether_it_is_well(home: Home) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("HEIRPAY", "STRIPE"))}
    command = [sys.executable, "-m", "heirpay_pipelines", "receive", "--port", str(port)]
    secret = {"HEIRPAY_HOME": str(home.path), "STRIPE_WEBHOOK_SECRET": "whsec_" + "t" * 32}
    endpoint = subprocess.Popen(command, env=kept | secret, cwd=home.path)
    try:
        _answers(f"http://127.0.0.1:{port}/health")
        home.sql(
            "insert into operations.webhook_deliveries values"
            " ('evt_1', 'x.y', '2026-10-31 12:00:00', null, '2026-10-31 13:00:00', 1, 'late')"
        )
        home.night(0)
        name = home.incident(symptom="webhook_timeouts")["incident_id"]
        assert home.attempts(name)["endpoint_verification"] == ("done", None)
    finally:
        endpoint.terminate()
        endpoint.wait(15)
    home.sql("update operations.webhook_deliveries set status = 'delivered'")
    assert home.night(1).resolved == (name,)
    home.sql("update operations.webhook_deliveries set status = 'late'")
    (again,) = home.night(2).opened
    assert home.attempts(again)["endpoint_verification"] == ("failed", None)  # nobody answers


def _answers(url: str) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            httpx.get(url)
        except httpx.TransportError:
            time.sleep(0.05)
        else:
            return
    raise AssertionError(f"{url} does not answer")
