"""The landed objects of one file: a `bank_statement` for each statement, a `bank_transaction` for
each line."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

from heirpay_pipelines.bank.overlap import hashed
from heirpay_pipelines.bank.register import Register
from heirpay_pipelines.bank.statement import Statement


def records(
    statements: Sequence[Statement],
    file_name: str,
    file_sha256: str,
    kind: str,
    register: Register | None = None,
    first_number: int = 0,
) -> list[dict[str, Any]]:
    """The objects of one file's statements; `first_number` counts those before it in a ZIP.

    `register` knows what is landed: a line that an overlapping statement holds keeps its id.
    `repeats` of a statement is what those lines add up to, minor units.
    """
    known = register if register is not None else Register()
    found: list[dict[str, Any]] = []
    origin = {"file_name": file_name, "file_sha256": file_sha256, "format": kind}
    for number, statement in enumerate(statements, start=first_number):
        ids, repeated, settled = known.enter(statement, kind)
        holder = f"stmt_{hashed(file_sha256, str(number))}"
        shared = {
            "account": statement.account,
            "currency": statement.currency,
            "statement_id": statement.statement_id,
            "is_final": statement.is_final,
            "holder": holder,
            **origin,
        }
        found.append(
            {
                "id": holder,
                "object": "bank_statement",
                "opening": statement.opening,
                "closing": statement.closing,
                "first_date": _iso(statement.first_on),
                "last_date": _iso(statement.last_on),
                "lines": len(statement.lines),
                "total": statement.total,
                "repeats": sum(statement.lines[place].amount for place in repeated),
                "is_numbered": statement.is_numbered,
                "closes_period": statement.closes_period,
                **shared,
            }
        )
        found += [
            {
                "id": id,
                "object": "bank_transaction",
                "booking_date": line.booked_on.isoformat(),
                "value_date": _iso(line.value_on),
                "amount": line.amount,
                "reference": line.reference,
                "description": line.description,
                **shared,
            }
            for place, (id, line) in enumerate(zip(ids, statement.lines, strict=True))
            if place not in settled  # an interim report adds nothing to what a statement said
        ]
    return found


def _iso(day: date | None) -> str | None:
    return day.isoformat() if day else None
