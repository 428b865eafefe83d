"""The data map is true of what is there, and a person gets all that is kept about them."""

from __future__ import annotations

import json
import zipfile
from datetime import UTC, datetime
from pathlib import Path

import planted
import pytest
from click.testing import CliRunner
from installed import Installation
from planted import AT, CUSTOMER

from heirpay_pipelines.cli import cli
from heirpay_pipelines.duck import connect
from heirpay_pipelines.personal.paths import CLASSES
from heirpay_pipelines.personal.scrub import collect, left_over
from heirpay_pipelines.privacy.data_map import data_map
from heirpay_pipelines.privacy.erase import GdprError, erase
from heirpay_pipelines.privacy.export import export
from heirpay_pipelines.state import open_state


def test_the_map_of_a_published_night_is_whole(published: Installation) -> None:
    entries, wrong = data_map(published.settings)
    assert wrong == []
    places = {(entry.where, entry.place): entry.data_class for entry in entries}
    assert places[("landing", "charge $.billing_details.email")] == "contact"
    assert places[("warehouse", "staging.stg_stripe__customers.email")] == "contact"
    assert places[("state", "webhook_bodies.body")] == "contact"


def test_a_new_column_that_nobody_tagged_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = planted.plant(tmp_path / "home", None)
    monkeypatch.setenv("HEIRPAY_HOME", str(settings.folder))
    with connect(settings.warehouse, None, read_only=False) as warehouse:
        warehouse.execute("create table finance.letters as select 'x@y.test' as customer_email")
    result = CliRunner().invoke(cli, ["gdpr", "map"])
    assert result.exit_code == 1
    assert "finance.letters.customer_email: not tagged" in result.output
    kept = {line.split()[1]: line for line in result.output.splitlines() if line[:4] == "kept"}
    assert set(kept) == set(CLASSES)
    assert "3 years after the last activity: France's CNIL" in kept["contact"]
    assert "6 to 10 years after the last activity, by the law" in kept["identity"]


def test_rules_take_what_stripe_nests_and_name_what_is_new() -> None:
    found = {value for _, _, value in collect(planted.objects()[7])}  # an event
    assert {planted.OLD_EMAIL, planted.EMAIL, planted.VAT_ID, planted.STREET} <= found
    telling = {"email", "last4", "line1"}
    assert left_over(planted.charge(), telling) == set()
    # A customer's object keeps no text that no rule demands; of any other a new one is named.
    spare = {"email": "a@b.test", "plan": {"line1": "Way 7"}}
    assert left_over(planted.charge(spare=spare), telling) == set()
    taken = {(kind, name, value) for kind, name, value in collect(planted.charge(spare=spare))}
    assert {("free_text", "email", "a@b.test"), ("free_text", "line1", "Way 7")} <= taken
    product = {"id": "prod_1", "object": "product", "name": "Gold"}
    assert left_over(product | {"spare": spare}, telling) == {"spare.email", "spare.plan.line1"}


@pytest.mark.parametrize("key", [None, "a key of thirty-two characters!!"])
def test_an_export_has_everything_and_is_audited_without_a_name(
    tmp_path: Path, key: str | None
) -> None:
    settings = planted.plant(tmp_path / "home", key)
    target = tmp_path / "mine.zip"
    records = export(settings, CUSTOMER, target, "Dana", AT)
    assert target.stat().st_mode & 0o777 == 0o600
    with zipfile.ZipFile(target) as packed:
        parts = {name: json.loads(packed.read(name)) for name in packed.namelist()}
    about = parts.pop("about.json")[0]
    assert records == sum(map(len, parts.values())) == sum(about["records"].values())
    emails = [row["object"].get("email") for row in parts["stripe/customer.json"]]
    every = [planted.EMAIL, planted.EMAIL, planted.OLD_EMAIL]  # every version
    assert sorted(emails) == sorted(every)
    assert {"stripe/dispute.json", "stripe/report_row.json", "stripe/review.json", "inbox.json",
            "stripe/quarantine.json", "warehouse/staging.stg_stripe__customers.json",
            "warehouse/finance.reconciliation_breaks.json", "records/outbox_messages.json",
            "records/break_resolutions.json"} <= parts.keys()  # fmt: skip
    assert planted.OTHER_EMAIL not in json.dumps(parts)
    with open_state(settings.state_file) as state:
        said = state.rows("select subject, detail from audit_log where action = 'person_exported'")
    assert CUSTOMER not in str(said)
    with pytest.raises(GdprError, match="is there already"):
        export(settings, CUSTOMER, target, "Dana", AT)
    with pytest.raises(GdprError, match="Nothing is landed"):
        export(settings, "cus_nobody", tmp_path / "none.zip", "Dana", AT)


def test_an_export_names_no_other_customer(tmp_path: Path) -> None:
    """Messages and evidence name several people; a copy is of one."""
    settings = planted.plant(tmp_path / "home", None)
    stranger = {"id": "cus_Stranger0001", "object": "customer", "created": planted.CREATED,
                "name": "Zoë O'Stranger", "email": "zoe@stranger.example",
                "phone": "+49 170 9998877", "address": {"line1": "Strangers' Way 7"}}  # fmt: skip
    theirs = {"id": "ch_Stranger0001", "object": "charge", "created": planted.CREATED,
              "customer": stranger["id"], "amount": 500, "currency": "eur",
              "billing_details": {"name": "Zoe Strange-Card"}}  # fmt: skip
    planted.land(settings, 3, [stranger, theirs])
    said = (
        f"{planted.NAME} and Zoë O'Stranger (zoe@stranger.example, +49 170 9998877, Strangers' Way"
        f" 7) share a card: {CUSTOMER}, cus_Stranger0001, ch_1, ch_Stranger0001, prod_1"
    )
    with open_state(settings.state_file) as state, state.transaction() as connection:
        connection.execute("update outbox_messages set body = ?", (said,))
        evidence = json.dumps(
            {"ids": [CUSTOMER, "cus_Stranger0001"], "by": {"Zoe Strange-Card": 1}}
        )
        connection.execute("update control_results set evidence = ?", (evidence,))
    target = tmp_path / "mine.zip"
    export(settings, CUSTOMER, target, "Dana", AT)
    with zipfile.ZipFile(target) as packed:
        parts = {name: json.loads(packed.read(name)) for name in packed.namelist()}
    text = json.dumps(parts, ensure_ascii=False)
    body = parts["records/outbox_messages.json"][0]["body"]
    for word in ("tranger", "9998877", "Strange-Card"):
        assert word not in text, word
    assert body.startswith(f"{planted.NAME} and [erased] ([erased], [erased], [erased])")
    assert f"{CUSTOMER}, cus_erased" in body
    assert body.endswith(", prod_1")
    assert ", ch_1, ch_erased" in body
    assert {row["object"]["name"] for row in parts["stripe/customer.json"]} == {
        planted.NAME,
        planted.NAMESAKE,
    }


def test_after_erasure_an_export_shows_only_what_is_kept(tmp_path: Path) -> None:
    settings = planted.plant(tmp_path / "home", None)
    erase(settings, CUSTOMER, "asked", "Dana", datetime.now(UTC))
    target = tmp_path / "kept.zip"
    export(settings, CUSTOMER, target, "Dana", AT)
    with zipfile.ZipFile(target) as packed:
        names = set(packed.namelist())
        text = "".join(packed.read(name).decode() for name in names - {"about.json"})
    assert "stripe/invoice.json" in names
    assert [sentinel for sentinel in planted.SENTINELS if sentinel in text] == []
