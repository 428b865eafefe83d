"""Documents between the reading process and this one, as JSON."""

from __future__ import annotations

import json
from datetime import date
from typing import Any

from heirpay_pipelines.bank.document import Document
from heirpay_pipelines.bank.statement import Line, Statement


def packed(documents: list[Document]) -> bytes:
    return json.dumps([_document(document) for document in documents]).encode()


def unpacked(content: bytes) -> list[Document]:
    return [
        Document(member, kind, tuple(_statement_of(s) for s in statements), refusal)
        for member, kind, statements, refusal in json.loads(content)
    ]


def _document(document: Document) -> list[Any]:
    statements = [_statement(statement) for statement in document.statements]
    return [document.member, document.kind, statements, document.refusal]


def _statement(of: Statement) -> dict[str, Any]:
    lines = [
        (
            line.booked_on.isoformat(), _iso(line.value_on), line.amount, line.reference,
            line.description, _iso(line.utc_day),
        )
        for line in of.lines
    ]  # fmt: skip
    plain = {name: value for name, value in vars(of).items() if name != "lines"}
    return plain | {
        "lines": lines,
        "first_on": _iso(of.first_on),
        "last_on": _iso(of.last_on),
    }


def _statement_of(record: dict[str, Any]) -> Statement:
    lines = tuple(
        Line(date.fromisoformat(booked), _day(value), amount, reference, text, _day(utc))
        for booked, value, amount, reference, text, utc in record["lines"]
    )
    days = {"first_on": _day(record["first_on"]), "last_on": _day(record["last_on"])}
    return Statement(**(record | days | {"lines": lines}))


def _iso(day: date | None) -> str | None:
    return day.isoformat() if day else None


def _day(text: str | None) -> date | None:
    return date.fromisoformat(text) if text else None
