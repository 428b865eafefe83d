"""Checksums of customers' tax ids, through python-stdnum: what SQL cannot compute.

A checksum that holds says that the id could exist, not that it does: only the register (VIES for
the European Union) knows, and its being unavailable is not "invalid".
"""

from __future__ import annotations

from importlib import import_module

import duckdb
import pyarrow as pa
from stdnum.exceptions import ValidationError

# Stripe's type of tax id: the module of python-stdnum that validates it.
VALIDATORS = {
    "au_abn": "stdnum.au.abn",
    "br_cnpj": "stdnum.br.cnpj",
    "br_cpf": "stdnum.br.cpf",
    "ca_bn": "stdnum.ca.bn",
    "ch_vat": "stdnum.ch.vat",
    "eu_vat": "stdnum.eu.vat",
    "gb_vat": "stdnum.gb.vat",
    "in_gst": "stdnum.in_.gstin",
    "jp_cn": "stdnum.jp.cn",
    "mx_rfc": "stdnum.mx.rfc",
    "no_vat": "stdnum.no.mva",
    "nz_gst": "stdnum.nz.ird",
    "us_ein": "stdnum.us.ein",
}
SCHEMA = pa.schema(
    [
        ("type", pa.string()),
        ("value", pa.string()),
        ("is_valid", pa.bool_()),
        ("fault", pa.string()),
    ]
)
DISTINCT = """
select distinct
    json_extract_string(payload, '$.type') as type,
    json_extract_string(payload, '$.value') as value
from landing.tax_id
where json_extract_string(payload, '$.value') is not null
"""


def check_tax_id(kind: str, value: str) -> tuple[bool | None, str | None]:
    """Whether the id's form and checksum hold, and what does not; None for a type that has no
    known rule."""
    module = VALIDATORS.get(kind)
    if module is None:
        return None, None
    try:
        import_module(module).validate(value)
    except ValidationError as error:
        return False, type(error).__name__.removeprefix("Invalid").lower() or "invalid"
    return True, None


def load_tax_id_checks(connection: duckdb.DuckDBPyConnection) -> None:
    """Create `landing.tax_id_checks` (type, value, is_valid, fault): one row per distinct id that
    was ever landed. Reads `landing.tax_id`."""
    rows = [
        (kind, value, *check_tax_id(kind, value))
        for kind, value in connection.execute(DISTINCT).fetchall()
    ]
    names = SCHEMA.names
    connection.register(
        "checked", pa.Table.from_pylist([dict(zip(names, r, strict=True)) for r in rows], SCHEMA)
    )
    connection.execute("create or replace table landing.tax_id_checks as select * from checked")
    connection.unregister("checked")
