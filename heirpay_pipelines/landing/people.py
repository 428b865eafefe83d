"""Which landed objects are about one person, and what of them tells who it is."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

import duckdb
import orjson
import pyarrow as pa

from heirpay_pipelines.landing.landing import Landing
from heirpay_pipelines.landing.manifest import LandedFile
from heirpay_pipelines.landing.read import open_files, relation
from heirpay_pipelines.personal.paths import CLASSES, identifies, links, links_by_email
from heirpay_pipelines.personal.pseudonyms import Pseudonyms
from heirpay_pipelines.personal.scrub import collect, distinctive

BATCH = 500
MAILTO = "mailto:"
BANK_LINE = "bank_transaction"
# What many people share (a product, a payout) has no field that `links` names: it joins nobody.
EXPAND = """
insert into person
select distinct id from (
    select links.id from links inner join person on links.link = person.id
    union all
    select links.link from links inner join person on links.id = person.id
    where not starts_with(links.link, 'mailto:')
)
where id not in (select id from person)
"""


@dataclass(frozen=True)
class Person:
    """One person: `related` are the ids of all objects about them; `texts` are values that no one
    else has, `ids` the pseudonyms of the ids that lead to them; `classes` is what is to go."""

    related: frozenset[str]
    texts: frozenset[str] = field(default=frozenset(), repr=False)
    ids: Mapping[str, str] = field(default_factory=dict, repr=False)
    classes: tuple[str, ...] = CLASSES


def find_person(
    landing: Landing, customer: str, pseudonyms: Pseudonyms, classes: Collection[str] = CLASSES
) -> Person | None:
    """Everything landed about a customer (an id or its pseudonym); None when nothing is."""
    return find_people(landing, {customer: classes}, pseudonyms, {}).get(customer)


def find_people(
    landing: Landing,
    wanted: Mapping[str, Collection[str]],
    pseudonyms: Pseudonyms,
    known: Mapping[str, str],
) -> dict[str, Person]:
    """Everything landed about each of these customers, with the classes that are to go; whoever
    nothing is landed about is left out. `known` are pseudonyms by the hashes of ids that were
    found to be about them before: what joined them (an e-mail) may be erased by now."""
    files, found = landing.files(), {}
    with open_links(landing, files) as connection:
        emails = _emails(landing, connection, files, wanted)
        before = _known_ids(connection, pseudonyms, known)
        for customer in wanted:
            name = pseudonyms.of(customer)
            seeds = {customer, name} | emails[customer] | before[name]
            if _is_linked(connection, seeds):
                found[customer] = related(connection, seeds)
    people = describe(landing, files, found, pseudonyms)
    described = {customer: people(customer, wanted[customer]) for customer in found}
    return {name: _with_bank_lines(landing, files, person) for name, person in described.items()}


def _with_bank_lines(
    landing: Landing, files: Mapping[str, list[LandedFile]], person: Person
) -> Person:
    """The person and the lines of bank statements that name them: no id joins those, and the same
    line may land again from another file of the bank's."""
    if BANK_LINE not in files or not person.texts:
        return person
    texts = [orjson.dumps(text).decode()[1:-1] for text in person.texts]
    with open_files(landing) as connection:
        rows = connection.execute(
            f"select distinct id from {relation(landing, files[BANK_LINE])}"
            " where regexp_matches(payload, ?)",
            ["|".join(f"(?i:{re.escape(text)})" for text in texts)],
        ).fetchall()
    return replace(person, related=person.related | {row[0] for row in rows})


def describe(
    landing: Landing,
    files: Mapping[str, list[LandedFile]],
    found: Mapping[str, Collection[str]],
    pseudonyms: Pseudonyms,
) -> Callable[[str, Collection[str]], Person]:
    """People by the ids of the objects about them: their texts and pseudonyms are read, all in one
    pass. What is handed back says who one of them is, for some classes of personal data."""
    owners: dict[str, list[str]] = defaultdict(list)
    for customer, ids in found.items():
        for id in ids:
            owners[id].append(customer)
    values: dict[str, set[tuple[str, str, str]]] = defaultdict(set)
    for id, payload in payloads(landing, files, owners):
        for customer in owners[id]:
            values[customer].update(collect(orjson.loads(payload)))

    def person(customer: str, classes: Collection[str]) -> Person:
        return _person(found[customer], values[customer], pseudonyms, classes)

    return person


def _person(
    related_ids: Collection[str],
    values: Collection[tuple[str, str, str]],
    pseudonyms: Pseudonyms,
    classes: Collection[str],
) -> Person:
    chosen = [value for value in values if value[0] in classes]
    names = {id for id in related_ids if identifies(id)}
    names |= {value for _, name, value in chosen if name in ("id", "fingerprint")}
    whole = set(classes) == set(CLASSES)
    ids = {name: pseudonyms.of(name) for name in names if whole or not identifies(name)}
    return Person(
        frozenset(related_ids),
        frozenset(distinctive(chosen)),
        {name: pseudonym for name, pseudonym in ids.items() if name != pseudonym},
        tuple(classes),
    )


def payloads(
    landing: Landing, files: Mapping[str, list[LandedFile]], ids: Collection[str]
) -> Iterator[tuple[str, str]]:
    """(id, payload) of every landed version of these objects."""
    wanted = pa.table({"id": pa.array(sorted(ids), pa.string())})
    with open_files(landing) as connection:
        connection.register("wanted", wanted)
        for found in files.values():
            rows = connection.execute(
                f"select id, payload from {relation(landing, found)}"
                " where id in (select id from wanted)"
            )
            while batch := rows.fetchmany(BATCH):
                yield from batch


@contextmanager
def open_links(
    landing: Landing, files: Mapping[str, list[LandedFile]]
) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection with the table `links`: (id, link) of every landed object, itself a link."""
    with open_files(landing) as connection:
        connection.execute("create temp table links (id varchar, link varchar)")
        for name, found in files.items():
            connection.execute(_links_of(name, relation(landing, found)))
        yield connection


def related(connection: duckdb.DuckDBPyConnection, seeds: Iterable[str]) -> set[str]:
    """The ids of all objects that hang together with the seeds, the seeds among them."""
    connection.execute(
        "create or replace temp table person as select unnest(?) as id", [list(seeds)]
    )
    counted = 0
    while (now := _count(connection)) > counted:
        counted = now
        connection.execute(EXPAND)
    found = connection.execute("select id from person").fetchall()
    return {row[0] for row in found if not row[0].startswith(MAILTO)}


def _is_linked(connection: duckdb.DuckDBPyConnection, ids: Iterable[str]) -> bool:
    found = connection.execute(
        "select 1 from links where link in (select unnest(?)) limit 1", [list(ids)]
    )
    return found.fetchone() is not None


def _count(connection: duckdb.DuckDBPyConnection) -> int:
    row = connection.execute("select count(*) from person").fetchone()
    return int(row[0]) if row else 0


def _links_of(name: str, source: str) -> str:
    """SQL that adds the links of one object's files; an event is linked as the object it carries,
    a quarantined answer as what was answered."""
    body, prefix = "payload", "$."
    if name == "event":
        prefix = "$.data.object."
    elif name == "quarantine":
        raw = "(payload ->> '$.raw')"
        body = f"case when json_valid({raw}) then {raw} end"
    paths = [f"{prefix}{path}" for path in links()]
    if name in ("event", "quarantine"):
        paths.append(f"{prefix}id")
    mails = [f"{prefix}{path}" for path in links_by_email()]
    return (
        "insert into links select distinct id, link from ("
        f" select id, unnest(json_extract_string({body}, {paths})) as link from {source}"
        f" union all select id, '{MAILTO}' || lower(unnest(json_extract_string({body}, {mails})))"
        f" from {source} where json_extract_string({body}, '{prefix}customer') is null"
        f" and coalesce(json_extract_string({body}, '$.row.customer_id'), '') = ''"
        f" union all select id, id from {source})"
        " where length(link) between 4 and 255"
    )


def _emails(
    landing: Landing,
    connection: duckdb.DuckDBPyConnection,
    files: Mapping[str, list[LandedFile]],
    customers: Collection[str],
) -> Mapping[str, set[str]]:
    """Every e-mail address that each customer ever had, as links name them."""
    found: dict[str, set[str]] = defaultdict(set)
    for name, path in (("customer", "$."), ("event", "$.data.object.")):
        if name in files:
            rows = connection.execute(
                f"select distinct payload ->> '{path}id', lower(payload ->> '{path}email')"
                f" from {relation(landing, files[name])}"
                f" where (payload ->> '{path}id') in (select unnest(?))",
                [list(customers)],
            ).fetchall()
            for id, email in rows:
                found[id].update({f"{MAILTO}{email}"} if email else ())
    return found


def _known_ids(
    connection: duckdb.DuckDBPyConnection, pseudonyms: Pseudonyms, known: Mapping[str, str]
) -> Mapping[str, set[str]]:
    """By pseudonym: the linked ids whose hashes are known."""
    found: dict[str, set[str]] = defaultdict(set)
    if known:
        pseudonyms.create_macro(connection)
        table = pa.table({"hash": list(known), "pseudonym": list(known.values())})
        connection.register("known", table)
        rows = connection.execute(
            "select distinct links.id, pseudonym from links"
            " inner join known on known.hash = mac(links.id)"
        ).fetchall()
        for id, pseudonym in rows:
            found[pseudonym].add(id)
    return found
