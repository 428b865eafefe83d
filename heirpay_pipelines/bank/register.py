"""The bank bookings that are landed, for comparing new statements with."""

from __future__ import annotations

import re
from collections import defaultdict
from datetime import date, timedelta
from typing import Any

import duckdb

from heirpay_pipelines.bank.overlap import HeldLine, HeldStatement, claimed, new_ids
from heirpay_pipelines.bank.statement import Statement
from heirpay_pipelines.landing.landing import Landing
from heirpay_pipelines.landing.read import relation

AROUND = timedelta(days=2)
# Release 0.1.0 wrote no `holder`: its lines name their file and the statement's own id.
HOLDER = """coalesce(payload ->> '$.holder', concat_ws(chr(31), payload ->> '$.file_sha256',
    payload ->> '$.account', payload ->> '$.currency', payload ->> '$.statement_id'))"""
ACCOUNT = "regexp_replace(upper(payload ->> '$.account'), '[^A-Z0-9]', '', 'g')"
LINES = f"""
create table lines as select distinct
    id, {HOLDER} as holder, {ACCOUNT} as account, payload ->> '$.currency' as currency,
    (payload ->> '$.booking_date')::date as booked_on, (payload ->> '$.amount')::bigint as amount,
    coalesce(payload ->> '$.reference', '') as reference,
    coalesce(payload ->> '$.description', '') as description,
    coalesce((payload ->> '$.is_final')::boolean, true) as is_final
from {{files}} where (payload ->> '$.booking_date') is not null
"""
STATEMENTS = f"""
create table statements as select
    {HOLDER} as holder, any_value(payload ->> '$.format') as kind,
    any_value(payload ->> '$.statement_id') as statement_id,
    arg_min((payload ->> '$.opening')::bigint, payload ->> '$.first_date') as opening,
    arg_max((payload ->> '$.closing')::bigint, payload ->> '$.last_date') as closing,
    min(payload ->> '$.first_date')::date as first_on,
    max(payload ->> '$.last_date')::date as last_on,
    bool_and(coalesce((payload ->> '$.is_final')::boolean, true)) as is_final,
    bool_and(coalesce((payload ->> '$.is_numbered')::boolean, false)) as is_numbered,
    bool_and((payload ->> '$.holder') is null) as is_earlier
from {{files}} group by 1
"""
NEAR = """
select
    lines.id, booked_on, amount, reference, description, lines.is_final, lines.holder,
    kind, statement_id, opening, closing, first_on, last_on, statements.is_final, is_numbered,
    is_earlier
from lines inner join statements on lines.holder = statements.holder
where lines.account = ? and lines.currency = ? and booked_on between ? and ?
order by lines.holder, booked_on, lines.id
"""


class Register:
    """What is landed, and what this night adds to it. Without a landing it begins empty."""

    def __init__(self) -> None:
        self._connection: duckdb.DuckDBPyConnection | None = None
        self._added: dict[tuple[str, str], list[HeldStatement]] = defaultdict(list)

    @classmethod
    def of(
        cls, landing: Landing, connection: duckdb.DuckDBPyConnection, present: dict[str, Any]
    ) -> Register:
        """The register of a landing, kept on a connection that reads its files; `present` are the
        visible files of each object."""
        register = cls()
        if "bank_statement" in present and "bank_transaction" in present:
            lines = relation(landing, present["bank_transaction"])
            statements = relation(landing, present["bank_statement"])
            connection.execute(LINES.format(files=lines))
            connection.execute(STATEMENTS.format(files=statements))
            register._connection = connection
        return register

    def enter(self, statement: Statement, kind: str) -> tuple[list[str], set[int], set[int]]:
        """Take a statement into the register.

        Returns the id of each of its lines; the places of those that another statement holds
        already; and the places of those that a final statement holds while this one is none.
        """
        account = (account_key(statement.account), statement.currency)
        days = [line.booked_on for line in statement.lines]
        held, settled = self._near(account, days) if days else ([], set())
        for other in self._added[account]:
            if days and _touches(other, days):
                held.append(other)
                settled |= {line.id for line in other.lines} if other.is_final else set()
        claims = claimed(statement, kind, held)
        used = {line.id for other in held for line in other.lines}
        ids = list(new_ids(statement, claims, used))
        known = set() if statement.is_final else {p for p, id in claims.items() if id in settled}
        self._added[account].append(_held(statement, kind, ids))
        return ids, set(claims), known

    def _near(
        self, account: tuple[str, str], days: list[date]
    ) -> tuple[list[HeldStatement], set[str]]:
        """Landed statements of these days, and the ids that final ones hold."""
        if self._connection is None:
            return [], set()
        first, last = min(days) - AROUND, max(days) + AROUND
        found: dict[str, HeldStatement] = {}
        settled: set[str] = set()
        for row in self._connection.execute(NEAR, [*account, first, last]).fetchall():
            id, booked_on, amount, reference, description, is_final, holder, *of = row
            other = found.setdefault(holder, HeldStatement(*of))
            other.lines.append(HeldLine(id, booked_on, amount, reference, description))
            if is_final:
                settled.add(id)
        return list(found.values()), settled


def account_key(account: str) -> str:
    """An account's number without the blanks and signs that formats write differently."""
    return re.sub(r"[^A-Z0-9]", "", account.upper())


def _touches(other: HeldStatement, days: list[date]) -> bool:
    first, last = min(days) - AROUND, max(days) + AROUND
    return any(first <= line.booked_on <= last for line in other.lines)


def _held(statement: Statement, kind: str, ids: list[str]) -> HeldStatement:
    lines = [
        HeldLine(id, line.booked_on, line.amount, line.reference, line.description)
        for id, line in zip(ids, statement.lines, strict=True)
    ]
    return HeldStatement(
        kind, statement.statement_id, statement.opening, statement.closing, statement.first_on,
        statement.last_on, statement.is_final, statement.is_numbered, lines=lines,
    )  # fmt: skip
