"""`--fast`, and the order of the tests: those of changed files, then the longest.

Two processes take whole files from one list (`--dist loadfile`), so what takes long comes first.
"""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

LONGEST = (
    "tests/end_to_end/test_encrypted_night.py",
    "tests/upgrade/test_upgrade.py",
    "tests/end_to_end/test_erased_person.py",
    "tests/end_to_end/test_nightly.py",
    "tests/privacy/test_erasure.py",
    "tests/end_to_end/test_disks.py",
    "tests/orchestration/test_jobs.py",
    "tests/controls/test_register.py",
    "tests/privacy/test_retention_applied.py",
    "tests/privacy/test_rebuilt_after_erasure.py",
    "tests/explain/test_explain.py",
    "tests/gateways/stripe/test_faults.py",
    "tests/warehouse/test_past_nights.py",
    "tests/orchestration/test_tour.py",
    "tests/gateways/stripe/test_full_and_incremental.py",
    "tests/warehouse/test_recovered_tables.py",
    "tests/end_to_end/test_month_end.py",
    "tests/warehouse/test_clean_company.py",
    "tests/gateways/stripe/test_whole_accounts.py",
    "tests/warehouse/test_further_forms.py",
)
"""Files of more than 25 seconds of processor time, the longest first."""

WHOLE_PROGRAMS = (
    "tests/at_rest/test_rotation.py",
    "tests/at_rest/test_state_key.py",
    "tests/backup/test_restore.py",
    "tests/bank/test_bank_folder.py",
    "tests/bank/test_bank_guard.py",
    "tests/bank/test_bank_identity.py",
    "tests/bank/test_bank_statements.py",
    "tests/controls/test_controls.py",
    "tests/controls/test_probes.py",
    "tests/controls/test_register.py",
    "tests/controls/test_retention.py",
    "tests/errors/test_command_line.py",
    "tests/gateways/stripe/test_afterwards.py",
    "tests/gateways/stripe/test_cannot_begin.py",
    "tests/gateways/stripe/test_faults.py",
    "tests/gateways/stripe/test_full_and_incremental.py",
    "tests/gateways/stripe/test_killed_pull.py",
    "tests/gateways/stripe/test_lost_pulls.py",
    "tests/gateways/stripe/test_named_objects.py",
    "tests/gateways/stripe/test_payout_backfill.py",
    "tests/gateways/stripe/test_permissions.py",
    "tests/gateways/stripe/test_skew_and_versions.py",
    "tests/gateways/stripe/test_taxed_payments.py",
    "tests/gateways/stripe/test_whole_accounts.py",
    "tests/gateways/stripe/test_windows.py",
    "tests/harness/",
    "tests/incidents/test_every_pattern.py",
    "tests/incidents/test_outbox.py",
    "tests/incidents/test_restarts_and_commands.py",
    "tests/landing/test_landing.py",
    "tests/orchestration/",
    "tests/privacy/test_erased_evidence.py",
    "tests/privacy/test_erasure.py",
    "tests/privacy/test_killed_erasure.py",
    "tests/privacy/test_map_and_export.py",
    "tests/privacy/test_retention_applied.py",
    "tests/query/test_python_api.py",
    "tests/query/test_query.py",
    "tests/receive/test_drain.py",
    "tests/receive/test_durable_inbox.py",
    "tests/receive/test_slow_clients.py",
    "tests/sandbox/company/",
    "tests/sandbox/test_typed_objects.py",
    "tests/sandbox/test_webhook_deliveries.py",
    "tests/serve/test_mcp.py",
    "tests/soak/test_short_soak.py",
    "tests/state/test_lock.py",
    "tests/warehouse/test_as_of_and_zone.py",
    "tests/warehouse/test_balance_examples.py",
    "tests/warehouse/test_clean_company.py",
    "tests/warehouse/test_compiled_project.py",
    "tests/warehouse/test_exact_arithmetic.py",
    "tests/warehouse/test_explain_examples.py",
    "tests/warehouse/test_further_forms.py",
    "tests/warehouse/test_mrr_properties.py",
    "tests/warehouse/test_other_programs.py",
    "tests/warehouse/test_past_nights.py",
    "tests/warehouse/test_period_adjustments.py",
    "tests/warehouse/test_real_taxes.py",
    "tests/warehouse/test_reconciliation_breaks.py",
    "tests/warehouse/test_recovered_tables.py",
    "tests/warehouse/test_resolved_breaks.py",
    "tests/warehouse/test_restatements.py",
    "tests/warehouse/test_tax_warnings.py",
    "tests/warehouse/test_the_whole_way.py",
    "tests/warehouse/test_unknown_currency.py",
    "tests/warehouse/test_unread_objects.py",
)
"""Files and folders that need no night and take four seconds of processor time or more, a quarter
of a second for each of their tests: programs, servers, whole pulls, whole companies. `--fast`
leaves them out, unless they or what they test changed."""


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--fast", action="store_true", help="no night, no whole program that did not change"
    )


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    changed = changed_files(config.rootpath) if config.getoption("fast") else ()
    if config.getoption("fast"):
        slow = [item for item in items if is_slow(item, changed)]
        config.hook.pytest_deselected(items=slow)
        items[:] = [item for item in items if item not in slow]
    items.sort(key=lambda item: place(file_of(item), changed))


def file_of(item: pytest.Item) -> str:
    return item.nodeid.partition("::")[0]


def is_slow(item: pytest.Item, changed: Sequence[str]) -> bool:
    """Whether it is marked so, reads the published night, or is a whole program's that stayed."""
    if item.get_closest_marker("slow") is not None:
        return True
    file = file_of(item)
    if file.startswith(WHOLE_PROGRAMS) and not file.startswith(tuple(changed)):
        return True
    fixtures = getattr(item, "_fixtureinfo", None)
    found = fixtures.name2fixturedefs.get("published", ()) if fixtures else ()
    return any(each.baseid == "tests" for each in found)


def place(file: str, changed: Sequence[str]) -> tuple[int, int]:
    """Where a test file comes: the smaller, the sooner. Stable: within it nothing moves."""
    of_the_changed = file.startswith(tuple(changed))
    length = LONGEST.index(file) if file in LONGEST else len(LONGEST)
    return (0 if of_the_changed else 1, length)


def changed_paths(root: Path) -> set[str]:
    """What differs from `main` and from the commit before, and what git does not know yet."""
    found: set[str] = set()
    for command in (
        ["git", "diff", "--name-only", "main"],
        ["git", "diff", "--name-only", "HEAD~1"],
        ["git", "ls-files", "--others", "--exclude-standard"],
    ):
        done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
        found.update(done.stdout.splitlines() if done.returncode == 0 else ())
    return found


def changed_files(root: Path) -> tuple[str, ...]:
    """Test files that changed, and the test folders of the packages and models that did."""
    found = set()
    for path in changed_paths(root):
        first, _, rest = path.partition("/")
        if first == "tests":
            found.add(path)
        elif first == "dbt":
            found.add("tests/warehouse/")
        elif first == "heirpay_pipelines" and "/" in rest:
            found.add(f"tests/{rest.partition('/')[0]}/")
    return tuple(sorted(found))
