"""Heads of the chain that were kept outside the state file."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import duckdb

from heirpay_pipelines.at_rest import EncryptionKeyError, sealed
from heirpay_pipelines.audit.chain import AuditError, Head
from heirpay_pipelines.duck import WarehouseError, connect
from heirpay_pipelines.home import Home

PAGES = ("report.html", "finance.xlsx")
"""Who writes one of these writes report.json, with the head, in the same step."""


@dataclass(frozen=True)
class KeptHeads:
    """The heads that were read, and in words those that should be there and cannot be."""

    heads: tuple[Head, ...]
    faults: tuple[str, ...]


def kept_heads(home: Home) -> KeptHeads:
    """The heads that the published warehouse, the reports and the evidence folders hold. A copy
    outside this machine proves more: give its head to `heirpay audit verify --head`."""
    heads: list[Head] = []
    faults: list[str] = []
    if home.warehouse.is_file():
        found = _from_warehouse(home.warehouse, home.key)
        if isinstance(found, str):
            faults.append(found)
        else:
            heads += found
    for document in _documents(home):
        name = document.relative_to(home.folder).as_posix()
        try:
            given_away = document.is_relative_to(home.folder / "evidence")  # plain on purpose
            text = sealed.read(document, home.key, plain_too=given_away)
            said = json.loads(text)["audit_head"]
            heads.append(Head.parse(str(said)))
        except FileNotFoundError:
            faults.append(f"{name}, which holds a head, is missing")
        except (AuditError, KeyError, TypeError):
            faults.append(f"{name} holds no head")
        except (ValueError, OSError, EncryptionKeyError) as error:
            faults.append(f"{name}, which holds a head, cannot be read ({type(error).__name__})")
    return KeptHeads(tuple(heads), tuple(faults))


def known_heads(home: Home) -> list[Head]:
    """Those that can be read: what the next night writes anew must not keep it from running."""
    return list(kept_heads(home).heads)


def _documents(home: Home) -> Iterator[Path]:
    """Files that hold a head, or should."""
    for folder in sorted(home.reports_dir.glob("????-??-??")):
        document = folder / "report.json"
        if document.exists() or any((folder / page).exists() for page in PAGES):
            yield document
    for folder in sorted(home.folder.glob("evidence/*")):
        if folder.is_dir() and any(folder.iterdir()):
            yield folder / "manifest.json"


def _from_warehouse(path: Path, key: str | None) -> list[Head] | str:
    try:
        with connect(path, key, read_only=True) as connection:
            row = connection.execute(
                "select sequence, hash from operations.audit_log order by sequence desc limit 1"
            ).fetchone()
    except duckdb.CatalogException:
        return f"warehouse/{path.name} holds no head"
    except (duckdb.Error, WarehouseError, EncryptionKeyError) as error:
        return f"warehouse/{path.name}, which holds a head, cannot be read ({type(error).__name__})"
    return [Head(int(row[0]), str(row[1]))] if row else []
