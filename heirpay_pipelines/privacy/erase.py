"""Erasure on request (GDPR article 17): what names a person goes, what the law demands kept stays.

The order is: plan, landing, warehouse, state, files, scan. The plan (what to look for) is kept in
the state file until all is done, so that an erasure that was killed goes on where it was, by the
same command or in the next night.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from cryptography.fernet import Fernet

from heirpay_pipelines.audit import append
from heirpay_pipelines.audit.actions import Action
from heirpay_pipelines.audit.published import hash_of
from heirpay_pipelines.backup import discard_copies
from heirpay_pipelines.bank.names import relative_name
from heirpay_pipelines.controls.evidence.folder import rewrite_evidence
from heirpay_pipelines.home import Home
from heirpay_pipelines.landing.erasing import Rewritten, erase_person
from heirpay_pipelines.landing.landing import Landing
from heirpay_pipelines.landing.manifest import Manifest
from heirpay_pipelines.landing.people import Person, find_people, payloads
from heirpay_pipelines.landing.pull_sequence import make_whole, note_rewritten
from heirpay_pipelines.personal.paths import CLASSES, kept_clause
from heirpay_pipelines.personal.pseudonyms import Pseudonyms, pseudonyms, suppress
from heirpay_pipelines.personal.scrub import kept_texts
from heirpay_pipelines.privacy.files import (
    Change,
    bank_files,
    other_files,
    replace_file,
    rewrite,
    rewritten,
    texts_of,
)
from heirpay_pipelines.privacy.scan import find_traces
from heirpay_pipelines.privacy.state import compact, erase_from_state
from heirpay_pipelines.privacy.texts import text_scrubber
from heirpay_pipelines.privacy.warehouse import erase_from_warehouse
from heirpay_pipelines.state.database import State, open_state
from heirpay_pipelines.warehouse.leftovers import erase_leftovers
from heirpay_pipelines.warehouse.publication import discard_builds

TOGETHER = 20  # people whose names and ids are looked for at once


class GdprError(Exception):
    """What was asked for a person cannot be done. The message says why and what to do."""


@dataclass(frozen=True)
class KeptByLaw:
    """A field that stays in objects about the person, how many of them, and the clause."""

    object_name: str
    field: str
    objects: int
    clause: str


@dataclass(frozen=True)
class Erasure:
    """What was changed for the people erased together: landed files and rows, rows of the
    warehouse, cells of the state, other files. `kept` are the bank's own files that name one."""

    pseudonyms: tuple[str, ...]
    landed_files: int
    landed_rows: int
    warehouse_rows: int
    state_cells: int
    files: int
    kept: tuple[str, ...]
    kept_by_law: tuple[KeptByLaw, ...] = ()

    @property
    def by_clause(self) -> dict[str, list[str]]:
        """`number of 3 invoice` and the like, by the clause that demands it."""
        found: dict[str, list[str]] = defaultdict(list)
        for kept in self.kept_by_law:
            found[kept.clause].append(f"{kept.field} of {kept.objects} {kept.object_name}")
        return found

    def __str__(self) -> str:
        return ", ".join(self.pseudonyms)


def erase(
    home: Home,
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
    return erase_all(home, {customer: classes}, reason, by, at)[-1]


def erase_all(
    home: Home,
    wanted: Mapping[str, Collection[str]],
    reason: str,
    by: str,
    at: datetime,
) -> list[Erasure]:
    """Erase the personal data of several customers, of each the classes that are named for it and
    what was erased of it before: one that is wider than an earlier one stays whole. As `erase`."""
    with open_state(home.state_file) as state:
        names = pseudonyms(state, at)
        asked = {names.of(customer): set(classes) for customer, classes in wanted.items()}
        begun = [name for name in _begun(state) if name in asked]
        done = _finish_all(home, state, begun, at)
        before = {row["pseudonym"]: row["classes"].split() for row in _rows(state)}
        finished = {name for name in begun if asked[name] <= set(before[name])}
        wider = {
            customer: _together(classes, before.get(names.of(customer), ()))
            for customer, classes in wanted.items()
            if names.of(customer) not in finished
        }
        if wider:
            landing = Landing.of(home)
            people = find_people(landing, wider, names, _known(state, before))
            missing = wider.keys() - people.keys()
            if missing:
                raise GdprError(
                    f"Nothing is landed about {min(missing)}: there is nothing to erase."
                )
            for customer, person in people.items():
                _plan(state, names.of(customer), person, names, reason, by, at)
            done += _finish_all(home, state, list(map(names.of, people)), at)
        return done


def finish_all(home: Home, at: datetime) -> list[Erasure]:
    """Go on with every erasure that was begun and is not done. The caller holds the run lock."""
    if not home.state_file.is_file():
        return []
    with open_state(home.state_file) as state:
        return _finish_all(home, state, _begun(state), at)


def _finish_all(home: Home, state: State, begun: Sequence[str], at: datetime) -> list[Erasure]:
    """Finish what was begun: a few people of the same classes at a time, for everything that is
    kept is read and written for them."""
    groups: dict[str, list[str]] = defaultdict(list)
    for row in _rows(state):
        if row["pseudonym"] in begun:
            groups[row["classes"]].append(row["pseudonym"])
    return [
        _finish(home, state, names[start : start + TOGETHER], at)
        for names in groups.values()
        for start in range(0, len(names), TOGETHER)
    ]


def _finish(home: Home, state: State, together: Sequence[str], at: datetime) -> Erasure:
    """Do what the plans of some erasures say, look whether anything is left, and say that they are
    done."""
    rows = [row for row in _rows(state) if row["pseudonym"] in together]
    person, names, by = _everyone(rows), pseudonyms(state, at), rows[0]["requested_by"]

    def say(manifest: Manifest, done: list[Rewritten]) -> None:
        files = {d.before.path: [d.before.sha256, d.after.path, d.after.sha256] for d in done}
        detail = {"pull_id": manifest.pull_id, "erasure": " ".join(together), "files": files}
        append(state, datetime.now(UTC), by, Action.LANDING_REWRITTEN, manifest.pull_id, detail)

    def say_published(digest: str) -> None:
        detail = {"erasure": " ".join(together), **hash_of(home, home.warehouse, digest)}
        now = datetime.now(UTC)
        append(state, now, by, Action.WAREHOUSE_REWRITTEN, "published warehouse", detail)

    discard_copies(home.folder)
    landing = Landing.of(home)
    make_whole(state, landing)
    landed = erase_person(landing, person, names, say)
    note_rewritten(state, landing)
    for derived in ("building", "nights"):  # both can be made again from the landing
        discard_builds(home.warehouse_dir / derived)
    erase_leftovers(home)
    erasure = Erasure(
        pseudonyms=tuple(together),
        landed_files=len(landed),
        landed_rows=sum(item.rows for item in landed),
        warehouse_rows=erase_from_warehouse(home, person, names, say_published),
        state_cells=erase_from_state(state, person, names),
        files=_files(home, state, text_scrubber(person, names).text, by, at),
        kept=_kept(home, person, names),
        kept_by_law=_kept_by_law(landing, person),
    )
    traces = find_traces(home, state, person)
    if traces:
        raise GdprError(
            f"{erasure} is not erased yet: {len(traces)} places still name the person, the first"
            f" {traces[0]}. Remove it there by hand, then erase again: it goes on where it was."
        )
    _done(state, erasure, rows, at)
    return erasure


def _rows(state: State) -> list[Any]:
    return state.rows("select * from erasures order by requested_at, pseudonym")


def _begun(state: State) -> list[str]:
    return [row["pseudonym"] for row in _rows(state) if row["plan"] is not None]


def _known(state: State, names: Collection[str]) -> dict[str, str]:
    rows = state.rows("select hash, pseudonym from erased_ids")
    return {row["hash"]: row["pseudonym"] for row in rows if row["pseudonym"] in names}


def _together(*several: Collection[str]) -> tuple[str, ...]:
    """Classes in the register's order, each once."""
    return tuple(kind for kind in CLASSES if any(kind in classes for classes in several))


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


def _everyone(rows: Sequence[Any]) -> Person:
    """The people of some plans, of the same classes, as if they were one."""
    plans = [json.loads(row["plan"]) for row in rows]
    return Person(
        frozenset(id for plan in plans for id in plan["related"]),
        frozenset(text for plan in plans for text in plan["texts"]),
        {id: pseudonym for plan in plans for id, pseudonym in plan["ids"].items()},
        tuple(plans[0]["classes"]),
    )


def _done(state: State, erasure: Erasure, rows: Sequence[Any], at: datetime) -> None:
    state.connection.execute("pragma secure_delete = on")
    with state.transaction() as connection:
        for row in rows:
            connection.execute(
                "update erasures set plan = null, completed_at = ? where pseudonym = ?",
                (at.isoformat(), row["pseudonym"]),
            )
            detail = {
                "reason": row["reason"],
                "classes": row["classes"].split(),
                "people": len(rows),
                "landed_files": erasure.landed_files,
                "landed_rows": erasure.landed_rows,
                "warehouse_rows": erasure.warehouse_rows,
                "state_cells": erasure.state_cells,
                "files": erasure.files,
                "bank_files_kept": len(erasure.kept),
            }
            by, name = row["requested_by"], row["pseudonym"]
            append(state, datetime.now(UTC), by, Action.ERASURE_DONE, name, detail)
    compact(state)


def _files(home: Home, state: State, change: Change, by: str, at: datetime) -> int:
    """Reports, Data Docs, workbooks, Dagster's records, evidence and quarantined files."""
    count, key = 0, home.key
    evidence = home.folder / "evidence"
    for path in other_files(home):
        if not path.is_relative_to(evidence):
            count += rewrite(path, key, change)
    count += rewrite_evidence(
        home, state, evidence, lambda path: rewrite(path, key, change), by, at
    )
    for row in state.rows("select stored_as, encryption_key from quarantined_files"):
        path = home.folder / "quarantine" / row["stored_as"]
        if path.is_file():
            box = Fernet(row["encryption_key"])
            content = box.decrypt(path.read_bytes())
            new = rewritten(content, change)
            if new != content:
                replace_file(path, box.encrypt(new))
                count += 1
    return count


def _kept_by_law(landing: Landing, person: Person) -> tuple[KeptByLaw, ...]:
    """What the objects about the person still say because a law demands it."""
    objects: dict[tuple[str, str], set[str]] = defaultdict(set)
    known = person.related | set(person.ids.values())
    for id, payload in payloads(landing, landing.files(), known):
        for place in kept_texts(json.loads(payload)):
            objects[place].add(id)
    return tuple(
        KeptByLaw(name, field, len(ids), str(kept_clause(name, field)))
        for (name, field), ids in sorted(objects.items())
    )


def _kept(home: Home, person: Person, names: Pseudonyms) -> tuple[str, ...]:
    """The bank's own files that name the person: accounting records, kept as long as the law says
    (article 17(3)(b)) and never changed. They are named, so that a person can delete them."""
    change, key = text_scrubber(person, names).text, home.key
    return tuple(
        relative_name(path, home.bank_dir)
        for path in bank_files(home)
        if any(change(text) != text for text in texts_of(path, key))
    )
