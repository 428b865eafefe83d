"""Every kind of break is found, named and aged; a clean account has none."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal

import payment_objects as stripe
import pytest
from landing_harness import Landing, Warehouse, model
from stripe_objects import invoice, line, tax

from heirpay_pipelines.duck import connect
from heirpay_pipelines.model.breaks import record_breaks
from heirpay_pipelines.model.state_copy import copy_state
from heirpay_pipelines.publish.breaks import BreakError, open_breaks, resolve_break
from heirpay_pipelines.settings import Settings
from heirpay_pipelines.state.database import open_state
from heirpay_pipelines.state.runs import close_run, open_run

AS_OF = "2026-02-01T00:00:00"
LATE = "2026-01-26T00:00:00"
SELECT = "+reconciliation_breaks +payout_reconciliation +daily_revenue"


def pay(invoice_id: str, charge_id: str, amount: int, **extra: object) -> stripe.JsonObject:
    return {
        "id": f"inpay_{charge_id}",
        "object": "invoice_payment",
        "created": stripe.epoch("2026-01-05T12:00:00"),
        "invoice": invoice_id,
        "amount_paid": amount,
        "amount_requested": amount,
        "currency": "usd",
        "is_default": True,
        "status": "paid",
        "payment": {"type": "payment_intent", "payment_intent": f"pi_{charge_id}"},
        "status_transitions": {"paid_at": stripe.epoch("2026-01-05T12:00:00")},
        **extra,
    }


def bill(name: str, amount: int, taxes: int = 0, **extra: object) -> stripe.JsonObject:
    taxed = [tax("txr_1", taxes, amount)] if taxes else []
    only = line(f"il_{name}", amount, "2026-01-05", "2026-02-05", taxes=taxed)
    made = invoice(f"in_{name}", "cus_1", "2026-01-05T11:00:00", [only])
    made["total_taxes"] = [{"amount": taxes, "tax_behavior": "exclusive"}] if taxes else []
    return {**made, **extra}


def paid_charge(name: str, amount: int, at: str, **extra: object) -> list[stripe.JsonObject]:
    return [
        stripe.charge(f"ch_{name}", amount, at, transaction=f"txn_{name}", **extra),
        stripe.movement(f"txn_{name}", "charge", amount, at, source=f"ch_{name}"),
    ]


def report(run: str, lines: dict[str, str]) -> list[stripe.JsonObject]:
    """Stripe's activity report of the two hours around noon of 2026-01-05: net by movement."""
    kind = "balance_change_from_activity.itemized.3"
    made: list[stripe.JsonObject] = [
        {
            "id": run,
            "object": "report_run",
            "report_type": kind,
            "interval_start": stripe.epoch("2026-01-05T11:00:00"),
            "interval_end": stripe.epoch("2026-01-05T13:00:00"),
            "rows": len(lines),
        }
    ]
    for number, (transaction, net) in enumerate(lines.items()):
        row = {"balance_transaction_id": transaction, "currency": "usd", "net": net}
        made.append(
            {
                "id": f"{run}:{number}",
                "object": "report_row",
                "run_id": run,
                "report_type": kind,
                "row": row,
            }
        )
    return made


def connect_objects(kind: str, name: str, amount: int, taken_back: int = 0) -> stripe.JsonObject:
    """A transfer (`tr_…`) or an application fee (`fee_…`) of a marketplace."""
    prefix, state = {
        "transfer": ("tr", {"amount_reversed": taken_back}),
        "application_fee": ("fee", {"amount_refunded": taken_back}),
    }[kind]
    return {
        "id": f"{prefix}_{name}",
        "object": kind,
        "created": stripe.epoch("2026-01-15T00:00:00"),
        "amount": amount,
        "currency": "usd",
        "balance_transaction": f"txn_{prefix}_{name}",
        **state,
    }


def marketplace(name: str, moved: int = -2000) -> list[stripe.JsonObject]:
    """A transfer of 20.00 of which half was taken back, a fee of 5.00 given back, a top-up."""
    at = "2026-01-15T00:00:00"
    reversal = {
        "id": f"trr_{name}",
        "object": "transfer_reversal",
        "created": stripe.epoch(at),
        "amount": 1000,
        "currency": "usd",
        "transfer": f"tr_{name}",
        "balance_transaction": f"txn_trr_{name}",
    }
    fee_refund = {
        "id": f"fr_{name}",
        "object": "fee_refund",
        "created": stripe.epoch(at),
        "amount": 500,
        "currency": "usd",
        "fee": f"fee_{name}",
        "balance_transaction": f"txn_fr_{name}",
    }
    topup = {
        "id": f"tu_{name}",
        "object": "topup",
        "created": stripe.epoch(at),
        "amount": 700,
        "currency": "usd",
        "status": "succeeded",
        "balance_transaction": f"txn_tu_{name}",
    }
    fee = connect_objects("application_fee", name, 500, 500) | {"refunds": {"data": [fee_refund]}}
    return [
        connect_objects("transfer", name, 2000, 1000),
        reversal,
        fee,
        topup,
        stripe.movement(f"txn_tr_{name}", "transfer", moved, at, source=f"tr_{name}"),
        stripe.movement(f"txn_trr_{name}", "transfer_reversal", 1000, at, source=f"trr_{name}"),
        stripe.movement(f"txn_fee_{name}", "platform_earning", 500, at, source=f"fee_{name}"),
        stripe.movement(f"txn_fr_{name}", "platform_earning_refund", -500, at, source=f"fr_{name}"),
        stripe.movement(f"txn_tu_{name}", "topup", 700, at, source=f"tu_{name}"),
    ]


def credited(name: str, balance: int, *changes: int) -> list[stripe.JsonObject]:
    """A customer and the changes of its balance, which is negative for a credit."""
    at = stripe.epoch("2026-01-03T00:00:00")
    customer = {"id": f"cus_{name}", "object": "customer", "created": at, "balance": balance}
    return [
        customer | {"currency": "usd"},
        *(
            {
                "id": f"cbtxn_{name}{number}",
                "object": "customer_balance_transaction",
                "created": at + number,
                "amount": amount,
                "currency": "usd",
                "customer": f"cus_{name}",
                "type": "adjustment",
            }
            for number, amount in enumerate(changes)
        ),
    ]


def clean_account() -> list[stripe.JsonObject]:
    """Charges in two currencies, an invoice, a partial capture, payouts in and not yet in bank."""
    yen = stripe.movement(
        "txn_yen", "charge", 700, "2026-01-05T12:00:00", source="ch_yen", exchange_rate=0.007
    )
    return [
        *paid_charge("a", 11_900, "2026-01-05T12:00:00"),
        bill("a", 10_000, 1900),
        pay("in_a", "ch_a", 11_900),
        # ¥1,000 settles as $7.00: neither currency has the other's decimals.
        stripe.charge("ch_yen", 1000, "2026-01-05T12:00:00", "jpy", transaction="txn_yen"),
        yen,
        # Authorised 50.00, captured 30.00.
        stripe.charge(
            "ch_part", 5000, "2026-01-06T12:00:00", transaction="txn_part", amount_captured=3000
        ),
        stripe.movement("txn_part", "charge", 5000, "2026-01-06T12:00:00", source="ch_part"),
        stripe.refund("re_part", "ch_part", 2000, "2026-01-06T12:00:01", "txn_uncaptured"),
        stripe.movement(
            "txn_uncaptured",
            "partial_capture_reversal",
            -2000,
            "2026-01-06T12:00:01",
            source="re_part",
        ),
        # Two of one day in one credit after a weekend; then one by its trace; then a fresh one.
        *payout("sum1", 4000, "2026-01-08", "2026-01-09"),
        *payout("sum2", 1000, "2026-01-08", "2026-01-12"),
        stripe.bank_line("bank_sum", 5000, "2026-01-12"),
        *payout("trace", 2600, "2026-01-15", "2026-01-16", trace="TRC-778899"),
        stripe.bank_line("bank_trace", 2600, "2026-01-20", reference="TRC778899/EXT"),
        # Three bank days: a weekend and Martin Luther King's day are between them.
        *payout("holiday", 1234, "2026-01-13", "2026-01-14"),
        stripe.bank_line("bank_holiday", 1234, "2026-01-20"),
        *payout("fresh", 3000, "2026-01-29", "2026-01-30"),
        stripe.bank_line("bank_rent", -77_00, "2026-01-30", description="RENT"),
        stripe.bank_line("bank_other", 99_00, "2026-01-30", description="CUSTOMER"),
        *marketplace("clean"),
        *credited("clean", -300, -500, 200),
        *credited("used_up", 0, -500, 500),
        *credited("never", 0),
        *paid_charge("given_back", 600, "2026-01-15T00:00:00"),
        stripe.dispute("du_back", "ch_given_back", 600, "2026-01-16", won_back(), status="won"),
        *won_back(),
        stripe.balance({"usd": 5000 - 2000 + 1000 + 700 + 600 - 1234}),
        *report("frr_1", {"txn_a": "119.00", "txn_yen": "7.00"}),
    ]


def won_back() -> list[stripe.JsonObject]:
    """What a dispute took, and gave back when it was won."""
    at = "2026-01-16T00:00:00"
    return [
        stripe.movement("txn_du_back", "dispute", -600, at, source="du_back"),
        stripe.movement("txn_du_won_back", "dispute_reversal", 600, at, source="du_back"),
    ]


def payout(
    name: str, amount: int, at: str, arrival: str, trace: str | None = None, **extra: object
) -> list[stripe.JsonObject]:
    traced = {"trace_id": {"status": "supported", "value": trace}} if trace else {}
    return [
        stripe.payout(
            f"po_{name}", amount, at, arrival, f"txn_po_{name}", automatic=False, **traced, **extra
        ),
        stripe.movement(f"txn_po_{name}", "payout", -amount, at, source=f"po_{name}"),
    ]


def broken_account() -> list[stripe.JsonObject]:
    """One break of each kind beside what is clean."""
    unpaid = {"amount_paid": 0, "amount_remaining": 500, "status": "open"}
    return [
        *clean_account(),
        *report("frr_2", {"txn_a": "119.00", "txn_yen": "7.00", "txn_open": "4.99"}),
        # The balance says 1.00 more than the movements.
        stripe.balance({"usd": 3000 + 100}),
        # Two of the three contained movements explain 12.00 of 13.00.
        stripe.payout("po_short", 1300, "2026-01-20", "2026-01-21", "txn_short"),
        stripe.movement("txn_short", "payout", -1300, "2026-01-20", source="po_short"),
        stripe.composition("po_short", ["txn_in", "txn_short"]),
        stripe.movement("txn_in", "other_adjustment", 1200, "2026-01-19"),
        stripe.bank_line("bank_short", 1300, "2026-01-21"),
        *payout("gone", 777, "2026-01-13", "2026-01-14"),
        stripe.bank_line("bank_stray", 4242, "2026-01-22"),
        *payout("failed", 888, "2026-01-13", "2026-01-14", status="failed"),
        stripe.charge("ch_unbooked", 100, "2026-01-10T00:00:00"),
        stripe.movement("txn_orphan", "charge", 100, "2026-01-10T00:00:00", source="ch_unknown"),
        stripe.charge("ch_wrong", 13_200, "2026-01-11T00:00:00", transaction="txn_wrong"),
        stripe.movement("txn_wrong", "charge", 12_300, "2026-01-11T00:00:00", source="ch_wrong"),
        *paid_charge("over", 1000, "2026-01-12T00:00:00", amount_refunded=1500),
        stripe.refund("re_over", "ch_over", 1500, "2026-01-14T00:00:00", "txn_over_back"),
        stripe.movement("txn_over_back", "refund", -1500, "2026-01-14T00:00:00", source="re_over"),
        bill("unpaid", 18_000),
        bill("open", 500, **unpaid),
        *paid_charge("open", 500, "2026-01-05T12:00:00"),
        pay("in_open", "ch_open", 500),
        {**bill("total", 6000, **{**unpaid, "amount_remaining": 6500}), "total": 6500},
        {**bill("tax", 2000, 380, **unpaid), "total_taxes": [{"amount": 491}]},
        *paid_charge("one", 7700, "2026-01-25T10:00:00", **same_card()),
        *paid_charge("two", 7700, "2026-01-25T10:00:40", **same_card()),
        *paid_charge("later", 7700, "2026-01-25T10:30:00", **same_card()),
        *marketplace("wrong", moved=-1900),
        connect_objects("transfer", "unbooked", 900),
        # Two reversals are stated, none is there.
        connect_objects("transfer", "lost", 800, 300),
        stripe.movement("txn_tr_lost", "transfer", -800, LATE, source="tr_lost"),
        stripe.movement("txn_tr_alien", "transfer", -50, LATE, source="tr_alien"),
        # A refund whose movement has other figures than the refund itself.
        *paid_charge("back", 1000, LATE, amount_refunded=400),
        stripe.refund("re_back", "ch_back", 400, LATE, "txn_re_back"),
        stripe.movement("txn_re_back", "refund", -410, LATE, source="re_back"),
        # A lost dispute that took no money.
        *paid_charge("lost", 600, LATE),
        stripe.dispute("du_lost", "ch_lost", 600, LATE, []),
        *credited("short", -700, -500),
        # Won, and the money is not back; failed, and the money is not back.
        *paid_charge("won", 600, LATE),
        stripe.dispute("du_won", "ch_won", 600, LATE, [taken("won")], status="won"),
        taken("won"),
        *paid_charge("bounced", 300, LATE),
        stripe.refund("re_bounced", "ch_bounced", 300, LATE, "txn_bounced_re", status="failed"),
        stripe.movement("txn_bounced_re", "refund", -300, LATE, source="re_bounced"),
        # Two credit notes are stated, one is there.
        bill("noted", 900, **unpaid, pre_payment_credit_notes_amount=400),
        note("noted", 300),
    ]


def taken(name: str) -> stripe.JsonObject:
    return stripe.movement(f"txn_du_{name}", "dispute", -600, LATE, source=f"du_{name}")


def note(of: str, amount: int) -> stripe.JsonObject:
    return {
        "id": f"cn_{of}",
        "object": "credit_note",
        "created": stripe.epoch(LATE),
        "invoice": f"in_{of}",
        "customer": "cus_1",
        "currency": "usd",
        "status": "issued",
        "type": "pre_payment",
        "amount": amount,
        "pre_payment_amount": amount,
        "post_payment_amount": 0,
        "lines": {"object": "list", "has_more": False, "data": []},
    }


def same_card() -> stripe.JsonObject:
    card = {"brand": "visa", "country": "US", "fingerprint": "print_same"}
    return {"payment_method_details": {"type": "card", "card": card}}


EXPECTED = {
    ("balance_mismatch", "balance:usd"),
    ("balance_transaction_missing", "ch_unbooked"),
    ("balance_transaction_missing", "du_lost"),
    ("balance_transaction_missing", "du_won"),
    ("balance_transaction_missing", "re_bounced"),
    ("balance_transaction_missing", "tr_unbooked"),
    ("balance_transaction_orphan", "txn_orphan"),
    ("balance_transaction_orphan", "txn_tr_alien"),
    ("bank_credit_without_payout", "bank_stray"),
    ("charge_amount_mismatch", "ch_wrong"),
    ("credit_note_mismatch", "in_noted"),
    ("customer_balance_mismatch", "cus_short"),
    ("duplicate_charge", "ch_two"),
    ("invoice_paid_without_payment", "in_unpaid"),
    ("invoice_total_mismatch", "in_total"),
    ("movement_amount_mismatch", "re_back"),
    ("movement_amount_mismatch", "tr_wrong"),
    ("payment_without_invoice", "ch_open"),
    ("payout_failed", "po_failed"),
    ("payout_mismatch", "po_short"),
    ("payout_missing_in_bank", "po_gone"),
    ("refund_exceeds_charge", "ch_over"),
    ("reversal_total_mismatch", "tr_lost"),
    ("stripe_report_mismatch", "txn_open"),
    ("tax_total_mismatch", "in_tax"),
}


@pytest.fixture(scope="module")
def clean(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Warehouse]:
    landing = Landing()
    stripe.land(landing, clean_account(), AS_OF)
    yield model(landing, tmp_path_factory.mktemp("clean"), AS_OF, SELECT, tested=False)


@pytest.fixture(scope="module")
def broken(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Warehouse]:
    landing = Landing()
    stripe.land(landing, broken_account(), AS_OF)
    yield model(landing, tmp_path_factory.mktemp("broken"), AS_OF, SELECT)


def test_a_clean_account_has_no_break(clean: Warehouse) -> None:
    assert clean.rows("select kind, object_id, detail from finance.reconciliation_breaks") == []


def test_payouts_are_matched_over_weekends_and_holidays_by_trace_and_in_groups(
    clean: Warehouse,
) -> None:
    rows = clean.rows(
        "select payout_id, status, bank_status, matched_by, bank_amount"
        " from finance.payout_reconciliation order by 1"
    )
    assert rows == [
        ("po_fresh", "in_transit", "not_due", None, None),
        ("po_holiday", "reconciled", "matched", "amount", Decimal("12.34")),
        ("po_sum1", "reconciled", "matched", "group", 40),
        ("po_sum2", "reconciled", "matched", "group", 10),
        ("po_trace", "reconciled", "matched", "reference", 26),
    ]


def test_every_kind_of_break_is_found_and_nothing_else(broken: Warehouse) -> None:
    rows = broken.rows("select kind, object_id from finance.reconciliation_breaks")
    assert sorted(rows) == sorted(EXPECTED)


def test_breaks_have_amount_age_owner_and_a_stable_id(broken: Warehouse) -> None:
    (row,) = broken.rows(
        "select amount, currency, first_seen_on, age_days, severity, owner, related_object_id"
        " from finance.reconciliation_breaks where kind = 'duplicate_charge'"
    )
    assert row == (Decimal("77"), "usd", date(2026, 1, 25), 7, "high", "payment", "ch_one")
    ids = broken.rows("select break_id from finance.reconciliation_breaks")
    assert len({id for (id,) in ids}) == len(EXPECTED)
    assert all(id.startswith("brk_") for (id,) in ids)
    amounts = dict(broken.rows("select kind, amount from finance.reconciliation_breaks"))
    assert amounts["charge_amount_mismatch"] == -9
    assert amounts["customer_balance_mismatch"] == -2
    assert amounts["payout_mismatch"] == 1
    assert amounts["refund_exceeds_charge"] == 5
    assert amounts["reversal_total_mismatch"] == 3
    assert amounts["stripe_report_mismatch"] == Decimal("0.01")
    assert amounts["tax_total_mismatch"] == Decimal("1.11")


def publish(warehouse: Warehouse, settings: Settings, as_of: str) -> int:
    """What the night does with a build that may be published, as far as breaks are concerned."""
    settings.warehouse.parent.mkdir(parents=True, exist_ok=True)
    instant = datetime.fromisoformat(as_of).replace(tzinfo=UTC)
    with open_state(settings.state_file) as state:
        open_run(state, f"run-{as_of}", instant)
        close_run(state, f"run-{as_of}", "published", None)
        with connect(warehouse.database, None, read_only=False) as build:
            reopened = record_breaks(build, state, instant)
            copy_state(build, state)
            build.execute(
                "create schema if not exists operations; create or replace table"
                " operations.run_history as"
                " select cast(substr(as_of, 1, 19) as timestamp) as as_of,"
                " outcome = 'published' as is_published from state.runs"
            )
    shutil.copy(warehouse.database, settings.warehouse)
    return reopened


def test_a_resolved_break_stays_resolved_until_it_changes_or_comes_back(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    home = tmp_path_factory.mktemp("resolved")
    settings = Settings(HEIRPAY_HOME=home)

    def night(day: int, *objects: stripe.JsonObject) -> int:
        as_of = f"2026-02-0{day}T00:00:00"
        landing = Landing()
        stripe.land(landing, list(objects), "2026-01-31T00:00:00")
        folder = home / f"night-{day}"
        folder.mkdir()
        built = model(
            landing, folder, as_of, "+reconciliation_breaks +resolved_breaks",
            tested=False, state_file=settings.state_file,
        )  # fmt: skip
        return publish(built, settings, as_of)

    def wrong(settled: int) -> list[stripe.JsonObject]:
        at = "2026-01-11T00:00:00"
        return [
            stripe.charge("ch_wrong", 13_200, at, transaction="txn_wrong"),
            stripe.movement("txn_wrong", "charge", settled, at, source="ch_wrong"),
        ]

    night(1, *wrong(12_300))
    (found,) = open_breaks(settings)
    with pytest.raises(BreakError, match="reason"):
        resolve_break(settings, found["break_id"], "ada", " ")
    resolve_break(settings, found["break_id"], "ada", "agreed with the customer")
    assert open_breaks(settings) == []
    with open_state(settings.state_file) as state:
        (record,) = state.rows("select actor, action, subject from audit_log")
    assert tuple(record.values()) == ("ada", "break_resolved", found["break_id"])

    assert night(2, *wrong(12_300)) == 0
    assert open_breaks(settings) == []
    # Another amount is another break.
    assert night(3, *wrong(12_000)) == 1
    (again,) = open_breaks(settings)
    assert again["break_id"] == found["break_id"]
    assert again["first_seen_on"] == found["first_seen_on"]
    assert again["age_days"] == found["age_days"] + 2
    resolve_break(settings, again["break_id"], "ada", "that, too")
    # It goes, and it comes back.
    assert night(4, *wrong(13_200)) == 0
    assert night(5, *wrong(12_000)) == 1
    assert [row["amount"] for row in open_breaks(settings)] == [-12]
    with pytest.raises(BreakError, match="no open break"):
        resolve_break(settings, "brk_unknown", "ada", "x")
