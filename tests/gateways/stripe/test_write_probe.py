"""What may the key write? Asked once a week, without any write."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from served_account import KEY, Account, Fault, served, small_store

from heirpay_pipelines.gateways.stripe.write_probe import WRITABLE, key_id, probe_due
from heirpay_pipelines.landing.landing import Landing
from heirpay_pipelines.sandbox.store import Store

NOW = datetime(2026, 10, 1, tzinfo=UTC)


def answers(account: Account, home: Path) -> dict[str, str] | None:
    probed = account.pull(home).manifest.write_probe
    return None if probed is None else probed["answers"]


def test_a_read_only_key_is_asked_once(tmp_path: Path) -> None:
    with served(small_store()) as account:
        assert answers(account, tmp_path) == dict.fromkeys(WRITABLE, "refused")
        asked = {path for path in account.app.requests if path.endswith("heirpay_write_probe")}
        assert len(asked) == len(WRITABLE)
        again = account.pull(tmp_path)
        assert again.manifest.write_probe is None
        assert again.requests <= 10
        kept = "".join(p.read_text() for p in Landing(tmp_path / "landing").manifests_dir.iterdir())
        assert KEY not in kept


def test_what_the_key_may_write_is_named(tmp_path: Path) -> None:
    with served(small_store()) as account:
        account.app.server.api.writable = frozenset({"refunds", "customers"})
        found = answers(account, tmp_path) or {}
        assert {name for name, said in found.items() if said == "permitted"} == {
            "refunds", "customers",
        }  # fmt: skip


def test_no_clear_answer_is_asked_for_again_and_the_pull_goes_on(tmp_path: Path) -> None:
    with served(small_store()) as account:
        account.app.faults.append(Fault("/v1/refunds/re_heirpay", times=1, status=500))
        found = answers(account, tmp_path) or {}
        assert [name for name, said in found.items() if said == "unclear"] == ["refunds"]
        assert answers(account, tmp_path) == dict.fromkeys(WRITABLE, "refused")


def test_the_account_is_as_before(tmp_path: Path) -> None:
    def everything(store: Store) -> str:
        return json.dumps([store.all(kind) for kind in store.types()], default=str)

    with served(small_store()) as account:
        account.app.server.api.writable = frozenset(WRITABLE)
        before = everything(account.store)
        answers(account, tmp_path)
        assert everything(account.store) == before


def test_when_it_is_due() -> None:
    asked = {"key": key_id(KEY), "probed_at": NOW.isoformat(), "answers": {"charges": "refused"}}
    assert probe_due(None, KEY, NOW)
    assert not probe_due(asked, KEY, NOW + timedelta(days=6))
    assert probe_due(asked, KEY, NOW + timedelta(days=7))
    assert probe_due(asked, "rk_test_another", NOW)
    assert probe_due({**asked, "answers": {"charges": "unclear"}}, KEY, NOW)
    assert not probe_due(None, "sk_live_abc", NOW)  # it can do everything: nothing to ask


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("charges/ch_none", 403, "more_permissions_required"),
        ("refunds/re_none", 404, "resource_missing"),
        ("nonsense/x", 404, None),
    ],
)
def test_the_embedded_account_answers_as_stripe(path: str, status: int, code: str | None) -> None:
    with served(small_store()) as account:
        account.app.server.api.writable = frozenset({"refunds"})
        headers = {"authorization": f"Bearer {KEY}"}
        answer = httpx.post(f"{account.base}/v1/{path}", headers=headers)
        assert (answer.status_code, answer.json()["error"].get("code")) == (status, code)
        assert ("rak_charges_write" in answer.text) == (status == 403)
