"""Taking a person's data out of landed files: the one exception to "nothing is ever changed".

A file is never changed in place. The rewritten one gets a new name, the manifest that lists it is
replaced in one step, and only then the old file goes. Killed at any instant, a manifest lists
either all old or all new files, and `Landing.discard_uncommitted` removes what none lists.
"""

from __future__ import annotations

import os
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import duckdb
import orjson
import pyarrow as pa

from heirpay_pipelines.at_rest.places import sync_folder
from heirpay_pipelines.duck import quoted
from heirpay_pipelines.landing.landing import Landing, by_object, sha256_of
from heirpay_pipelines.landing.manifest import LandedFile, LandingError, Manifest, write_manifest
from heirpay_pipelines.landing.people import Person
from heirpay_pipelines.landing.read import KEY_NAME, open_files, relation
from heirpay_pipelines.personal.pseudonyms import Pseudonyms
from heirpay_pipelines.personal.scrub import Scrubber

BATCH = 500
GENERATION = 100_000  # a rewritten file's number is higher by this
CHANGES = pa.schema([("row", pa.int64()), ("new_id", pa.string()), ("new_payload", pa.string())])
OF_A_CUSTOMER = """
    object = 'customer' or (payload ->> '$.data.object.object') = 'customer'
    or coalesce(
        payload ->> '$.customer', payload ->> '$.data.object.customer',
        payload ->> '$.row.customer_id', ''
    ) <> ''
"""
Change = tuple[int, str, str]


@dataclass(frozen=True)
class Rewritten:
    """A landed file before and after, and how many of its rows were changed."""

    before: LandedFile
    after: LandedFile
    rows: int


def erase_person(
    landing: Landing,
    person: Person,
    pseudonyms: Pseudonyms,
    say: Callable[[Manifest, list[Rewritten]], None],
) -> list[Rewritten]:
    """Take a person's data out of every landed version, manifest by manifest. Idempotent.

    `say` is told before a manifest changes: what it records covers all that ever happens.
    """
    rewritten = []
    for manifest in landing.manifests():
        done = rewrite_files(landing, manifest.files, person, pseudonyms)
        if done:
            after = {item.before.path: item.after for item in done}
            files = tuple(after.get(file.path, file) for file in manifest.files)
            say(manifest, done)
            write_manifest(landing.manifests_dir, replace(manifest, files=files))
            _remove(landing, done)
        rewritten += done
    landing.discard_uncommitted(lost_too=True)
    return rewritten


def rewrite_files(
    landing: Landing, files: Sequence[LandedFile], person: Person, pseudonyms: Pseudonyms
) -> list[Rewritten]:
    """Write those of the files anew that hold something of the person. The old ones stay."""
    rewritten = []
    with open_files(landing) as connection:
        ids = pa.table({"id": pa.array(sorted(person.related), pa.string())})
        connection.register("related", ids)
        for found in by_object(files).values():
            changes = _changes(connection, relation(landing, found), person, pseudonyms)
            for file in found:
                mine = changes.get(Path(file.path).name)
                if mine:
                    after = _rewrite(connection, landing, file, mine)
                    rewritten.append(Rewritten(file, after, len(mine)))
    return rewritten


def _changes(
    connection: duckdb.DuckDBPyConnection, source: str, person: Person, pseudonyms: Pseudonyms
) -> dict[str, list[Change]]:
    """By file name: the rows that change, with their new id and payload."""
    own = Scrubber(pseudonyms, person.classes, person.texts, person.ids)
    # Another customer's data is not this person's, even where a name is the same.
    foreign = Scrubber(pseudonyms, (), (), person.ids)
    changes: dict[str, list[Change]] = defaultdict(list)
    found = connection.execute(
        "select filename, file_row_number, files.id, payload, related.id is not null,"
        f" {OF_A_CUSTOMER} from {source} as files left join related on related.id = files.id"
        " where related.id is not null or regexp_matches(payload, ?)",
        [_anything_of(person)],
    )
    while rows := found.fetchmany(BATCH):
        for name, number, id, payload, is_related, of_a_customer in rows:
            obj = orjson.loads(payload)
            if is_related:
                new = own.payload(obj)
            else:
                new = (foreign if of_a_customer else own).quoted(obj)
            new_id = person.ids.get(id, id)
            if new != obj or new_id != id:
                changes[Path(name).name].append((number, new_id, orjson.dumps(new).decode()))
    return changes


def _anything_of(person: Person) -> str:
    """One expression (RE2) for the ids and texts of a person, as they stand in JSON text."""
    texts = [orjson.dumps(text).decode()[1:-1] for text in person.texts]
    known = [f"(?i:{re.escape(text)})" for text in texts] + [re.escape(id) for id in person.ids]
    return "|".join(known) if known else "$^"


def _rewrite(
    connection: duckdb.DuckDBPyConnection, landing: Landing, file: LandedFile, rows: list[Change]
) -> LandedFile:
    target = _next_name(landing.root / file.path)
    table = pa.table([pa.array(column) for column in zip(*rows, strict=True)], schema=CHANGES)
    options = "format parquet, compression zstd"
    if landing.key:
        options += f", encryption_config {{footer_key: '{KEY_NAME}'}}"
    connection.register("changes", table)
    try:
        connection.execute(
            "copy (select * exclude (place, row, new_id, new_payload)"
            " replace (coalesce(new_id, id) as id, coalesce(new_payload, payload) as payload)"
            f" from (select *, file_row_number as place from {relation(landing, [file])}) as old"
            " left join changes on changes.row = old.place order by old.place)"
            f" to {quoted(str(target))} ({options})"
        )
    except duckdb.Error as error:
        raise LandingError(
            f"landing/{file.path} cannot be rewritten ({type(error).__name__}). Free space or"
            " give this user access, and erase again: it goes on where it was."
        ) from None
    _sync(target)
    path = str(target.relative_to(landing.root))
    return LandedFile(path, file.object_name, file.rows, sha256_of(target))


def _next_name(path: Path) -> Path:
    stem, _, number = path.stem.rpartition("-")
    return path.with_name(f"{stem}-{int(number) + GENERATION:05d}{path.suffix}")


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fchmod(descriptor, 0o600)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    sync_folder(path.parent)


def _remove(landing: Landing, done: Iterable[Rewritten]) -> None:
    for item in done:
        (landing.root / item.before.path).unlink(missing_ok=True)
