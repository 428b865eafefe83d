"""Deciding upon a break: who, when and why go to the state and to the audit log."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from heirpay_pipelines.audit import Action, append
from heirpay_pipelines.duck import connect
from heirpay_pipelines.home import Home
from heirpay_pipelines.state.database import State, open_state

OPEN = "select * from finance.reconciliation_breaks order by severity, amount desc, break_id"
AS_OF = "select max(as_of) from operations.run_history where is_published"


class BreakError(LookupError):
    """There is no such open break, or no reason was given. The message says what to do."""


def open_breaks(home: Home) -> list[dict[str, Any]]:
    """The published breaks that nobody has resolved since, as rows of the published table."""
    with open_state(home.state_file) as state:
        decided = resolved_breaks(state)
    with connect(home.warehouse, home.key, read_only=True) as warehouse:
        cursor = warehouse.execute(OPEN)
        names = [column[0] for column in cursor.description or ()]
        rows = [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
    return [row for row in rows if row["break_id"] not in decided]


def resolved_breaks(state: State) -> set[str]:
    """The ids of the breaks that somebody resolved and that have not reopened."""
    rows = state.rows("select break_id from break_resolutions where reopened_as_of is null")
    return {str(row["break_id"]) for row in rows}


def find_break(home: Home, break_id: str) -> dict[str, Any]:
    """One open break; BreakError when it is not open."""
    for row in open_breaks(home):
        if row["break_id"] == break_id:
            return row
    raise BreakError(f"{break_id} is no open break; see `heirpay breaks list`.")


def resolve_break(home: Home, break_id: str, by: str, reason: str) -> None:
    """Resolve an open break. From the next publication on it is in finance.resolved_breaks, until
    its amount changes or it comes back after it had gone. Raises BreakError."""
    if not reason.strip():
        raise BreakError("a reason is needed: say what explains the break")
    found = find_break(home, break_id)
    with connect(home.warehouse, home.key, read_only=True) as warehouse:
        published = warehouse.execute(AS_OF).fetchone()
    if published is None or published[0] is None:
        raise BreakError("the published warehouse names no publication; run `heirpay run`")
    now = datetime.now(UTC)
    amount = None if found["amount"] is None else format(found["amount"], "f")
    with open_state(home.state_file) as state, state.transaction():
        _insert(state, break_id, now, published[0], by, reason, amount, found["currency"])
        append(
            state,
            now,
            by,
            Action.BREAK_RESOLVED,
            break_id,
            {"kind": found["kind"], "amount": amount, "currency": found["currency"],
             "reason": reason},
        )  # fmt: skip


def _insert(
    state: State,
    break_id: str,
    now: datetime,
    as_of: datetime,
    by: str,
    reason: str,
    amount: str | None,
    currency: str | None,
) -> None:
    state.connection.execute(
        "insert into break_resolutions (break_id, resolved_at, resolved_as_of, resolved_by, reason,"
        " amount, currency) values (?, ?, ?, ?, ?, ?, ?)",
        (
            break_id,
            now.isoformat(),
            as_of.isoformat(timespec="seconds"),
            by,
            reason,
            amount,
            currency,
        ),
    )
