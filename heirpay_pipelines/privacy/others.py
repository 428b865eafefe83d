"""Other people in one person's copy: their ids become pseudonyms, what names them is taken out
(GDPR article 15(4): a copy must not adversely affect the rights of others)."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Iterator

import duckdb
import pyarrow as pa

from heirpay_pipelines.landing.landing import Landing
from heirpay_pipelines.landing.people import Person, open_links
from heirpay_pipelines.landing.read import relation
from heirpay_pipelines.personal.paths import personal_paths
from heirpay_pipelines.personal.pseudonyms import Pseudonyms
from heirpay_pipelines.personal.scrub import Scrubber, distinctive

ID = re.compile(r"[A-Za-z][A-Za-z0-9]*_[A-Za-z0-9_]+")
# What hangs together with nothing (a product, a payout) is nobody's.
OF_OTHERS = """
select distinct named.id
from (select unnest(?) as id except select id from related) as named
inner join links on named.id in (links.id, links.link)
where links.id <> links.link
"""
VALUES = """
select distinct value
from (
    select unnest(json_extract_string(payload, ?)) as value
    from {files} where id not in (select id from related)
)
where contains(lower(?), lower(value))
"""


def others_scrubber(
    landing: Landing, person: Person, own: Collection[str], text: str, pseudonyms: Pseudonyms
) -> Scrubber:
    """What takes other customers out of `text`, all that a person's copy says; `own` are values of
    the person's own objects, which stay.

    Names, addresses and the like are known from the fields of other customers' landed objects.
    """
    ours = {value.casefold() for value in own}
    with open_links(landing, landing.files()) as connection:
        connection.register("related", pa.table({"id": pa.array(sorted(person.related))}))
        found = connection.execute(OF_OTHERS, [sorted(set(ID.findall(text)))]).fetchall()
        texts = {
            value
            for data_class, name, values in _named(landing, connection, text)
            for value in distinctive((data_class, name, value) for value in values)
            if value.casefold() not in ours
        }
    return Scrubber(pseudonyms, (), texts, {id: pseudonyms.of(id) for (id,) in found})


def _named(
    landing: Landing, connection: duckdb.DuckDBPyConnection, text: str
) -> Iterator[tuple[str, str, list[str]]]:
    """(class, field, values) of other people's objects, of the values that stand in the text."""
    files = landing.files()
    for (object_name, data_class, name), paths in _fields().items():
        if object_name in files:
            sql = VALUES.format(files=relation(landing, files[object_name]))
            rows = connection.execute(sql, [paths, text]).fetchall()
            yield data_class, name, [value for (value,) in rows]


def _fields() -> dict[tuple[str, str, str], list[str]]:
    """The JSON paths of personal data by object, class and field, those below `*` left out."""
    found: dict[tuple[str, str, str], list[str]] = defaultdict(list)
    for leaf in personal_paths():
        if "*" not in leaf.path:
            name = leaf.path.rpartition(".")[2]
            found[leaf.object_name, leaf.data_class, name].append(leaf.path)
    return found
