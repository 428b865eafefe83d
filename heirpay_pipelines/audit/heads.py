"""Heads of the chain that were kept outside the state file."""

from __future__ import annotations

import json
from pathlib import Path

import duckdb

from heirpay_pipelines.at_rest import EncryptionKeyError, sealed
from heirpay_pipelines.audit.chain import AuditError, Head
from heirpay_pipelines.duck import WarehouseError, connect
from heirpay_pipelines.settings import Settings


def known_heads(settings: Settings) -> list[Head]:
    """The heads that the published warehouse, the reports and the evidence folders hold. A copy
    outside this machine proves more: give its head to `heirpay audit verify --head`."""
    heads = _from_warehouse(settings.warehouse, settings.key)
    kept = [
        *settings.reports_dir.glob("*/report.json"),
        *settings.home.glob("evidence/*/manifest.json"),
    ]
    for document in sorted(kept):
        found = _from_document(document, settings.key)
        if found:
            heads.append(found)
    return heads


def _from_warehouse(path: Path, key: str | None) -> list[Head]:
    if not path.is_file():
        return []
    try:
        with connect(path, key, read_only=True) as connection:
            row = connection.execute(
                "select sequence, hash from operations.audit_log order by sequence desc limit 1"
            ).fetchone()
    except (duckdb.Error, WarehouseError):
        return []
    return [Head(int(row[0]), str(row[1]))] if row else []


def _from_document(path: Path, key: str | None) -> Head | None:
    try:
        return Head.parse(str(json.loads(sealed.read(path, key)).get("audit_head", "")))
    except (ValueError, OSError, AuditError, EncryptionKeyError):
        return None
