"""What helped is what had an effect of its own; runbooks learn that and nothing else."""

from __future__ import annotations

import json

import pytest
from escalate_night import Home, control


def declined(home: Home) -> str:
    """An incident of 15 declined payments, of which 2 are recovered after its night."""
    home.attempts_made(100)
    home.failures("insufficient_funds", 15, "19.99")
    (name,) = home.night(0).opened
    return name


def recovered(home: Home, by: str) -> None:
    home.sql(
        "update finance.payment_failures set recovered_at = timestamp '2026-11-01 12:00',"
        f" recovered_by = '{by}';"
        "delete from finance.payment_method_daily;"
        "insert into finance.payment_method_daily values (date '2026-10-31', 'usd', 1000)"
    )


@pytest.mark.parametrize(
    ("by", "retries", "methods"),
    [("automatic_retry", 1, 0), ("new_payment_method", 0, 0), (None, 0, 0)],
)
def test_a_list_helped_when_its_payments_were_paid_as_it_says(
    home: Home, by: str | None, retries: int, methods: int
) -> None:
    name = declined(home)
    if by is None:
        home.sql("delete from finance.payment_failures")
    else:
        recovered(home, by)
    assert home.night(1).resolved == (name,)
    tried = home.attempts(name)
    assert tried["retryable_and_when"] == ("done", retries)
    # It found no other method on file, so it cannot have helped whatever happened since.
    assert tried["other_methods_on_file"] == ("done", methods)
    # Nobody can tell whether anybody worked through it.
    assert tried["customer_notification_list"] == ("done", None)
    learned = home.incident(incident_id=name)["learned"]
    assert bool(learned) == bool(retries)
    if learned:
        book = (home.path / "runbooks" / f"{learned}.md").read_text()
        assert "retryable_and_when" in book
        assert "other_methods_on_file" not in book.split("---")[1]


@pytest.mark.parametrize(("mode", "helped"), [(0o755, 1), (0o700, None)])
def test_closing_files_helped_only_if_it_closed_any(
    home: Home, mode: int, helped: int | None
) -> None:
    (home.path / "reports").mkdir()
    (home.path / "reports").chmod(mode)
    failing = [control("file_modes")]
    home.night(0, failing)
    home.night(1, [control("file_modes", "pass")])
    incident = home.incident(subject="control file_modes")
    assert incident["status"] == "resolved"
    status, found = home.attempts(incident["incident_id"])["restrict_access"]
    assert (status, found) == ("done" if helped else "not_applicable", helped)
    assert bool(incident["learned"]) == bool(helped)


@pytest.mark.parametrize(
    ("method", "listed"),
    [
        ("('pm_1', 'cus_1', 'used', 2030, 1)", 0),  # the card that failed
        ("('pm_2', 'cus_1', 'used', 2030, 1)", 0),  # the same card again
        ("('pm_2', 'cus_1', 'other', 2026, 10)", 0),  # its month is over
        ("('pm_2', 'cus_1', 'other', 2026, 11)", 3),
        ("('pm_2', 'cus_1', null, null, null)", 3),  # a debit: no fingerprint, no month
        ("('pm_2', 'cus_9', 'other', 2030, 1)", 0),  # another customer's
    ],
)
def test_other_methods_are_others_that_can_be_charged(home: Home, method: str, listed: int) -> None:
    home.sql(
        "insert into staging.stg_stripe__payment_methods values ('pm_1', 'cus_0', 'used', 1, 1)"
    )
    home.sql(f"insert into staging.stg_stripe__payment_methods values {method}")
    name = declined(home)
    found = home.state(
        "select item from incident_worklists where incident_id = ? and solution = ?",
        (name, "other_methods_on_file"),
    )
    assert len(found) == listed
    if listed:
        assert json.loads(found[0]["item"])["payment_methods"] == ["pm_2"]
