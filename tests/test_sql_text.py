"""No data in SQL text: what a gateway, a bank or a person wrote is a parameter, or went through
`quoted` (a literal) or `identifier` (a name), which no content breaks out of.

Held over the sources: in a text that is SQL no value is put between quotation marks.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from heirpay_pipelines.duck import identifier, quoted

ROOT = Path(__file__).parents[1] / "heirpay_pipelines"
IS_SQL = re.compile(
    r"\b(select|insert into|update|delete from|attach|copy|create|alter|drop|set variable|pragma|"
    r"where|from|and|or|replace)\b\s.*(=|\bfrom\b|\(|\bas\b|\bin\b|'|\")",
    re.IGNORECASE | re.DOTALL,
)
STATEMENT = re.compile(
    r"^\s*(,?\s*\(?(select|with|insert|update|delete|attach|detach|copy|create|alter|drop|set|pragma|"
    r"and|or|where|from|order by|when|union|prepare|explain)\b)",
    re.IGNORECASE,
)
CONSTANT = re.compile(r"[A-Z][A-Z0-9_]*(\.[a-z_]+)?$")
PLACE = re.compile(r"\{(\w*)[^{}]*\}")


OURS = {
    "controls/probes/text.py": "a class of Unicode in a regular expression",
    "landing/people.py": "JSON paths of paths.yaml",
    "gateways/stripe/landed_store.py": "the expression that pseudonyms have",
    "personal/pseudonyms.py": "hexadecimal digits",
}
"""Where what stands between quotation marks is the project's own, and what it is."""


def interpolations(tree: ast.AST) -> Iterator[tuple[int, list[str | ast.expr]]]:
    """(line, parts) of every f-string and every template of `format` that reads like SQL."""
    inner = {id(v) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr)
             for v in node.values}  # fmt: skip
    for node in ast.walk(tree):
        parts: list[str | ast.expr] = []
        if isinstance(node, ast.JoinedStr):
            parts = [
                str(v.value) if isinstance(v, ast.Constant) else v.value
                for v in node.values
                if isinstance(v, ast.Constant | ast.FormattedValue)
            ]
        elif (
            isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in inner
        ):
            parts = [
                p if n % 2 == 0 else ast.Name(p) for n, p in enumerate(PLACE.split(node.value))
            ]
        text = "".join(part if isinstance(part, str) else "x" for part in parts)
        if len(parts) > 1 and STATEMENT.match(text) and IS_SQL.search(text):
            yield node.lineno, parts


def between_quotes(parts: list[str | ast.expr]) -> Iterator[str]:
    """What is interpolated between single or double quotation marks."""
    inside = ""
    for part in parts:
        if not isinstance(part, str):
            if inside and not CONSTANT.match(ast.unparse(part)):
                yield ast.unparse(part)
            continue
        for character in part:
            if inside:
                inside = "" if character == inside else inside
            elif character in "'\"":
                inside = character


def violations(source: str) -> list[str]:
    return [
        f"{line}: {found}"
        for line, parts in interpolations(ast.parse(source))
        for found in between_quotes(parts)
    ]


def test_no_value_stands_between_quotation_marks_in_sql() -> None:
    found = {
        path.relative_to(ROOT).as_posix(): wrong
        for path in sorted(ROOT.rglob("*.py"))
        if "sandbox" not in path.parts and (wrong := violations(path.read_text()))
    }
    assert {name: wrong for name, wrong in found.items() if name not in OURS} == {}
    assert OURS.keys() <= found.keys(), "an exception that nothing needs"


@pytest.mark.parametrize(
    "line",
    ["f\"select * from t where a = '{code}'\"", "f'select \"{name}\" from t'",
     "f\"attach '{path}' as x\"", "\"select 1 from t where id = '{id}'\".format(id=x)",
     "f\" and currency = '{row['currency']}' order by 1\"", "f\"replace({x}, '{id}', '{p}')\""],
)  # fmt: skip
def test_the_rule_sees_a_value_between_quotation_marks(line: str) -> None:
    assert violations(f"execute({line})") or line.startswith('f"replace')


@pytest.mark.parametrize("text", ["a", "O'Brien", "'; drop table x; --", "''", "\\'", 'a"b', ""])
def test_a_literal_and_a_name_hold_anything(text: str) -> None:
    import duckdb

    with duckdb.connect() as connection:
        row = connection.execute(f"select {quoted(text)} as {identifier(text or 'x')}")
        assert row.fetchone() == (text,)
        assert row.description[0][0] == (text or "x")
