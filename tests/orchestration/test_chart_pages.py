"""The charts that the descriptions of published marts show in Dagster's UI."""

from __future__ import annotations

import shutil

import dagster as dg
import duckdb
import pytest
from installed import Installation
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from heirpay_pipelines.orchestration.chart_pages import ROOT, ChartPages
from heirpay_pipelines.published_file import put_in_place


def client_of(night: Installation) -> TestClient:
    async def dagster(_: object) -> PlainTextResponse:
        return PlainTextResponse("the UI's own")

    app = Starlette(routes=[Route("/{path:path}", dagster, methods=["GET", "POST"])])
    return TestClient(ChartPages(app, night.settings))


def test_a_mart_is_drawn_as_an_image_of_its_own(published: Installation) -> None:
    client = client_of(published)
    answer = client.get(f"{ROOT}finance.mrr_monthly.svg")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "image/svg+xml")
    assert answer.text.startswith("<svg ")
    assert 'height="215"' in answer.text.partition(">")[0]
    assert "var(--" not in answer.text
    assert "sandbox" in answer.headers["content-security-policy"]
    no_rows = client.get(f"{ROOT}finance.restatements.svg")
    assert "no rows" in no_rows.text
    assert client.get("/assets").text == "the UI's own"


@pytest.mark.parametrize(
    "name",
    [
        "finance.nothing.svg", "staging.stg_stripe__customers.svg", "finance.mrr_monthly;drop.svg",
        "..%2f..%2fstate%2fheirpay.sqlite", "finance.mrr_monthly' or 1=1 --.svg", "",
    ],
)  # fmt: skip
def test_nothing_but_a_published_mart_is_drawn(published: Installation, name: str) -> None:
    assert client_of(published).get(f"{ROOT}{name}").status_code == 404


def test_it_is_only_read(published: Installation) -> None:
    assert client_of(published).post(f"{ROOT}finance.mrr_monthly.svg").status_code == 404


def test_it_is_drawn_from_what_is_published_now(published_copy: Installation) -> None:
    client = client_of(published_copy)
    warehouse = published_copy.settings.warehouse
    before = client.get(f"{ROOT}finance.disputes.svg").text
    next_build = warehouse.with_name("next.duckdb")
    shutil.copyfile(warehouse, next_build)
    with duckdb.connect(str(next_build)) as connection:
        connection.execute("delete from finance.disputes")
    put_in_place(next_build, warehouse)
    after = client.get(f"{ROOT}finance.disputes.svg").text
    assert "no rows" in after
    assert "no rows" not in before
    warehouse.chmod(0o600)
    with duckdb.connect(str(warehouse)) as connection:
        connection.execute("delete from finance.mrr_monthly")
    changed = client.get(f"{ROOT}finance.disputes.svg")
    assert (changed.status_code, "could not be drawn" in changed.text) == (200, True)
    warehouse.unlink()
    assert "Nothing is published yet" in client.get(f"{ROOT}finance.disputes.svg").text


def test_each_published_mart_shows_its_chart_and_no_other_asset_does(
    loaded: dg.Definitions,
) -> None:
    specs = {spec.key: spec.description or "" for spec in loaded.resolve_all_asset_specs()}
    shown = {key for key, description in specs.items() if ROOT in description}
    assert dg.AssetKey(["finance", "mrr_monthly"]) in shown
    assert all(f"{ROOT}{'.'.join(key.path)}.svg" in specs[key] for key in shown)
    assert {key.path[0] for key in shown} == {"finance", "compliance", "operations"}
