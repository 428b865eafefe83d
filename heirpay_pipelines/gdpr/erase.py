"""Erasure on request (GDPR article 17): what names a person goes, what the law demands kept stays.

The order is: plan, landing, warehouse, state, files, scan. The plan (what to look for) is kept in
the state file until all is done, so that an erasure that was killed goes on where it was, by the
same command or in the next night.
"""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime

from cryptography.fernet import Fernet

from heirpay_pipelines.audit import append
from heirpay_pipelines.audit.actions import Action
from heirpay_pipelines.check.evidence.folder import rewrite_evidence
from heirpay_pipelines.gdpr.files import (
    Change,
    bank_files,
    other_files,
    replace_file,
    rewrite,
    rewritten,
    texts_of,
)
from heirpay_pipelines.gdpr.scan import find_traces
from heirpay_pipelines.gdpr.state import compact, erase_from_state
from heirpay_pipelines.gdpr.texts import text_scrubber
from heirpay_pipelines.gdpr.warehouse import erase_from_warehouse
from heirpay_pipelines.land.erasing import Rewritten, erase_person
from heirpay_pipelines.land.landing import Landing
from heirpay_pipelines.land.manifest import Manifest
from heirpay_pipelines.land.people import Person, find_person
from heirpay_pipelines.personal.paths import CLASSES
from heirpay_pipelines.personal.pseudonyms import Pseudonyms, pseudonyms, suppress
from heirpay_pipelines.publish.swap import discard_builds
from heirpay_pipelines.settings import Settings
from heirpay_pipelines.state.database import State, open_state


class GdprError(Exception):
    """What was asked for a person cannot be done. The message says why and what to do."""


@dataclass(frozen=True)
class Erasure:
    """What an erasure changed: landed files and rows, rows of the warehouse, cells of the state,
    other files. `kept` are the bank's own files that name the person."""

    pseudonym: str
    landed_files: int
    landed_rows: int
    warehouse_rows: int
    state_cells: int
    files: int
    kept: tuple[str, ...]


def erase(
    settings: Settings,
    customer: str,
    reason: str,
    by: str,
    at: datetime,
    classes: Collection[str] = CLASSES,
) -> Erasure:
    """Erase a customer's personal data of `classes`. The caller holds the run lock.

    Raises GdprError when nothing is known of the customer, or when something is left that this
    cannot change; then the erasure is not done and the next night goes on with it.
    """
    with open_state(settings.state_file) as state:
        names = pseudonyms(state, at)
        name = names.of(customer)
        if not state.rows(
            "select 1 from erasures where pseudonym = ? and plan is not null", (name,)
        ):
            landing = Landing(settings.landing_dir, settings.secret("encryption_key"))
            person = find_person(landing, customer, names, classes)
            if person is None:
                raise GdprError(f"Nothing is landed about {customer}: there is nothing to erase.")
            _plan(state, name, person, names, reason, by, at)
        return finish(settings, state, name, at)


def finish_all(settings: Settings, at: datetime) -> list[Erasure]:
    """Go on with every erasure that was begun and is not done. The caller holds the run lock."""
    if not settings.state_file.is_file():
        return []
    with open_state(settings.state_file) as state:
        waiting = state.rows("select pseudonym from erasures where plan is not null")
        return [finish(settings, state, row["pseudonym"], at) for row in waiting]


def finish(settings: Settings, state: State, name: str, at: datetime) -> Erasure:
    """Do what the plan of an erasure says, look whether anything is left, and say it is done."""
    row = state.rows("select * from erasures where pseudonym = ?", (name,))[0]
    person, names, by = _person(row["plan"]), pseudonyms(state, at), row["requested_by"]

    def say(manifest: Manifest, done: list[Rewritten]) -> None:
        files = {d.before.path: [d.before.sha256, d.after.path, d.after.sha256] for d in done}
        detail = {"pull_id": manifest.pull_id, "erasure": name, "files": files}
        append(state, datetime.now(UTC), by, Action.LANDING_REWRITTEN, manifest.pull_id, detail)

    landing = Landing(settings.landing_dir, settings.secret("encryption_key"))
    landed = erase_person(landing, person, names, say)
    for derived in ("building", "nights"):  # both can be made again from the landing
        discard_builds(settings.warehouse_dir / derived)
    erasure = Erasure(
        pseudonym=name,
        landed_files=len(landed),
        landed_rows=sum(item.rows for item in landed),
        warehouse_rows=erase_from_warehouse(settings, person),
        state_cells=erase_from_state(state, person, names),
        files=_files(settings, state, text_scrubber(person, names).text),
        kept=_kept(settings, person, names),
    )
    traces = find_traces(settings, state, person)
    if traces:
        raise GdprError(
            f"{name} is not erased yet: {len(traces)} places still name the person, the first"
            f" {traces[0]}. Remove it there by hand, then erase again: it goes on where it was."
        )
    _done(state, erasure, row, at)
    return erasure


def _plan(
    state: State, name: str, person: Person, names: Pseudonyms, reason: str, by: str, at: datetime
) -> None:
    plan = {
        "related": sorted(person.related),
        "texts": sorted(person.texts),
        "ids": dict(person.ids),
        "classes": list(person.classes),
    }
    clean = text_scrubber(person, names).text(reason)
    with state.transaction() as connection:
        connection.execute(
            "insert into erasures values (?, ?, ?, ?, ?, null, ?) on conflict do update set"
            " classes = excluded.classes, requested_at = excluded.requested_at, requested_by ="
            " excluded.requested_by, reason = excluded.reason, completed_at = null,"
            " plan = excluded.plan",
            (name, " ".join(person.classes), at.isoformat(), by, clean, json.dumps(plan)),
        )
        detail = {"reason": clean, "classes": list(person.classes)}
        append(state, datetime.now(UTC), by, Action.ERASURE_BEGUN, name, detail)
    suppress(state, name, map(names.hash, sorted(person.related)))


def _person(plan: str) -> Person:
    found = json.loads(plan)
    return Person(
        frozenset(found["related"]),
        frozenset(found["texts"]),
        found["ids"],
        tuple(found["classes"]),
    )


def _done(state: State, erasure: Erasure, row: dict[str, str], at: datetime) -> None:
    state.connection.execute("pragma secure_delete = on")
    with state.transaction() as connection:
        connection.execute(
            "update erasures set plan = null, completed_at = ? where pseudonym = ?",
            (at.isoformat(), erasure.pseudonym),
        )
        detail = {
            "reason": row["reason"],
            "classes": row["classes"].split(),
            "landed_files": erasure.landed_files,
            "landed_rows": erasure.landed_rows,
            "warehouse_rows": erasure.warehouse_rows,
            "state_cells": erasure.state_cells,
            "files": erasure.files,
            "bank_files_kept": len(erasure.kept),
        }
        by = row["requested_by"]
        append(state, datetime.now(UTC), by, Action.ERASURE_DONE, erasure.pseudonym, detail)
    compact(state)


def _files(settings: Settings, state: State, change: Change) -> int:
    """Reports, Data Docs, workbooks, Dagster's records, evidence and quarantined files."""
    count, key = 0, settings.secret("encryption_key")
    evidence = settings.home / "evidence"
    for path in other_files(settings):
        if not path.is_relative_to(evidence):
            count += rewrite(path, key, change)
    count += rewrite_evidence(settings, evidence, lambda path: rewrite(path, key, change))
    for row in state.rows("select stored_as, encryption_key from quarantined_files"):
        path = settings.home / "quarantine" / row["stored_as"]
        if path.is_file():
            box = Fernet(row["encryption_key"])
            content = box.decrypt(path.read_bytes())
            new = rewritten(content, change)
            if new != content:
                replace_file(path, box.encrypt(new))
                count += 1
    return count


def _kept(settings: Settings, person: Person, names: Pseudonyms) -> tuple[str, ...]:
    """The bank's own files that name the person: accounting records, kept as long as the law says
    (article 17(3)(b)). They are told, so that a person can decide."""
    change, key = text_scrubber(person, names).text, settings.secret("encryption_key")
    return tuple(
        path.name
        for path in bank_files(settings)
        if any(change(text) != text for text in texts_of(path, key))
    )
