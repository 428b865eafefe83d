"""Erasure: the person is in no byte any more, every figure is as it was, and it stays so."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import planted
import pytest
from click.testing import CliRunner
from planted import AT, CUSTOMER, OTHER

from heirpay_pipelines.audit import verify
from heirpay_pipelines.cli import cli
from heirpay_pipelines.landing import erasing as landing_module
from heirpay_pipelines.landing.landing import Landing
from heirpay_pipelines.personal.pseudonyms import pseudonyms
from heirpay_pipelines.privacy import erase as erasing
from heirpay_pipelines.privacy.erase import GdprError, erase, finish_all
from heirpay_pipelines.privacy.warehouse import Table, by_all_names
from heirpay_pipelines.settings import Settings
from heirpay_pipelines.state import open_state
from heirpay_pipelines.warehouse.personal_columns import tagged_columns

KEY = "a key of thirty-two characters!!"


@pytest.fixture(params=[None, KEY], ids=["plain", "encrypted"])
def settings(request: pytest.FixtureRequest, tmp_path: Path) -> Settings:
    return planted.plant(tmp_path / "home", request.param)


def erase_planted(settings: Settings) -> str:
    return erase(settings, CUSTOMER, "request of 2026-11-01", "Dana", AT).pseudonyms[0]


def test_nothing_names_the_person_and_every_figure_stays(settings: Settings) -> None:
    before = planted.totals(settings)
    assert {line.partition(":")[0] for line in planted.traces(settings)} >= {"landing", "warehouse"}
    done = erase(settings, CUSTOMER, f"asked by {planted.EMAIL}", "Dana", AT)
    assert planted.traces(settings) == []
    assert planted.totals(settings) == before
    assert (done.landed_files, done.warehouse_rows, done.state_cells, done.files) > (8, 2, 4, 4)
    landing = Landing.of(settings)
    landing.verify()
    assert landing.discard_uncommitted() == 0
    with open_state(settings.state_file) as state:
        assert verify(state, []).ok
        said = state.rows("select action, subject from audit_log where sequence > 1")
    assert [row["action"] for row in said][-1] == "erasure_done"
    assert {"erasure_begun", "landing_rewritten"} <= {row["action"] for row in said}


def test_what_the_law_demands_stays_and_hangs_together(settings: Settings) -> None:
    name = erase_planted(settings)
    rows = [json.loads(line.partition(" ")[2]) for line in planted.landed(settings).splitlines()
            if not line.startswith("{")]  # fmt: skip
    by_kind: dict[str, Any] = {row["object"]: row for row in rows}
    customer, invoice, charge = by_kind["customer"], by_kind["invoice"], by_kind["charge"]
    assert (customer["id"], customer["balance"]) == (name, -250)
    assert (customer["address"]["country"], customer["address"]["state"]) == ("DE", "BE")
    assert (invoice["customer"], invoice["total"], invoice["number"]) == (name, 11900, "A-0001")
    assert invoice["customer_tax_ids"] == [{"type": "eu_vat", "value": None}]
    assert invoice["lines"]["data"][0]["description"] == "1 × Gold"
    assert invoice["custom_fields"][0]["value"] == "Reverse charge, [erased]"
    card = charge["payment_method_details"]["card"]
    assert (card["brand"], card["country"], card["wallet"]) == ("visa", "DE", {"type": "apple_pay"})
    assert card["three_d_secure"]["result"] == "authenticated"
    assert charge["payment_method"] == by_kind["payment_method"]["id"]
    assert card["fingerprint"] == by_kind["payment_method"]["card"]["fingerprint"]
    assert by_kind["dispute"]["charge"] == "ch_1"
    linked = (
        "select count(*) from staging.stg_stripe__charges"
        " join staging.stg_stripe__customers c on c.id = customer_id"
    )
    assert planted.scalar(settings, linked) == 2


def test_another_person_of_the_same_name_is_not_touched(settings: Settings) -> None:
    erase_planted(settings)
    mine = (
        "select name || email || postal_code from staging.stg_stripe__customers"
        f" where id = '{OTHER}'"
    )
    assert planted.scalar(settings, mine) == f"{planted.NAMESAKE}{planted.OTHER_EMAIL}10115"


def test_what_stripe_still_tells_is_pseudonymised_before_it_is_visible(settings: Settings) -> None:
    name = erase_planted(settings)
    # The dispute comes before the charge that says whose it is.
    dispute = {"id": "du_9", "object": "dispute", "charge": "ch_9", "amount": 1,
               "evidence": {"customer_name": planted.NAME}}  # fmt: skip
    planted.land(settings, 3, [dispute, planted.charge("ch_9"), *planted.objects()])
    assert planted.traces(settings) == []
    # A later pull brings only what hangs on an object that the last one told of.
    review = {"id": "prv_9", "object": "review", "charge": "ch_9", "ip_address": "203.0.113.77"}
    planted.land(settings, 4, [review, {**dispute, "id": "du_10"}])
    assert planted.traces(settings) == []
    assert planted.landed(settings).count(name) > 10


class KilledError(BaseException):
    """The process ends here."""


@pytest.mark.parametrize(
    ("module", "step", "call", "when"),
    [
        (erasing, "suppress", 1, "before"),
        (landing_module, "_rewrite", 3, "before"),
        (landing_module, "write_manifest", 1, "before"),
        (landing_module, "write_manifest", 1, "after"),
        (landing_module, "_remove", 2, "before"),
        (erasing, "erase_from_warehouse", 1, "before"),
        (erasing, "erase_from_state", 1, "after"),
        (erasing, "rewrite", 2, "after"),
        (erasing, "_done", 1, "before"),
        (erasing, "compact", 1, "before"),
    ],
)
def test_killed_anywhere_and_gone_on_ends_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, module: Any, step: str, call: int, when: str
) -> None:
    settings = planted.plant(tmp_path / "home", None)
    before, real, calls = planted.totals(settings), getattr(module, step), []

    def dies(*args: Any, **kwargs: Any) -> Any:
        calls.append(step)
        if when == "before" and len(calls) == call:
            raise KilledError
        result = real(*args, **kwargs)
        if when == "after" and len(calls) == call:
            raise KilledError
        return result

    with monkeypatch.context() as patch, pytest.raises(KilledError):
        patch.setattr(module, step, dies)
        erase_planted(settings)
    finish_all(settings, AT)
    assert planted.traces(settings) == []
    assert planted.totals(settings) == before
    with open_state(settings.state_file) as state:
        assert verify(state, []).ok
        assert state.rows("select plan from erasures") == [{"plan": None}]
    Landing(settings.landing_dir).verify()


def test_recomputed_nights_go_and_signed_proposals_stay(tmp_path: Path) -> None:
    settings = planted.plant(tmp_path / "home", None)
    night = settings.recomputed_night(AT.date())
    night.parent.mkdir()
    shutil.copy(settings.warehouse, night)
    document = json.dumps({"items": [{"value": "print_1", "customers": [CUSTOMER]}]})
    with open_state(settings.state_file) as state:
        state.connection.execute(
            "insert into risk_proposals (proposal_id, created_at, author, rule, value_list,"
            " document, sha256, signature, status)"
            " values ('prop_1', ?, 'ada', 'burst', 'blocked', ?, '', '', 'proposed')",
            (AT.isoformat(), document),
        )
    erase_planted(settings)
    assert not night.exists()
    with open_state(settings.state_file) as state:
        assert state.rows("select document from risk_proposals") == [{"document": document}]


def test_again_changes_nothing_and_nobody_is_an_error(tmp_path: Path) -> None:
    settings = planted.plant(tmp_path / "home", None)
    name = erase_planted(settings)
    again = erase(settings, CUSTOMER, "asked twice", "Dana", AT)
    assert (str(again), again.landed_rows, again.state_cells, again.files) == (name, 0, 0, 0)
    with pytest.raises(GdprError, match="Nothing is landed about cus_nobody"):
        erase(settings, "cus_nobody", "r", "Dana", AT)


def test_what_cannot_be_changed_is_named_and_the_erasure_is_not_done(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = planted.plant(tmp_path / "home", None)
    odd = settings.folder / "notes.bin"
    odd.write_bytes(b"\xff\xfe" + planted.NAME.encode())
    with pytest.raises(GdprError, match=r"the first notes\.bin"):
        erase_planted(settings)
    odd.unlink()
    assert len(finish_all(settings, AT)) == 1
    assert planted.traces(settings) == []


def test_the_command_says_what_it_did_and_names_nobody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = planted.plant(tmp_path / "home", None)
    monkeypatch.setenv("HEIRPAY_HOME", str(settings.folder))
    bank = settings.bank_dir / "statement.csv"
    bank.parent.mkdir()
    bank.write_text(f"2026-10-01;119.00;{planted.NAME.replace(chr(34), '')};{planted.EMAIL}")
    run: Callable[..., Any] = CliRunner().invoke
    result = run(cli, ["gdpr", "erase", CUSTOMER, "--reason", "letter 12", "--by", "Dana"])
    assert result.exit_code == 0, result.output
    assert "Erased as cus_erased" in result.output
    assert "statement.csv names the person" in result.output
    assert planted.NAME not in result.output
    with open_state(settings.state_file) as state:
        assert pseudonyms(state, AT).of(CUSTOMER) in result.output


@pytest.mark.parametrize(
    ("table", "earlier"),
    [
        ("stg_stripe__customers", "customers"),
        ("int_ledger", "ledger"),
        ("stg_bank__transactions", "bank_transactions"),
        ("disputes", "disputes"),
    ],
)
def test_a_warehouse_of_the_release_before_is_erased_by_its_own_names(
    table: str, earlier: str
) -> None:
    tags = by_all_names(tagged_columns())
    for (model, column), tag in tagged_columns().items():
        if model == table:
            assert tags[earlier, column] == tags[table, column] == tag
    assert Table("staging", earlier, (("name", "VARCHAR"),)).owner == (
        "id" if earlier == "customers" else None
    )
