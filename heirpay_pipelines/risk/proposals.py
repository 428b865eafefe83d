"""Blocking, proposed and never done by itself: a signed list that a second person approves and an
explicit command applies with a write key.

A proposal names the values that a velocity rule would block, each with the attempts behind it, and
what the rule's back-test says. A value that ever paid honestly is left out. The same values are
proposed once; applying can be killed and repeated: each value is added once.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Protocol

import duckdb
import rfc8785
from cryptography.exceptions import InvalidSignature

from heirpay_pipelines.at_rest import sealed
from heirpay_pipelines.at_rest.places import draft_of
from heirpay_pipelines.audit import Action, append
from heirpay_pipelines.controls.evidence.signing import signing_key
from heirpay_pipelines.home import Home
from heirpay_pipelines.host.person import is_same_person
from heirpay_pipelines.risk.backtest import backtest, flagged, opened
from heirpay_pipelines.risk.rules import RiskError, VelocityRule
from heirpay_pipelines.state.database import State

DAYS = 30
ITEMS = """
, bad as (
    select {item} as value, currency, amount, occurred_at from flagged
    where {item} is not null and fraud_label in ('fraud', 'suspected')
),
honest as (select distinct {item} as value from finance.payment_risk where fraud_label = 'genuine')
select
    value,
    count(*) as attempts,
    cast(min(occurred_at) as varchar) as first_at,
    cast(max(occurred_at) as varchar) as last_at
from bad
where value not in (select value from honest where value is not null)
group by value order by value
"""
Proposal = dict[str, Any]
"""A row of `risk_proposals`."""


class Lists(Protocol):
    """What applying needs of Radar's value lists; see pull.value_lists."""

    def find(self, alias: str) -> str: ...
    def holds(self, list_id: str, value: str) -> bool: ...
    def add(self, list_id: str, value: str, idempotency_key: str) -> str: ...


def propose(
    home: Home,
    state: State,
    rule: VelocityRule,
    author: str,
    days: int = DAYS,
    *,
    warehouse: duckdb.DuckDBPyConnection | None = None,
) -> Proposal | None:
    """Propose what the rule flagged in the last `days` days up to the newest payment, of the
    published warehouse or of the build that a night looks at before it is published.

    None when there is nothing new to block; the proposal that holds the same values already,
    instead of a second one. Writes `proposals/<id>.json` under HEIRPAY_HOME.
    """
    tested = backtest(home, rule, warehouse=warehouse)
    since = tested.until - timedelta(days=days - 1)
    cte, parameters = flagged(rule, since, tested.until)
    with opened(home, warehouse) as source:
        cursor = source.execute(cte + ITEMS.format(item=rule.block.item), parameters)
        names = [column[0] for column in cursor.description or ()]
        found = [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
    listed = _listed(state, rule.block.value_list)
    items = [item for item in found if item["value"] not in listed]
    if not items:
        return None
    now = datetime.now(UTC)
    document = {
        "rule": rule.model_dump(mode="json"),
        "value_list": rule.block.value_list,
        "items": items,
        "backtest": tested.as_json(),
        "author": author,
        "created_at": now.isoformat(),
    }
    return _write(home, state, rule, author, document, now)


def _write(
    home: Home, state: State, rule: VelocityRule, author: str, document: Proposal,
    now: datetime,
) -> Proposal:  # fmt: skip
    content = rfc8785.dumps(document)
    digest = hashlib.sha256(content).hexdigest()
    values = [item["value"] for item in document["items"]]
    proposal_id = f"prop_{_id(rule.block.value_list, values)}"
    signature = signing_key(home).sign(content).hex()
    with state.transaction() as connection:
        connection.execute(
            "insert into risk_proposals (proposal_id, created_at, author, rule, value_list,"
            " document, sha256, signature, status) values (?, ?, ?, ?, ?, ?, ?, ?, 'proposed')",
            (proposal_id, document["created_at"], author, rule.name, rule.block.value_list,
             content.decode(), digest, signature),
        )  # fmt: skip
        connection.executemany(
            "insert into risk_proposal_items values (?, ?, 'waiting', null)",
            [(proposal_id, value) for value in values],
        )
        detail = {"rule": rule.name, "value_list": rule.block.value_list, "values": len(values),
                  "sha256": digest}  # fmt: skip
        append(state, now, author, Action.PROPOSAL_MADE, proposal_id, detail)
    write_out(home, read(state, proposal_id))
    return read(state, proposal_id)


def write_out(home: Home, proposal: Proposal) -> Path:
    """The proposal as the file that the second person reads: for its owner only, sealed when
    there is an encryption key."""
    folder = home.proposals_dir
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    target = folder / f"{proposal['proposal_id']}.json"
    partial = draft_of(target)
    key = home.key
    shown = {
        "proposal_id": proposal["proposal_id"],
        "sha256": proposal["sha256"],
        "signature": proposal["signature"],
        **json.loads(proposal["document"]),
    }
    sealed.write(partial, json.dumps(shown, indent=2, ensure_ascii=False).encode(), key)
    partial.replace(target)
    return target


def read(state: State, proposal_id: str) -> Proposal:
    """One proposal; RiskError when there is none of that id."""
    found = state.rows("select * from risk_proposals where proposal_id = ?", (proposal_id,))
    if not found:
        raise RiskError(f"no proposal {proposal_id}; see `heirpay risk proposals list`")
    return found[0]


def items_of(state: State, proposal_id: str) -> list[dict[str, Any]]:
    """The values of a proposal and what became of each."""
    return state.rows(
        "select value, state, applied_at from risk_proposal_items where proposal_id = ?"
        " order by value",
        (proposal_id,),
    )


def decide(
    home: Home, state: State, proposal_id: str, by: str, *, approve: bool, note: str = ""
) -> None:
    """Approve or reject a proposal that waits. RiskError when it does not wait, was changed, or
    its author would approve it."""
    now = datetime.now(UTC)
    with state.transaction() as connection:
        proposal = read(state, proposal_id)
        if proposal["status"] != "proposed":
            raise RiskError(f"{proposal_id} is {proposal['status']} already")
        if approve and is_same_person(by, proposal["author"]):
            raise RiskError(f"{by} made this proposal: another person has to approve it")
        if approve:
            verify(home, state, proposal)
        connection.execute(
            "update risk_proposals set status = ?, decided_at = ?, decided_by = ?, note = ?"
            " where proposal_id = ?",
            ("approved" if approve else "rejected", now.isoformat(), by, note, proposal_id),
        )
        action = Action.PROPOSAL_APPROVED if approve else Action.PROPOSAL_REJECTED
        append(state, now, by, action, proposal_id, {"sha256": proposal["sha256"], "note": note})


def apply(home: Home, state: State, proposal_id: str, by: str, lists: Lists) -> int:
    """Add the values of an approved proposal to its Radar value list; how many were new there.

    Applying an applied proposal again does nothing. Raises RiskError when it is not approved or
    was changed since, PullError when Stripe refuses: what was added until then stays noted.
    """
    proposal = read(state, proposal_id)
    if proposal["status"] == "applied":
        return 0
    if proposal["status"] != "approved":
        raise RiskError(
            f"{proposal_id} is {proposal['status']}: another person than {proposal['author']}"
            f" approves it first: heirpay risk proposals approve {proposal_id}"
        )
    verify(home, state, proposal)
    list_id = lists.find(proposal["value_list"])
    for item in items_of(state, proposal_id):
        if item["state"] == "waiting":
            _apply_one(state, lists, list_id, proposal_id, item["value"])
    now = datetime.now(UTC)
    added = sum(int(item["state"] == "added") for item in items_of(state, proposal_id))
    with state.transaction() as connection:
        connection.execute(
            "update risk_proposals set status = 'applied', applied_at = ?, applied_by = ?"
            " where proposal_id = ?",
            (now.isoformat(), by, proposal_id),
        )
        detail = {"value_list": proposal["value_list"], "list_id": list_id, "added": added,
                  "sha256": proposal["sha256"]}  # fmt: skip
        append(state, now, by, Action.PROPOSAL_APPLIED, proposal_id, detail)
    return added


def _apply_one(state: State, lists: Lists, list_id: str, proposal_id: str, value: str) -> None:
    present = lists.holds(list_id, value)
    if not present:
        lists.add(list_id, value, f"heirpay-{_id(proposal_id, [value])}")
    with state.transaction() as connection:
        connection.execute(
            "update risk_proposal_items set state = ?, applied_at = ?"
            " where proposal_id = ? and value = ?",
            ("present" if present else "added", datetime.now(UTC).isoformat(), proposal_id, value),
        )


def verify(home: Home, state: State, proposal: Proposal) -> None:
    """Hold a proposal against its signature, the audit log's hash and its items; RiskError when
    one of them was changed."""
    content = proposal["document"].encode()
    digest = hashlib.sha256(content).hexdigest()
    logged = state.rows(
        "select json_extract(detail, '$.sha256') as sha256 from audit_log"
        " where action = ? and subject = ?",
        (Action.PROPOSAL_MADE, proposal["proposal_id"]),
    )
    document = json.loads(content)
    values = sorted(item["value"] for item in document["items"])
    kept = [item["value"] for item in items_of(state, proposal["proposal_id"])]
    try:
        public = signing_key(home).public_key()
        public.verify(bytes.fromhex(proposal["signature"]), content)
    except (InvalidSignature, ValueError):
        digest = ""
    same_list = document["value_list"] == proposal["value_list"]
    if [row["sha256"] for row in logged] != [digest] or values != kept or not same_list:
        raise RiskError(
            f"{proposal['proposal_id']} is not what was proposed: the state file was changed."
            " Reject it and propose anew; `heirpay audit verify` says more"
        )


def _listed(state: State, value_list: str) -> set[str]:
    """Values of this list that a proposal holds already; a rejected one frees nothing for a rule
    to ask again and again."""
    rows = state.rows(
        "select value from risk_proposal_items inner join risk_proposals using (proposal_id)"
        " where value_list = ?",
        (value_list,),
    )
    return {str(row["value"]) for row in rows}


def _id(name: str, values: Iterable[str]) -> str:
    return hashlib.sha256("\n".join((name, *values)).encode()).hexdigest()[:12]
