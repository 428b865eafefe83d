"""Retention: whose personal data of which class is past its period, by whose law, since when."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pytest
from small_build import ACTIVITY, make_build, since

from heirpay_pipelines.controls.retention import Due, RetentionError, due
from heirpay_pipelines.personal.paths import CLASSES
from heirpay_pipelines.personal.pseudonyms import pseudonyms, suppress
from heirpay_pipelines.settings import Settings
from heirpay_pipelines.state import open_state

LAST = "2016-03-10 12:00:00"
GUEST = (
    "insert into staging.stg_stripe__charges by name select 'ch_guest' as id, null as customer_id,"
    " 'a@b.test' as guest_email, timestamp '{day}' as created_at, 'FR' as billing_country"
)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(HEIRPAY_HOME=tmp_path / "home")


def ask(settings: Settings, at: str, *mutations: str, last: str = LAST) -> list[Due]:
    path = make_build(settings.folder.parent / "b.duckdb", *since(last), *mutations)
    with duckdb.connect(str(path), read_only=True) as connection:
        return due(connection, settings, datetime.fromisoformat(at).replace(tzinfo=UTC))


def classes(found: list[Due], subject: str = "cus_1") -> set[str]:
    return {item.data_class for item in found if item.subject == subject}


def live_in(country: str, company: str = "DE") -> list[str]:
    return [
        f"update staging.stg_stripe__customers set country = '{country}'",
        f"update staging.stg_stripe__accounts set country = '{company}'",
    ]


@pytest.mark.parametrize(
    ("customer", "company", "kept", "gone"),
    [
        ("DE", "DE", "2024-12-31T23:59:59", "2025-01-01"),  # 8 years, end of the year
        ("AT", "AT", "2023-12-31T23:59:59", "2024-01-01"),  # 7
        ("IE", "IE", "2022-03-10T11:59:59", "2022-03-10T12:00:00"),  # 6, from the day itself
        ("GB", "GB", "2022-12-31T23:59:59", "2023-01-01"),
        ("US", "US", "2023-12-31T23:59:59", "2024-01-01"),
        ("FR", "DE", "2026-12-31T23:59:59", "2027-01-01"),  # the longer of the two
        ("ES", "DE", "2026-12-31T23:59:59", "2027-01-01"),  # ten years in the One Stop Shop
        ("PL", "PL", "2026-12-31T23:59:59", "2027-01-01"),  # a member state without an entry
        ("US", "GB", "2023-12-31T23:59:59", "2024-01-01"),
        ("KW", "GB", "2026-12-31T23:59:59", "2027-01-01"),  # a law that is not known
    ],
)
def test_the_law_of_customer_and_company_is_kept_to_the_second(
    settings: Settings, customer: str, company: str, kept: str, gone: str
) -> None:
    where = live_in(customer, company)
    assert classes(ask(settings, kept, *where)) == {"contact", "payment_instrument"}
    assert classes(ask(settings, gone, *where)) == set(CLASSES)


def test_what_no_law_demands_goes_by_the_companys_own_periods(settings: Settings) -> None:
    assert classes(ask(settings, "2018-03-10T11:59:59")) == set()
    assert classes(ask(settings, "2018-03-10T12:00:00")) == {"payment_instrument"}
    assert classes(ask(settings, "2019-03-10T12:00:00")) == {"payment_instrument", "contact"}
    (first, second) = ask(settings, "2020-01-01")
    assert (second.since, second.last_active_at) == (
        datetime(2019, 3, 10, 12, tzinfo=UTC),
        datetime(2016, 3, 10, 12, tzinfo=UTC),
    )
    assert "CNIL" in second.rule
    assert first.rule.startswith("2 years after the last activity")


@pytest.mark.parametrize(("table", "column"), [(t, c) for t, cs in ACTIVITY.items() for c in cs])
def test_everything_that_happens_to_a_customer_is_an_activity(
    settings: Settings, table: str, column: str
) -> None:
    late = f"update staging.stg_stripe__{table} set {column} = timestamp '2025-12-31'"
    assert classes(ask(settings, "2026-11-01", late)) == set()


@pytest.mark.parametrize(
    "still_open",
    [
        "update staging.stg_stripe__subscriptions set status = 'active'",
        "update staging.stg_stripe__subscriptions set status = 'past_due'",
        "update staging.stg_stripe__invoices set status = 'open'",
        "update staging.stg_stripe__disputes set status = 'under_review'",
    ],
)
def test_a_customer_with_something_open_is_never_due(settings: Settings, still_open: str) -> None:
    assert ask(settings, "2099-01-01", still_open) == []


def test_a_payment_without_a_customer_keeps_who_paid_with_the_same_address(
    settings: Settings,
) -> None:
    young = ask(settings, "2026-11-01", GUEST.format(day="2026-05-01"))
    assert young == []
    old = ask(settings, "2026-11-01", GUEST.format(day="2016-01-01"))
    assert classes(old, "ch_guest") >= {"contact", "payment_instrument"}
    another = GUEST.format(day="2016-01-01").replace("a@b.test", "x@y.test")
    busy = "update staging.stg_stripe__events set created_at = timestamp '2026-10-01'"
    assert {item.subject for item in ask(settings, "2026-11-01", another, busy)} == {"ch_guest"}


def test_the_year_ends_where_the_company_is(settings: Settings) -> None:
    there = Settings(HEIRPAY_HOME=settings.folder, HEIRPAY_TIMEZONE="America/New_York")
    # 2017 in UTC, still 2016 in New York: eight years after 2016 end five hours later there
    assert "identity" in classes(ask(there, "2025-01-01T05:00:00", last="2017-01-01 03:00:00"))
    assert "identity" not in classes(ask(there, "2025-01-01T04:59:59", last="2017-01-01 03:00:00"))
    assert "identity" not in classes(ask(settings, "2025-06-01", last="2017-01-01 03:00:00"))


def test_what_was_erased_is_not_due_unless_it_is_seen_again(settings: Settings) -> None:
    at = datetime(2025, 6, 1, tzinfo=UTC)
    with open_state(settings.state_file) as state:
        names = pseudonyms(state, at)
        state.connection.execute(
            "insert into erasures values (?, 'contact payment_instrument', '', 'Dana', 'r', ?,"
            " null)",
            (names.of("cus_1"), at.isoformat()),
        )
        suppress(state, names.of("cus_1"), [names.hash("cus_1")])
    gone = "update staging.stg_stripe__customers set email = null, phone = null"
    assert classes(ask(settings, "2025-06-01", gone)) == {"identity", "location", "free_text"}
    assert "contact" in classes(ask(settings, "2025-06-01"))
    with open_state(settings.state_file) as state:
        state.connection.execute("update erasures set completed_at = null, plan = '{}'")
    assert "contact" in classes(ask(settings, "2025-06-01", gone))


def test_a_company_sets_its_own_periods_and_reads_a_law_otherwise(settings: Settings) -> None:
    settings.folder.mkdir()
    own = settings.folder / "retention.yaml"
    own.write_text(
        "company:\n  contact: {months: 120, reason: consent}\n"
        "laws:\n  DE: {years: 10, from: year_end, law: our counsel}\n"
    )
    found = ask(settings, "2026-12-31")
    assert classes(found) == {"payment_instrument", "contact"}
    assert "our counsel (DE)" in {i.rule.split(": ")[1] for i in ask(settings, "2027-01-01")}
    own.write_text("one_stop_shop: false")
    assert "identity" in classes(ask(settings, "2025-01-01", *live_in("ES")))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("company: {contact: {months: -1, reason: x}}", r"company\.contact\.months"),
        ("company: {contact: {reason: x}}", r"company\.contact\.months"),
        ("company: {emails: {months: 1, reason: x}}", r"company\.emails"),
        ("laws: {Germany: {years: 1, from: activity, law: x}}", r"laws\.Germany"),
        ("laws: {DE: {years: 1, from: birth, law: x}}", r"laws\.DE\.from"),
        ("months: 3", "months"),
        ("lawful_classes: [identity]", "no period for location"),
        ("- a list", "no mapping"),
        ("{", "cannot be read"),
    ],
)
def test_a_wrong_file_is_one_error_that_names_the_field(
    settings: Settings, text: str, message: str
) -> None:
    settings.folder.mkdir()
    (settings.folder / "retention.yaml").write_text(text)
    with pytest.raises(RetentionError, match=message):
        ask(settings, "2026-11-01")
