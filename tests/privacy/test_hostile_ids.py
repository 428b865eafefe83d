"""Ids are what a company or a gateway makes them: none is ever part of a statement's text."""

from __future__ import annotations

from pathlib import Path

import planted
import pytest
from planted import AT

from heirpay_pipelines.duck import connect
from heirpay_pipelines.privacy.erase import erase
from heirpay_pipelines.privacy.export import export
from heirpay_pipelines.settings import Settings

HOSTILE = (
    "cus_O'Brien'', ''); drop table finance.mrr; select ('",
    'cus_"quoted" {0} %s $1 \\1; --',
)


@pytest.mark.parametrize("customer", HOSTILE)
def test_a_person_with_such_an_id_is_exported_and_erased(tmp_path: Path, customer: str) -> None:
    settings = Settings(HEIRPAY_HOME=tmp_path / "home")
    person = {"id": customer, "object": "customer", "created": planted.CREATED, "name": "Pat O'B",
              "email": "pat@o'brien.example"}  # fmt: skip
    planted.land(settings, 1, [person, planted.charge("ch_1", customer)])
    settings.warehouse_dir.mkdir()
    with connect(settings.warehouse, None, read_only=False) as build:
        build.execute("create schema finance; create table finance.mrr as select 7 as mrr")
        build.execute(
            "create table finance.payments as select ? as customer_id, ? as detail, 9 as amount",
            [customer, f"paid by {customer}, pat@o'brien.example"],
        )
    assert export(settings, customer, tmp_path / "copy.zip", "Dana", AT) > 2
    done = erase(settings, customer, "letter 1", "Dana", AT)
    assert done.warehouse_rows == 1
    texts = planted.landed(settings) + planted.warehouse(settings)
    assert customer not in texts
    assert "pat@" not in texts
    assert planted.scalar(settings, "select mrr from finance.mrr") == 7
    assert planted.scalar(settings, "select amount from finance.payments") == 9
