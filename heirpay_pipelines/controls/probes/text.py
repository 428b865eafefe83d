"""Card data in stored text: DuckDB picks the few candidates, Python confirms them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from io import TextIOWrapper
from pathlib import Path

from heirpay_pipelines.at_rest import sealed
from heirpay_pipelines.controls.card_numbers import CardFinding, find_in_json, find_in_text, masked
from heirpay_pipelines.controls.probes.given import ProbeInput
from heirpay_pipelines.controls.results import Outcome, judge
from heirpay_pipelines.personal.encoded_numbers import (
    COMPRESSED,
    DIGITS_IN_BASE32,
    DIGITS_IN_BASE64,
    DIGITS_IN_HEX,
    SCIENTIFIC,
)
from heirpay_pipelines.warehouse.personal_columns import tagged_columns

# A superset of what the finder confirms: thirteen digits with little between them, and nothing
# that stands in an instant or between values of JSON; a digit of another script; an escape that
# could hide a separator or a digit; groups with a list's separators; digits in base64, base32,
# hexadecimal or a float, compressed text; two neighbouring texts of digits, or a name and a value;
# a verification code. RE2 is quick on the short patterns and slow on one that
# holds them all, or repeats a class of Unicode.
PIECE = r"[0-9][0-9 ._/+-]{0,20}"
NAME_END = r"[0-9][0-9 ._/+-]{4,20}[0-9]"
# In one: a pattern costs a look at the whole text.
ENCODED = f"{DIGITS_IN_BASE64}|{DIGITS_IN_BASE32}|{COMPRESSED}"
PATTERNS = (
    r"[0-9]([^0-9A-Za-z:,\x22]{0,6}[0-9]){12}",
    r"[0-9][^0-9A-Za-z]{0,20}\\[unrt]",
    r"\\u[0-9a-fA-F]{4}[^0-9A-Za-z]{0,20}\\u",
    r"%[23][0-9A-F]|%C2%A0|%[57][CEF]|&nbsp;|&#|[0-9]&[A-Za-z]{2,24};",
    r"[0-9]{4}[^0-9A-Za-z\x22]{1,5}[0-9]{4,6}[^0-9A-Za-z\x22]{1,5}[0-9]{4}"
    rf"|{NAME_END}\\*\x22\s*:\s*\\*\x22?{NAME_END}|{SCIENTIFIC}",
    ENCODED,
    DIGITS_IN_HEX,
    rf"\x22{PIECE}\\*\x22\s*,\s*(\\*\x22[^\x22]{{0,40}}\x22\s*:\s*)?\\*\x22{PIECE}\\*\x22",
    rf"\x22{PIECE}\\*\x22[^\[\]]*\}}\s*,\s*\{{[^\[\]]*\x22{PIECE}\\*\x22",
    r"(?i)(cvv2?|cvc2?|cvn2?|csc|security[ _-]?code|card verification)[^a-z]{1,10}[0-9]{3}",
)


def _formattable(pattern: str) -> str:
    return pattern.replace("{", "{{").replace("}", "}}")


PREFILTER = (
    "("
    + " or ".join(f"regexp_matches({{0}}, '{_formattable(p)}')" for p in PATTERNS)
    + r" or (regexp_matches({0}, '[^\x00-\x7f]')"
    r" and regexp_matches(regexp_replace({0}, '[\x00-\x7f]+', '', 'g'), '\p{{Nd}}')))"
)
MAY_HOLD = (
    "(length({0}) >= 13 and (length({0}) - length(translate({0}, '0123456789', '')) >= 13"
    " or strlen({0}) <> length({0}) or contains({0}, '\\u')))"
)
IN_BASE64 = f"regexp_matches({{0}}, '{_formattable(ENCODED)}')"
"""Of few digits, so that MAY_HOLD lets it pass by: asked of what people write, not of ids."""
TABLES_SCANNED = ("staging", "intermediate", "finance", "operations", "compliance")
BATCH = 1000
OURS = (".parquet", ".duckdb", ".partial", ".sqlite", ".db")
"""Files that the pipeline names itself (pull ids, digests): no person typed a number there."""


def card_numbers_in_tables(given: ProbeInput) -> Outcome:
    """Primary account numbers in any text column of the models' tables."""
    columns = given.connection.execute(
        "select schema_name, table_name, list(column_name order by column_index)"
        " from duckdb_columns() where schema_name in (select unnest(?))"
        " and data_type in ('VARCHAR', 'JSON')"
        # Hashes hold long runs of digits and are ours.
        " and column_name not in ('hash', 'previous_hash') group by all order by all",
        [list(TABLES_SCANNED)],
    ).fetchall()
    prose = {place for place, kind in tagged_columns().items() if kind == "free_text"}
    looked_at, offenders = 0, []
    for schema, table, names in columns:
        looked_at += len(names)
        relation = f'"{schema}"."{table}"'
        written = [name for name in names if (table, name) in prose]
        offenders += [
            f"{schema}.{table}.{column}"
            for column in _with_digits(given, relation, names, written)
            if _column_has_card(given, relation, f'"{column}"')
        ]
    return judge(looked_at, offenders, unit="text columns")


def _with_digits(given: ProbeInput, table: str, names: list[str], written: list[str]) -> list[str]:
    """Columns with a text of thirteen digits or of characters that may hide them: one pass over
    the table. Only the columns that people write in (`written`) are asked by a regular expression,
    which takes DuckDB longer to compile than to run."""
    tests = ", ".join(
        f"coalesce(bool_or({_may_hold(name, is_written=name in written)}), false)" for name in names
    )
    row = given.connection.execute(f"select {tests} from {table}").fetchone() or ()
    return [name for name, may in zip(names, row, strict=True) if may]


def _may_hold(column: str, *, is_written: bool) -> str:
    test = MAY_HOLD.format(_text(column))
    return f"({test} or {IN_BASE64.format(_text(column))})" if is_written else test


def _text(column: str) -> str:
    return f'"{column}"::varchar'


def _column_has_card(given: ProbeInput, table: str, column: str) -> bool:
    cursor = given.connection.execute(
        f"select distinct {column}::varchar from {table}"
        f" where {PREFILTER.format(column + '::varchar')}"
    )
    while rows := cursor.fetchmany(BATCH):
        if any(_is_card(find_in_json(str(row[0]))) for row in rows):
            return True
    return False


def card_numbers_in_files(given: ProbeInput) -> Outcome:
    """Card data in logs and other text files that the pipeline wrote (PCI DSS 3.5.1, 10.3), and in
    the name of any file, the bank's among them. A finding shows no such name."""
    home = given.run.settings.folder
    offenders, looked_at = [], 0
    for path in text_files(home):
        looked_at += 1
        if any(find_in_text(line) for line in _lines(path, given.run.encryption_key)):
            offenders.append(masked_path(path.relative_to(home)))
    for root in dict.fromkeys((home, given.run.settings.bank_dir)):
        offenders += [
            f"the name of {masked_path(path.relative_to(root))}"
            for path in root.rglob("*")
            if path.suffix not in OURS and find_in_text(path.name)
        ]
    return judge(looked_at, sorted(set(offenders)), unit="files")


def masked_path(path: Path) -> str:
    """A path below the home, each part of it fit to be shown."""
    return "/".join(masked(part) for part in path.parts)


def text_files(home: Path) -> Iterator[Path]:
    """Logs, JSON, CSV and HTML under `home`; databases and Parquet have their own scans. The bank's
    own statements are input that others wrote: what is landed of them is scanned; `target` is what
    dbt makes of the project, not of data."""
    for folder, names, files in os.walk(home):
        names[:] = [
            n for n in sorted(names) if n not in ("warehouse", "bank", "data_docs", "target")
        ]
        for name in sorted(files):
            path = Path(folder) / name
            if path.suffix in (".log", ".json", ".jsonl", ".txt", ".csv", ".out", ".err", ".md"):
                yield path


def _is_card(findings: list[CardFinding]) -> bool:
    return any(finding.kind in ("card_number", "track_data") for finding in findings)


def _lines(path: Path, key: str | None) -> Iterator[str]:
    file = sealed.reader(path, key, plain_too=True)
    with TextIOWrapper(file, encoding="utf-8", errors="replace") as lines:
        yield from lines
