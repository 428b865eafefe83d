"""The whole asset graph as finance sees it. The snapshot shows each added, renamed or rewired
asset in a review. What accepts it:
`./heirpay test tests/orchestration/test_asset_graph.py --snapshot-update`.
"""

from __future__ import annotations

import re
from importlib.resources import files

import dagster as dg
from syrupy.assertion import SnapshotAssertion

from heirpay_pipelines.controls.register import load_register
from heirpay_pipelines.home import payment_id
from heirpay_pipelines.orchestration.code_location import PUBLISHED_FIGURES
from heirpay_pipelines.orchestration.placing import ID_TAG, SECTION_TAG, SUBJECT_TAG, payment_tags

IDENTIFIER = re.compile(r"PAYMENT\.HEIRPAY\.[A-Z0-9_]+\.[A-Z_]+\.20000\.\d{3}")
SECTIONS = {
    "payment.processing.gateway", "payment.billing.subscriptions", "payment.security.fraud",
    "payment.compliance.pci", "payment.integration.webhooks", "payment.general.operation",
}  # fmt: skip


def specs(loaded: dg.Definitions) -> dict[str, dg.AssetSpec]:
    return {
        spec.key.to_user_string(): spec
        for asset in loaded.resolve_asset_graph().assets_defs
        for spec in asset.specs
    }


def described(name: str, spec: dg.AssetSpec, checks: list[str]) -> str:
    kinds = sorted(tag.rpartition("/")[2] for tag in spec.tags if tag.startswith("dagster/kind/"))
    fresh = type(spec.freshness_policy).__name__ if spec.freshness_policy else "no freshness policy"
    lines = [
        f"{name} in {spec.group_name}, owned by {', '.join(spec.owners)}",
        f"  {', '.join(kinds) or 'no kind'}; {fresh}; {spec.tags[ID_TAG]} {spec.tags[SECTION_TAG]}",
        *sorted(f"  reads {dep.asset_key.to_user_string()}" for dep in spec.deps),
        *sorted(f"  check {check}" for check in checks),
    ]
    return "\n".join(lines)


def test_the_asset_graph_is_the_reviewed_one(
    loaded: dg.Definitions, snapshot: SnapshotAssertion
) -> None:
    checks: dict[str, list[str]] = {}
    for key in loaded.resolve_asset_graph().asset_check_keys:
        checks.setdefault(key.asset_key.to_user_string(), []).append(key.name)
    found = {
        name: described(name, spec, checks.get(name, [])) for name, spec in specs(loaded).items()
    }
    assert "\n".join(found[name] for name in sorted(found)) == snapshot


def test_every_asset_has_an_owner_a_description_and_the_ids_of_the_domain(
    loaded: dg.Definitions,
) -> None:
    for name, spec in specs(loaded).items():
        assert spec.owners, name
        assert spec.group_name not in (None, "default"), name
        assert spec.description, name
        assert "select" not in spec.description.lower().split(), f"{name} is described in SQL"
        identifier = str(spec.metadata["identifier"])
        assert IDENTIFIER.fullmatch(identifier), name
        # A tag has 63 characters: a longer id ends in its digest there.
        shown = identifier if len(identifier) <= 63 else identifier[:54]
        assert spec.tags[ID_TAG].startswith(shown), name
        assert spec.tags[SECTION_TAG] in SECTIONS, name
    ids = [spec.tags[ID_TAG] for spec in specs(loaded).values()]
    assert len(set(ids)) == len(ids)


def test_an_id_too_long_for_a_tag_stays_unlike_any_other() -> None:
    long = [payment_id("p" * 31, "closed_period_adjustments" + end, "DBT", 3) for end in "ab"]
    tags = [payment_tags(identifier, "payment.general.operation")[ID_TAG] for identifier in long]
    assert len(set(tags)) == 2
    assert all(len(tag) <= 63 for tag in tags)


def test_freshness_is_of_what_people_read_and_of_nothing_that_was_only_built(
    loaded: dg.Definitions,
) -> None:
    fresh = {name for name, spec in specs(loaded).items() if spec.freshness_policy is not None}
    assert fresh == {"publish/publication"}


def test_finance_finds_every_figure_in_one_of_a_dozen_groups(loaded: dg.Definitions) -> None:
    groups: dict[str, set[str]] = {}
    for name, spec in specs(loaded).items():
        groups.setdefault(str(spec.group_name), set()).add(name)
        if spec.group_name == PUBLISHED_FIGURES:
            assert len(str(spec.description).splitlines()[0]) <= 130, name
            assert spec.tags[SUBJECT_TAG]
    assert len(groups) == 12
    finance = {name for name in specs(loaded) if name.startswith("finance/")}
    assert groups[PUBLISHED_FIGURES] == finance


def test_a_blocking_control_says_so_and_what_to_do(loaded: dg.Definitions) -> None:
    checks = {
        key.name: loaded.resolve_asset_graph().get_check_spec(key)
        for key in loaded.resolve_asset_graph().asset_check_keys
    }
    for control in load_register():
        spec = checks[control.key]
        is_blocking = control.severity == "blocking"
        assert str(spec.description).startswith("Blocking: ") is is_blocking, control.key
        assert (control.what_to_do in str(spec.description)) is is_blocking
        assert spec.metadata["severity"] == control.severity
        assert spec.metadata["clause"] == control.requirement
        assert spec.metadata["what_to_do"] == control.what_to_do
        assert ("is not published" in spec.metadata["publication"]) is is_blocking


def test_every_fact_of_the_report_names_an_asset_that_exists(loaded: dg.Definitions) -> None:
    known = set(specs(loaded))
    for entry in files("heirpay_pipelines.report").joinpath("facts").iterdir():
        found = re.search(r"^-- asset: (.+)$", entry.read_text(encoding="utf-8"), re.MULTILINE)
        assert found is not None, entry.name
        assert found[1].strip() in known, f"{entry.name} names {found[1]}"
