"""What landed objects name and landing does not hold: one anti-join for each kind of object.

Each payload is parsed once, into the fields that name something (`gateways/stripe/references.py`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import duckdb
import orjson

from heirpay_pipelines.duck import quoted
from heirpay_pipelines.gateways.stripe.references import BY_PREFIX, NAMES, PREFIXES, Missing
from heirpay_pipelines.landing.landing import Landing
from heirpay_pipelines.landing.manifest import LandedFile
from heirpay_pipelines.landing.read import open_files, relation
from heirpay_pipelines.personal.pseudonyms import IS_PSEUDONYM

Files = Mapping[str, list[LandedFile]]
LIST = "[*]"
TO_PREFIXES = "by prefix"

# Every field that names an object: (the holder's id, the kind named, the field's JSON).
NAMED = """
select id as holder_id, field.kind as kind, field.value as value
from (
    select id, unnest({fields}) as field
    from (select id, from_json(payload, {shape}) as fields from {files})
)
where field.value is not null and field.value <> 'null'
"""
REFERENCES = """
select
    holder_id, {kind} as object_name, named_id as id,
    case when value like '{{%' then value end as embedded
from (
    select *, case when value like '{{%' then value ->> '$.id' else value ->> '$' end as named_id
    from ({named})
)
where named_id is not null and named_id <> '' and not regexp_matches(named_id, {pseudonym})
"""


def missing_references(landing: Landing, held: Files, known: Files, asked: bool) -> list[Missing]:
    """What the objects in the files `held` name and the files `known` do not hold, by kind and id.
    What Stripe refused for good is left out, unless it is to be `asked` again."""
    found: list[Missing] = []
    with open_files(landing) as connection:
        connection.execute("set preserve_insertion_order = false")
        connection.execute(
            "create temp table named (object_name varchar, id varchar, holder varchar)"
        )
        for holder, files in held.items():
            if kinds := _named_by(holder):
                # First by itself: parsing and joining at once would not fit into the memory.
                connection.execute(
                    "create or replace temp table seen as select object_name, id"
                    f" from ({_references(landing, holder, files)}) where object_name is not null"
                )
                connection.execute(
                    f"insert into named select distinct seen.object_name, seen.id, {quoted(holder)}"
                    f" from seen anti join ({_known(landing, known, kinds)}) as known"
                    " on seen.object_name = known.object_name and seen.id = known.id"
                )
        if not asked and (refused := known.get("unreadable_object")):
            connection.execute(
                "delete from named where md5(object_name || ':' || id) in"
                f" (select id from {relation(landing, refused)})"
            )
        for holder in _holders(connection):
            found += _told(connection, landing, holder, held[holder])
    unique = {(each.object_name, each.id): each for each in sorted(found, key=_plain_first)}
    return [unique[key] for key in sorted(unique)]


def _named_by(holder: str) -> list[str]:
    """The kinds of objects that one kind of holder may name."""
    by_prefix = PREFIXES.values() if holder in BY_PREFIX else ()
    return sorted({*NAMES.get(holder, {}).values(), *by_prefix})


def _known(landing: Landing, known: Files, kinds: Iterable[str]) -> str:
    """SQL of the objects of these kinds that are landed: object_name, id."""
    parts = [
        f"select {quoted(kind)} as object_name, id from {relation(landing, known[kind])}"
        for kind in kinds
        if known.get(kind)
    ]
    return " union all ".join(parts) or "select '' as object_name, '' as id"


def references(landing: Landing, holder: str, files: Iterable[LandedFile]) -> str:
    """SQL of the references that objects of one kind hold: holder_id, object_name, id, embedded."""
    return _references(landing, holder, files)


def _plain_first(missing: Missing) -> bool:
    """Of two holders, the one that carries the object itself comes last, and is kept."""
    return missing.embedded is not None


def _holders(connection: duckdb.DuckDBPyConnection) -> list[str]:
    rows = connection.execute("select distinct holder from named order by 1").fetchall()
    return [row[0] for row in rows]


def _told(
    connection: duckdb.DuckDBPyConnection, landing: Landing, holder: str, files: list[LandedFile]
) -> list[Missing]:
    """The missing objects that one kind of holder names, with one holder each."""
    rows = connection.execute(
        "select object_name, id, max_by(holder_id, embedded is not null), max(embedded)"
        f" from ({_references(landing, holder, files)})"
        " where (object_name, id) in (select (object_name, id) from named) group by all"
    ).fetchall()
    return [
        Missing(kind, id, holder, holder_id, orjson.loads(embedded) if embedded else None)
        for kind, id, holder_id, embedded in rows
    ]


def _references(landing: Landing, holder: str, files: Iterable[LandedFile]) -> str:
    paths = dict(NAMES.get(holder, {}))
    paths |= dict.fromkeys(BY_PREFIX.get(holder, ()), TO_PREFIXES)
    shape = _shape(paths)
    lists = [
        f"list_transform({_values('fields', _segments(path), shape)},"
        f" lambda v: {{'kind': {quoted(kind)}, 'value': v}})"
        for path, kind in paths.items()
    ]
    named = NAMED.format(
        fields=f"flatten([{', '.join(lists)}])",
        shape=quoted(orjson.dumps(shape).decode()),
        files=relation(landing, files),
    )
    whens = " ".join(
        f"when starts_with(named_id, {quoted(prefix)}) then {quoted(kind)}"
        for prefix, kind in PREFIXES.items()
    )
    kind = f"case when kind = {quoted(TO_PREFIXES)} then case {whens} end else kind end"
    return REFERENCES.format(kind=kind, named=named, pseudonym=quoted(IS_PSEUDONYM))


def _segments(path: str) -> list[str]:
    return path.split(".")


def _shape(paths: Iterable[str]) -> dict[str, Any]:
    """The structure to parse: {"lines": {"data": [{"price": "JSON"}]}}. A field that names an
    object and has further fields of its own to read stays JSON."""
    tree: dict[str, Any] = {}
    for path in sorted(paths):  # a field comes before what is inside it
        at = tree
        *parents, last = _segments(path)
        for parent in parents:
            name = parent.removesuffix(LIST)
            below = at.setdefault(name, [{}] if parent.endswith(LIST) else {})
            if isinstance(below, str):
                break
            at = below[0] if isinstance(below, list) else below
        else:
            name = last.removesuffix(LIST)
            at.setdefault(name, ["JSON"] if last.endswith(LIST) else "JSON")
    return tree


def _values(value: str, segments: Sequence[str], shape: Any, depth: int = 0) -> str:
    """SQL of the list of JSON values at a path of the parsed fields."""
    name = segments[0].removesuffix(LIST)
    field, inner, rest = f'{value}."{name}"', shape[name], segments[1:]
    if segments[0].endswith(LIST):
        if not rest:
            return f"coalesce({field}, [])"
        each = f"x{depth}"
        below = _values(each, rest, inner[0], depth + 1)
        return f"flatten(coalesce(list_transform({field}, lambda {each}: {below}), []))"
    if not rest:
        return f"[{field}]"
    if inner == "JSON":
        return f"[json_extract({field}, '$.{'.'.join(rest)}')]"
    return _values(field, rest, inner, depth)
