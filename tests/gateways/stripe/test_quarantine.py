"""Quarantine: nothing poisoned is lost, and it leaves when it can be landed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from served_account import DAY, KEY, Account, Fault, landed, served, small_store

from heirpay_pipelines.gateways.quarantine_commands import quarantine
from heirpay_pipelines.gateways.stripe.account import stripe_account
from heirpay_pipelines.gateways.stripe.quarantine_retry import (
    quarantined_objects,
    retry_quarantined,
)
from heirpay_pipelines.landing.landing import Landing


def poisoned_pull(account: Account, home: Path) -> None:
    """One charge whose `created` is broken, once; and a text where an object should be."""
    account.store.put({"id": "ch_1", "object": "charge", "created": account.store.now - DAY})

    def spoil(body: bytes) -> bytes:
        page = json.loads(body)
        page["data"][0]["created"] = "yesterday"
        page["data"].append("no object")
        return json.dumps(page).encode()

    account.app.faults.append(Fault("/v1/charges", times=1, body=spoil))
    account.pull(home)


def test_a_retry_lands_what_is_well_again(tmp_path: Path) -> None:
    with served(small_store()) as account:
        poisoned_pull(account, tmp_path)
        settings = account.settings(tmp_path)
        landing = Landing(settings.landing_dir)
        assert ("charge", "ch_1") not in landed(settings)
        waiting = {p.reason: p for p in quarantined_objects(landing)}
        assert set(waiting) == {"field `created` is no integer", "not an object but str"}
        assert waiting["field `created` is no integer"].raw["created"] == "yesterday"
        results = {
            r.id: r for r in retry_quarantined(stripe_account(settings), client=account.client())
        }
        assert [r.landed for r in results.values()].count(True) == 1
        assert landed(settings)["charge", "ch_1"]["created"] == account.store.now - DAY
        assert [p.reason for p in quarantined_objects(landing)] == ["not an object but str"]
        # The next night goes on from where the last pull was.
        assert account.pull(tmp_path).manifest.mode == "events"


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    with served(small_store()) as account:
        poisoned_pull(account, tmp_path)
        monkeypatch.setenv("HEIRPAY_HOME", str(tmp_path))
        monkeypatch.setenv("STRIPE_API_BASE", account.base)
        monkeypatch.setenv("STRIPE_API_KEY", KEY)
        yield lambda *arguments: CliRunner().invoke(quarantine, arguments)


def test_the_commands_list_show_and_retry(run: Any) -> None:
    listed = run("list").output
    assert "2 in quarantine" in listed
    id = next(line for line in listed.splitlines() if "created" in line).split()[0]
    assert json.loads(run("show", id).output)["raw"]["id"] == "ch_1"
    retried = run("retry", id)
    assert retried.exit_code == 0
    assert "landed as charge ch_1" in retried.output
    assert run("show", id).exit_code == 1
    rest = run("retry")
    assert rest.exit_code == 1
    assert "stays: still" in rest.output
    assert "is not in quarantine" in run("retry", "quarantine_x").output
