"""sqlfluff lints the models with a stand-in for every macro: none may be missing."""

from __future__ import annotations

import re

from heirpay_pipelines.warehouse.project import PROJECT_DIR

DBT_S_OWN = {"generate_schema_name", "generate_alias_name"}


def test_every_macro_has_a_stand_in() -> None:
    pattern = re.compile(r"{%-? macro ([a-z_]+)\(")
    written = {
        name
        for file in (PROJECT_DIR / "macros").rglob("*.sql")
        for name in pattern.findall(file.read_text())
        if "__" not in name
    }
    stand_ins = set(pattern.findall((PROJECT_DIR / "lint" / "macros.sql").read_text()))
    assert written - DBT_S_OWN == stand_ins
