"""Every control of the register can pass and can fail, and what breaks one breaks no other."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path

import pytest
from probe_cases import FAILS, PASSES, Place
from small_build import EMPTY, MUTATIONS, make_build, null_key, twice

from heirpay_pipelines.controls import (
    Control,
    ControlResult,
    RunContext,
    load_register,
    run_controls,
)
from heirpay_pipelines.controls.attestations import attest
from heirpay_pipelines.controls.probes import PROBES
from heirpay_pipelines.controls.specs import check_specs
from heirpay_pipelines.settings import Settings
from heirpay_pipelines.state import open_state

AS_OF = datetime(2026, 11, 1, tzinfo=UTC)
REGISTER = {item.key: item for item in load_register()}
ON_TABLES = [item for item in REGISTER.values() if item.native or item.rows]
UNIQUE = [item for item in ON_TABLES if item.key.startswith("unique_")]
ON_ROWS = [item.key for item in ON_TABLES if item not in UNIQUE]
PROBED = [item.key for item in REGISTER.values() if item.probe]
ATTESTED = [item.key for item in REGISTER.values() if item.attestation]


def test_every_control_is_made_to_pass_and_to_fail_below() -> None:
    """The register, the probes and the cases name the same controls: none is left out."""
    assert set(ON_ROWS) == set(MUTATIONS)
    assert {REGISTER[key].probe for key in PROBED} == set(PROBES) == set(PASSES) == set(FAILS)
    covered = [*ON_ROWS, *(item.key for item in UNIQUE), *PROBED, *ATTESTED]
    assert sorted(covered) == sorted(REGISTER)
    assert len(REGISTER) >= 40
    assert all(len(item.what_to_do) > 20 for item in REGISTER.values())


def evaluate(build: Path, home: Path, controls: list[Control]) -> dict[str, ControlResult]:
    run = RunContext("run-2", AS_OF, Settings(HEIRPAY_HOME=home), AS_OF)
    return {result.key: result for result in run_controls(build, run, controls=controls)}


@pytest.fixture(scope="module")
def clean(tmp_path_factory: pytest.TempPathFactory) -> dict[str, ControlResult]:
    folder = tmp_path_factory.mktemp("clean")
    return evaluate(make_build(folder / "b.duckdb"), folder / "home", ON_TABLES)


NO_ROWS = [item.key for item in UNIQUE if item.table in EMPTY]


@pytest.mark.parametrize("key", [item.key for item in ON_TABLES])
def test_a_table_that_is_right_passes(clean: dict[str, ControlResult], key: str) -> None:
    # A pass on nothing is no evidence: of an empty table there is no row to be wrong.
    expected = "pass" if clean[key].checked else "not_applicable"
    assert clean[key].status == expected, clean[key]
    assert clean[key].checked or key in NO_ROWS


@pytest.mark.parametrize("key", ON_ROWS)
def test_a_row_that_is_wrong_fails(tmp_path: Path, key: str) -> None:
    build = make_build(tmp_path / "b.duckdb", MUTATIONS[key])
    found = evaluate(build, tmp_path / "home", [REGISTER[key]])[key]
    assert found.status == "fail", found
    assert (found.violations or 0) >= 1
    assert REGISTER[key].native or found.evidence["ids"]


@pytest.fixture(scope="module", params=[0, 1], ids=["odd", "even"])
def half(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> tuple[set[str], dict[str, ControlResult]]:
    """Every second keyed table's rows are there twice: (those controls, what was found)."""
    folder = tmp_path_factory.mktemp("half")
    broken = UNIQUE[request.param :: 2]
    build = make_build(folder / "b.duckdb", *(twice(item.table) for item in broken))
    return {item.key for item in broken}, evaluate(build, folder / "home", UNIQUE)


def test_rows_that_are_there_twice_fail_their_own_control_and_no_other(
    half: tuple[set[str], dict[str, ControlResult]],
) -> None:
    broken, found = half
    assert {key for key, result in found.items() if result.status == "fail"} == broken
    right = {key for key, result in found.items() if result.status in ("pass", "not_applicable")}
    assert right == set(found) - broken
    assert all(found[key].evidence["ids"] for key in broken)


def test_a_key_that_is_null_fails_where_it_may_not_be(tmp_path: Path) -> None:
    broken = {item.key: mutation for item in UNIQUE if (mutation := null_key(item.table))}
    assert len(broken) > 50
    found = evaluate(make_build(tmp_path / "b.duckdb", *broken.values()), tmp_path / "h", UNIQUE)
    assert {key for key, result in found.items() if result.status == "fail"} == set(broken)


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    home = tmp_path / "home"
    home.mkdir(mode=0o700)
    with ExitStack() as stack:
        yield Place(home, monkeypatch, stack)


def probed(place: Place, key: str) -> ControlResult:
    build = make_build(place.home.parent / "b.duckdb", *place.mutations)
    run = RunContext("run-2", AS_OF, place.loaded, AS_OF, place.key)
    place.patch.setattr("heirpay_pipelines.controls.run.record_check", lambda *_: None)
    # The small build is plain; the key is for what lies in the folder.
    place.patch.setattr("heirpay_pipelines.controls.run.open_build", plain_build)
    (found,) = run_controls(build, run, controls=[REGISTER[key]])
    return found


def plain_build(path: Path, *_: str | None) -> object:
    from heirpay_pipelines.duck import connect

    return connect(path, None, read_only=True)


@pytest.mark.parametrize("key", PROBED)
def test_a_place_that_is_right_passes(place: Place, key: str) -> None:
    PASSES[str(REGISTER[key].probe)](place)
    found = probed(place, key)
    assert found.status == "pass", found


@pytest.mark.parametrize("key", PROBED)
def test_a_place_that_is_wrong_fails(place: Place, key: str) -> None:
    FAILS[str(REGISTER[key].probe)](place)
    found = probed(place, key)
    assert found.status == "fail", found
    assert (found.violations or 0) >= 1


@pytest.mark.parametrize("key", ATTESTED)
def test_what_nobody_signed_is_not_evidenced_and_what_somebody_did_is_until_it_expires(
    place: Place, key: str
) -> None:
    assert probed(place, key).status == "not_evaluated"
    with open_state(place.loaded.state_file) as state:
        attest(state, key, "Ana", "ana", "seen", None, AS_OF, 30)
    assert probed(place, key).status == "attested"


def test_pci_has_a_row_for_each_requirement_and_a_control_that_can_fail_for_all_but_one() -> None:
    pci = [item for item in REGISTER.values() if item.framework == "pci_dss"]

    def number(item: Control) -> int:
        return int(item.requirement.split()[3].split(".")[0])

    assert {number(item) for item in pci} == set(range(1, 13))
    measured = {number(item) for item in pci if not item.attestation}
    assert set(range(1, 13)) - measured == {9}  # physical access


def test_names_and_ids_are_unique_and_a_check_carries_its_clause() -> None:
    specs = check_specs("heirpay")
    assert len({spec.name for spec in specs}) == len(REGISTER)
    assert all(spec.name.replace("_", "").isalnum() for spec in specs)
    assert len({item.identifier("heirpay") for item in REGISTER.values()}) == len(REGISTER)
    clauses = {spec.name: spec.metadata["clause"] for spec in specs}
    assert clauses == {key: item.requirement for key, item in REGISTER.items()}
    identifier = REGISTER["balance_identity"].identifier("heirpay")
    assert identifier == "PAYMENT.HEIRPAY.BALANCE_IDENTITY.STRIPE.20000.001"
