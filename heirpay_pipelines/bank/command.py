"""`heirpay bank`."""

from __future__ import annotations

import json
import sys
from decimal import Decimal
from pathlib import Path
from typing import Any

import click
import yaml

from heirpay_pipelines.bank.csv_mapping import MappingError, mapping_file, mapping_text
from heirpay_pipelines.bank.csv_proposal import Proposal
from heirpay_pipelines.bank.document import CSV_ENDINGS, Document
from heirpay_pipelines.bank.guard import GuardedReader
from heirpay_pipelines.bank.names import shown_name
from heirpay_pipelines.bank.statement import Statement
from heirpay_pipelines.currencies import exponents
from heirpay_pipelines.settings import Settings
from heirpay_pipelines.text.shown import one_line, say, say_json, say_lines


@click.group()
def bank() -> None:
    """Bank statements: what is understood of them."""


@bank.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text")
def check(file: Path, form: str) -> None:
    """What is understood of one statement FILE. Writes nothing.

    Exit code 0 when it is accepted, 1 when it is refused, 2 when there is no such file. A CSV that
    is refused gets a proposed mapping.
    """
    if not file.is_file():
        what = "is a folder" if file.is_dir() else "does not exist"
        say(f"heirpay: {shown_name(str(file))} {what}: name one statement file.", err=True)
        sys.exit(2)
    found = understood(file.absolute(), shown_name(str(file)))
    if form == "json":
        say_json(json.dumps(found, indent=2, ensure_ascii=False))
    else:
        say_lines(_text(found))
    sys.exit(0 if found["accepted"] else 1)


def understood(path: Path, name: str) -> dict[str, Any]:
    """What the contract says of `bank check --format json`; beside it `asked`, the settings that
    only a person knows, and `draft_mapping`, the mapping that lacks them."""
    folder = Settings.load().bank_dir.absolute()
    root = folder if path.is_relative_to(folder) else path.parent
    proposal = Proposal(None)
    with GuardedReader() as reader:
        try:
            mapping = mapping_text(mapping_file(path, root))
            documents = reader.read(path, mapping)
        except MappingError as error:
            documents = [Document(None, None, refusal=str(error))]
        refusals = [_named(d) for d in documents if d.refusal is not None]
        if refusals and path.name.lower().endswith(CSV_ENDINGS) and documents[0].kind is None:
            proposal = reader.propose(path)
    kinds = {document.kind for document in documents if document.kind}
    is_whole = proposal.mapping is not None and not proposal.asked
    return {
        "file": name,
        "format": kinds.pop() if len(kinds) == 1 else ("zip" if kinds else None),
        "accepted": not refusals,
        "reason": "; ".join(refusals) or None,
        "statements": [_statement(s) for document in documents for s in document.statements],
        "proposed_mapping": proposal.mapping if is_whole else None,
        "asked": list(proposal.asked),
        "draft_mapping": None if is_whole else proposal.mapping,
    }


def _named(document: Document) -> str:
    return f"{document.member}: {document.refusal}" if document.member else str(document.refusal)


def _statement(of: Statement) -> dict[str, Any]:
    amounts = [line.amount for line in of.lines]
    return {
        "account": of.account,
        "currency": of.currency,
        "first_on": of.first_on.isoformat() if of.first_on else None,
        "last_on": of.last_on.isoformat() if of.last_on else None,
        "lines": len(of.lines),
        "credits": _major(sum(a for a in amounts if a > 0), of.currency),
        "debits": _major(-sum(a for a in amounts if a < 0), of.currency),
        "opening": _major(of.opening, of.currency),
        "closing": _major(of.closing, of.currency),
        "is_balanced": of.is_balanced,
        "is_final": of.is_final,
    }


def _major(amount: int | None, currency: str) -> str | None:
    """Major units as decimal text."""
    return None if amount is None else str(Decimal(amount).scaleb(-exponents()[currency]))


def _text(found: dict[str, Any]) -> str:
    verdict = "accepted" if found["accepted"] else "refused"
    lines = [f"{found['file']}: {verdict}{', ' + found['format'] if found['format'] else ''}"]
    if found["reason"]:
        lines.append(f"  {one_line(found['reason'])}")
    for s in found["statements"]:
        balance = {True: "balanced", False: "not balanced", None: "no balance to compare"}
        interim = "" if s["is_final"] else ", interim"
        lines.append(
            f"  {one_line(s['account'])} {s['currency'].upper()} {s['first_on']} to {s['last_on']}:"
            f" {s['lines']} lines, credits {s['credits']}, debits {s['debits']},"
            f" opening {s['opening'] or 'not stated'}, closing {s['closing'] or 'not stated'},"
            f" {balance[s['is_balanced']]}{interim}"
        )
    mapping = found["proposed_mapping"] or found["draft_mapping"]
    if mapping:
        lines += ["", "Save in mapping.yaml beside the file:", ""]
        lines.append(yaml.safe_dump([mapping], sort_keys=False, allow_unicode=True).rstrip())
    if found["asked"]:
        lines += ["", "To be added by hand:", *(f"  {asked}" for asked in found["asked"])]
    return "\n".join(lines)
