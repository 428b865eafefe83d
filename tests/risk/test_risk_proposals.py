"""Blocking: proposed and signed, approved by another, applied over HTTP with a write key, once."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from click.testing import CliRunner, Result
from risk_history import publish

from heirpay_pipelines.audit import verify as verify_chain
from heirpay_pipelines.cli import cli
from heirpay_pipelines.gateways.errors import NotReadableError
from heirpay_pipelines.gateways.stripe.value_lists import ValueLists
from heirpay_pipelines.host import person
from heirpay_pipelines.risk.proposals import apply, decide, items_of, propose, read
from heirpay_pipelines.risk.rules import RiskError, find_rule
from heirpay_pipelines.sandbox.api import Api
from heirpay_pipelines.sandbox.limits import Limiter
from heirpay_pipelines.sandbox.server import Server
from heirpay_pipelines.sandbox.serving import serve
from heirpay_pipelines.sandbox.store import Store
from heirpay_pipelines.settings import Settings
from heirpay_pipelines.state import State, open_state

READ_KEY, WRITE_KEY = "rk_test_reads", "rk_test_writes"
BLOCKED = ["print_edge", "print_four"]
"""Not print_five: it paid honestly, too."""


@pytest.fixture
def base() -> Iterator[str]:
    """An account with a key that reads and one that may write Radar's lists."""
    store = Store(1_800_000_000)
    store.put({"id": store.account_id, "object": "account", "created": 1_700_000_000})
    api = Api(store, frozenset({READ_KEY, WRITE_KEY}), write_keys=frozenset({WRITE_KEY}))
    with serve(Server(api, Limiter(0, 0))) as base_url:
        yield base_url


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, base: str) -> Settings:
    monkeypatch.setenv("HEIRPAY_HOME", str(tmp_path))
    monkeypatch.setenv("STRIPE_API_BASE", base)
    settings = Settings(HEIRPAY_HOME=tmp_path, STRIPE_API_BASE=base)
    publish(settings)
    return settings


@pytest.fixture
def state(settings: Settings) -> Iterator[State]:
    with open_state(settings.state_file) as state:
        yield state


def proposed(settings: Settings, state: State) -> str:
    made = propose(settings, state, find_rule(settings.folder, "card_attempts"), "Ada")
    assert made is not None
    return str(made["proposal_id"])


def listed(base: str) -> list[str]:
    """The values of the block list, as the account serves them."""
    with httpx.Client(base_url=f"{base}/v1/", auth=(READ_KEY, "")) as client:
        alias = {"alias": "card_fingerprint_blocklist"}
        (found,) = client.get("radar/value_lists", params=alias).json()["data"]
        items = client.get("radar/value_list_items", params={"value_list": found["id"]}).json()
        return sorted(item["value"] for item in items["data"])


def test_a_proposal_names_what_never_paid_honestly(settings: Settings, state: State) -> None:
    name = proposed(settings, state)
    assert [item["value"] for item in items_of(state, name)] == BLOCKED
    file = settings.folder / "proposals" / f"{name}.json"
    assert file.stat().st_mode & 0o077 == 0
    shown = json.loads(file.read_text())
    assert shown["sha256"] == read(state, name)["sha256"]
    assert shown["backtest"]["precision"] == "0.666667"
    # The same values are not proposed twice.
    again = propose(settings, state, find_rule(settings.folder, "card_attempts"), "Ada")
    assert again is None


def test_the_author_cannot_approve_nor_anybody_twice(settings: Settings, state: State) -> None:
    name = proposed(settings, state)
    for same in ("Ada", " ada "):
        with pytest.raises(RiskError, match="another person"):
            decide(settings, state, name, same, approve=True)
    decide(settings, state, name, "Grace", approve=True)
    with pytest.raises(RiskError, match="approved already"):
        decide(settings, state, name, "Joan", approve=True)


def test_nothing_is_applied_without_approval(settings: Settings, state: State, base: str) -> None:
    name = proposed(settings, state)
    with pytest.raises(RiskError, match="approves it first"):
        apply(settings, state, name, "Grace", ValueLists(WRITE_KEY, base))
    decide(settings, state, name, "Grace", approve=False, note="a customer's own card")
    with pytest.raises(RiskError, match="is rejected"):
        apply(settings, state, name, "Grace", ValueLists(WRITE_KEY, base))
    assert listed(base) == []


def test_a_key_that_only_reads_is_refused_and_changes_nothing(
    settings: Settings, state: State, base: str
) -> None:
    name = proposed(settings, state)
    decide(settings, state, name, "Grace", approve=True)
    with pytest.raises(NotReadableError, match="write on Radar"):
        apply(settings, state, name, "Grace", ValueLists(READ_KEY, base))
    assert {item["state"] for item in items_of(state, name)} == {"waiting"}
    assert listed(base) == []


class Killed(ValueLists):
    """Dies right after Stripe has taken the first value, before that is noted."""

    def add(self, list_id: str, value: str, idempotency_key: str) -> str:
        super().add(list_id, value, idempotency_key)
        raise KeyboardInterrupt


def test_killed_in_between_each_value_is_added_once(
    settings: Settings, state: State, base: str
) -> None:
    name = proposed(settings, state)
    decide(settings, state, name, "Grace", approve=True)
    with pytest.raises(KeyboardInterrupt):
        apply(settings, state, name, "Grace", Killed(WRITE_KEY, base))
    assert listed(base) == BLOCKED[:1]
    assert apply(settings, state, name, "Grace", ValueLists(WRITE_KEY, base)) == 1
    assert listed(base) == BLOCKED
    assert apply(settings, state, name, "Grace", ValueLists(WRITE_KEY, base)) == 0
    actions = [row["action"] for row in state.rows("select action from audit_log order by 1")]
    assert actions == ["proposal_applied", "proposal_approved", "proposal_made"]
    assert verify_chain(state).ok


@pytest.mark.parametrize(
    "change",
    [
        "update risk_proposal_items set value = 'print_five' where value = 'print_four'",
        "insert into risk_proposal_items select proposal_id, 'print_five', 'waiting', null"
        " from risk_proposals",
        "update risk_proposals set value_list = 'email_blocklist'",
        "update risk_proposals set document = replace(document, 'print_four', 'print_five')",
    ],
)
def test_a_changed_proposal_is_not_applied(
    settings: Settings, state: State, base: str, change: str
) -> None:
    name = proposed(settings, state)
    decide(settings, state, name, "Grace", approve=True)
    state.connection.execute("drop trigger risk_proposals_once")
    state.connection.execute(change)
    with pytest.raises(RiskError, match="not what was proposed"):
        apply(settings, state, name, "Grace", ValueLists(WRITE_KEY, base))
    assert listed(base) == []


def heirpay(*arguments: str) -> Result:
    return CliRunner().invoke(cli, ["risk", "proposals", *arguments])


def test_by_command_from_proposal_to_block_list(
    settings: Settings, base: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert (
        "2 values for card_fingerprint_blocklist"
        in heirpay("make", "card_attempts", "--by", "Ada").output
    )
    name = heirpay("list").output.split()[0]
    assert "print_four" in heirpay("show", name).output
    for same in ("Ada", "Grace"):
        assert "another person" in heirpay("approve", name, "--by", same).output
    monkeypatch.setattr(person, "login", lambda: "grace")
    assert heirpay("approve", name, "--by", "Grace").exit_code == 0
    without = heirpay("apply", name)
    assert (without.exit_code, "STRIPE_WRITE_KEY is not set" in without.output) == (1, True)
    monkeypatch.setenv("STRIPE_WRITE_KEY", READ_KEY)
    refused = heirpay("apply", name)
    assert (refused.exit_code, "no permission" in refused.output) == (1, True)
    monkeypatch.setenv("STRIPE_WRITE_KEY", WRITE_KEY)
    assert "2 values were added" in heirpay("apply", name, "--by", "Grace").output
    assert listed(base) == BLOCKED
    assert "nothing new to block" in heirpay("make", "card_attempts").output
