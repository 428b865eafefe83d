"""Closing a month: its figures, the data they came from and the control results, frozen.

One person closes, another approves. What is frozen is hashed, and the hash goes to the audit chain;
later runs restate openly, in finance.closed_period_adjustments, and never change it.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import duckdb
import rfc8785

from heirpay_pipelines.audit import Action, append
from heirpay_pipelines.books.breaks import resolved_breaks
from heirpay_pipelines.duck import connect
from heirpay_pipelines.home import Home
from heirpay_pipelines.host.person import is_same_person
from heirpay_pipelines.landing.landing import Landing
from heirpay_pipelines.state.database import State, open_state

FIGURES = """
select table_name, item, currency, figure, cast(value as varchar) as value
from intermediate.int_period_figures where month = $month order by all
"""
PUBLICATION = "select run_id, as_of from operations.run_history where is_published order by as_of"
BLOCKERS = """
with lists as (
    select object_name, as_of, case when status = 'complete' then covered_until end as read_until
    from operations.coverage where mode in ('full', 'events', 'created', 'always')
),
-- Only what the newest pull still reads: an object that is read no more is no gap.
objects as (
    select object_name, max(read_until) as read_until from lists
    group by object_name having max(as_of) = (select max(as_of) from lists)
),
newest as (select max(read_until) as read_until from objects)
select 'open break' as what, break_id as subject, kind || ' of ' || object_id as detail
from finance.reconciliation_breaks
where first_seen_on <= last_day($month) and severity in ('critical', 'high')
union all
-- A payout with a break is decided upon by its break.
select 'payout', payout_id, 'is ' || status || ': ' || coalesce(residual, bank_status)
from finance.payout_reconciliation
where status = 'unreconciled' and arrival_date between $month and last_day($month)
    and payout_id not in (select object_id from finance.reconciliation_breaks)
    and payout_id not in (select object_id from finance.resolved_breaks)
union all
select 'unknown category', unknown_categories, 'of ' || cast(date as varchar) || ' in ' || currency
from finance.daily_revenue
where unknown_categories is not null and date between $month and last_day($month)
union all
select 'not read', endpoint, coalesce(reason, status)
from (
    select *, row_number() over (partition by endpoint order by as_of desc, pull_id desc) as recency
    from operations.coverage where mode <> 'bank'
) as lines
where recency = 1 and status = 'failed'
union all
-- A publication may be newer than what was landed for it.
select 'not pulled', 'newest pull',
    coalesce('reads until ' || read_until || ' UTC', 'reads nothing')
    || ', the month until ' || $last_instant || ' UTC: run `heirpay run`'
from newest where coalesce(read_until < $last_instant, true)
union all
select 'not pulled', object_name, 'was read until ' || objects.read_until
    || ' UTC, the month lasts until ' || $last_instant || ' UTC: run `heirpay run`'
from objects cross join newest
where objects.read_until < $last_instant and newest.read_until >= $last_instant
order by all
"""


class CloseError(Exception):
    """The month cannot be closed, approved or verified. The message says what to do."""


@dataclass(frozen=True)
class Blocker:
    """One thing that stands between a month and its close."""

    what: str
    subject: str
    detail: str


@dataclass(frozen=True)
class Difference:
    """A frozen figure and what the published warehouse says now, as decimal texts."""

    figure: str
    closed: str | None
    now: str | None


def month_start(text: str) -> date:
    """`2026-10` as its first day; CloseError when it is no month."""
    try:
        return date.fromisoformat(f"{text}-01")
    except ValueError:
        raise CloseError(f"{text!r} is no month; write it like 2026-10") from None


def last_instant(month: date, zone: ZoneInfo) -> datetime:
    """The last second of a month in the reporting time zone, aware: Stripe's clock counts whole
    seconds."""
    following = date(month.year + month.month // 12, month.month % 12 + 1, 1)
    # Counted back in UTC: an hour that the zone repeats or leaves out at midnight is no matter.
    start = datetime.combine(following, time.min, zone).astimezone(UTC)
    return (start - timedelta(seconds=1)).astimezone(zone)


def blockers(home: Home, month: date) -> list[Blocker]:
    """What still blocks the close of a month, as of the published warehouse."""
    with _warehouse(home) as warehouse, open_state(home.state_file) as state:
        run_id, as_of = _publication(warehouse)
        found = []
        end = last_instant(month, home.zone).astimezone(UTC).replace(tzinfo=None)
        if as_of < end:
            found.append(
                Blocker("publication", run_id, f"as of {as_of}: the month is not over in it")
            )
        found += [
            Blocker("control", row["control_id"], f"{row['title']}: {row['status']}")
            for row in _controls(state, run_id)
            if row["severity"] == "blocking" and row["status"] in ("fail", "not_evaluated")
        ]
        decided = resolved_breaks(state)
        rows = warehouse.execute(BLOCKERS, {"month": month, "last_instant": end}).fetchall()
        return found + [Blocker(*row) for row in rows if row[1] not in decided]


def close_month(home: Home, month: date, by: str) -> str:
    """Freeze a month as it is published; return the hash. CloseError when something blocks it or
    it is closed already."""
    standing = blockers(home, month)
    if standing:
        raise CloseError(
            f"{len(standing)} things block the close of {month:%Y-%m}; see"
            f" `heirpay close {month:%Y-%m} --check`. The first: {standing[0].detail}"
        )
    with _warehouse(home) as warehouse, open_state(home.state_file) as state:
        if _close(state, month) is not None:
            raise CloseError(f"{month:%Y-%m} is closed already")
        run_id, as_of = _publication(warehouse)
        figures = _figures(warehouse, month)
        manifest: dict[str, Any] = {
            "month": f"{month:%Y-%m}",
            "as_of": as_of.isoformat(),
            "run_id": run_id,
            "figures": figures,
            "controls": _controls(state, run_id),
            "landed": _landed(home, as_of),
        }
        text = rfc8785.dumps(manifest).decode()
        digest = hashlib.sha256(text.encode()).hexdigest()
        now = datetime.now(UTC)
        with state.transaction() as transaction:
            transaction.execute(
                "insert into period_closes (month, closed_at, closed_by, as_of, run_id, manifest,"
                " hash) values (?, ?, ?, ?, ?, ?, ?)",
                (manifest["month"], now.isoformat(), by, as_of.isoformat(), run_id, text, digest),
            )
            transaction.executemany(
                "insert into period_figures values (?, ?, ?, ?, ?, ?)",
                [(manifest["month"], *figure.values()) for figure in figures],
            )
            append(state, now, by, Action.MONTH_CLOSED, f"{month:%Y-%m}", {"hash": digest})
    return digest


def approve_month(home: Home, month: date, by: str) -> None:
    """Approve a closed month; CloseError when it is not closed, is approved already, the same
    person closed it, or what was frozen was tampered with since."""
    with open_state(home.state_file) as state:
        closed = _close(state, month)
        if closed is None:
            raise CloseError(f"{month:%Y-%m} is not closed; close it first")
        if closed["approved_by"] is not None:
            raise CloseError(f"{month:%Y-%m} was approved by {closed['approved_by']} already")
        if is_same_person(closed["closed_by"], by):
            raise CloseError(f"{by} closed {month:%Y-%m}: another person has to approve it")
        _frozen(state, closed)
        now = datetime.now(UTC)
        with state.transaction() as transaction:
            transaction.execute(
                "update period_closes set approved_at = ?, approved_by = ? where month = ?",
                (now.isoformat(), by, closed["month"]),
            )
            append(state, now, by, Action.MONTH_APPROVED, closed["month"], {"hash": closed["hash"]})


def verify_month(home: Home, month: date) -> list[Difference]:
    """Hold a closed month against its hash, the audit chain and the published warehouse.

    Returns the figures that are published otherwise now. CloseError when what was frozen is not
    what was hashed: then it was tampered with.
    """
    with _warehouse(home) as warehouse, open_state(home.state_file) as state:
        closed = _close(state, month)
        if closed is None:
            raise CloseError(f"{month:%Y-%m} is not closed")
        frozen = _frozen(state, closed)
        now = {_key(figure): figure["value"] for figure in _figures(warehouse, month)}
    then = {_key(figure): figure["value"] for figure in frozen}
    return [
        Difference(key, then.get(key), now.get(key))
        for key in sorted(then | now)
        if then.get(key) != now.get(key)
    ]


def _frozen(state: State, closed: dict[str, Any]) -> list[dict[str, str]]:
    """The figures of a close, held against its hash and the audit chain; CloseError otherwise."""
    frozen: list[dict[str, str]] = json.loads(closed["manifest"])["figures"]
    if not _is_whole(state, closed, frozen):
        raise CloseError(
            f"what is kept of {closed['month']} does not have the hash that was recorded when it"
            " was closed: the state file was changed. Restore it; `heirpay audit verify` says more"
        )
    return frozen


def _is_whole(state: State, closed: dict[str, Any], frozen: list[dict[str, str]]) -> bool:
    digest = hashlib.sha256(closed["manifest"].encode()).hexdigest()
    recorded = state.rows(
        "select detail from audit_log where action = 'month_closed' and subject = ?",
        (closed["month"],),
    )
    rows = state.rows(
        "select table_name, item, currency, figure, value from period_figures where month = ?",
        (closed["month"],),
    )
    return (
        digest == closed["hash"]
        and [json.loads(row["detail"])["hash"] for row in recorded] == [digest]
        and sorted(map(_key_and_value, rows)) == sorted(map(_key_and_value, frozen))
    )


def _key(figure: dict[str, str]) -> str:
    parts = (figure["table_name"], figure["item"], figure["figure"], figure["currency"])
    return " ".join(part for part in parts if part)


def _key_and_value(figure: dict[str, str]) -> tuple[str, str]:
    return _key(figure), figure["value"]


def _warehouse(home: Home) -> Any:
    return connect(home.warehouse, home.key, read_only=True)


def _publication(warehouse: duckdb.DuckDBPyConnection) -> tuple[str, datetime]:
    rows = warehouse.execute(PUBLICATION).fetchall()
    if not rows:
        raise CloseError("the published warehouse names no publication; run `heirpay run`")
    return rows[-1][0], rows[-1][1]


def _figures(warehouse: duckdb.DuckDBPyConnection, month: date) -> list[dict[str, str]]:
    cursor = warehouse.execute(FIGURES, {"month": month})
    names = [column[0] for column in cursor.description or ()]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def _controls(state: State, run_id: str) -> list[dict[str, Any]]:
    return state.rows(
        "select control_id, title, severity, status, checked, violations from control_results"
        " where run_id = ? order by control_id",
        (run_id,),
    )


def _landed(home: Home, as_of: datetime) -> list[dict[str, str]]:
    """Every landed file that the figures came from, with its checksum."""
    landing = Landing.of(home)
    files = landing.files(as_of.replace(tzinfo=UTC))
    return [
        {"path": file.path, "sha256": file.sha256} for name in sorted(files) for file in files[name]
    ]


def _close(state: State, month: date) -> dict[str, Any] | None:
    found = state.rows("select * from period_closes where month = ?", (f"{month:%Y-%m}",))
    return found[0] if found else None
