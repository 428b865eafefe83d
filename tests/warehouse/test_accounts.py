"""The user's own chart of accounts, before the project's, entry by entry."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from heirpay_pipelines.warehouse.accounts import (
    AccountMappingError,
    load_account_mapping,
    read_account_mapping,
)

HEAD = "entry,account,account_name,account_type\n"


def write(folder: Path, text: str) -> Path:
    path = folder / "account_mapping.csv"
    path.write_text(text, encoding="utf-8")
    return path


def test_without_a_file_the_projects_own_holds(tmp_path: Path) -> None:
    assert read_account_mapping(tmp_path / "account_mapping.csv") == []


def test_a_row_is_an_entry_of_the_ledger(tmp_path: Path) -> None:
    path = write(tmp_path, "\ufeff" + HEAD + "fees,0610,Gebühren,expense\ntax,2200,VAT,liability\n")
    with duckdb.connect(":memory:") as connection:
        connection.execute("create schema landing")
        load_account_mapping(connection, path)
        found = connection.execute("from landing.account_mapping order by entry").fetchall()
    assert found == [
        ("fees", "0610", "Gebühren", "expense"),
        ("tax", "2200", "VAT", "liability"),
    ]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (HEAD + "feez,6100,Fees,expense\n", "line 2: 'feez' is no entry. Entries are"),
        (HEAD + "fees,,Fees,expense\n", "line 2: account is missing"),
        ("entry,account\nfees,6100\n", "account_name, account_type is missing"),
        (HEAD + "fees,6100,Fees,cost\n", "'cost' is none of asset"),
        (HEAD + "fees,1,A,expense\nfees,2,B,expense\n", "names the entry 'fees' 2 times"),
    ],
)
def test_a_wrong_file_says_where_and_what_to_write(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(AccountMappingError, match=said):
        read_account_mapping(write(tmp_path, text))
