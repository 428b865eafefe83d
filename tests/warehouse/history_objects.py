"""Histories of subscriptions as first pulls find them: bills, gone coupons, busy seconds."""

from __future__ import annotations

from typing import Any

from landing_harness import Landing, epoch
from stripe_objects import customer, discount, invoice, item, line, price, subscription

FIRST_PULL = "2026-09-01T00:00:00"
CHEAP = price("price_cheap", 1000)
DEAR = price("price_dear", 3000)
TIERED = price("price_tiered", tiers=[(5, 700, 0), (None, 600, 0)], tiers_mode="graduated")


def monthly_invoices(
    landing: Landing,
    name: str,
    months: range,
    price_id: str,
    amount: int,
    quantity: int = 1,
    off: tuple[str, int] | None = None,
    status: str = "paid",
    **extra: Any,
) -> None:
    for number in months:
        start, end = f"2026-{number:02}-05T10:00:00", f"2026-{number + 1:02}-05T10:00:00"
        billed = line(
            f"il_{name}_{number}", amount, start, end, f"sub_{name}", f"si_{name}", price_id,
            quantity, discounts=[off] if off else [],
        )  # fmt: skip
        landing.version(
            invoice(
                f"in_{name}_{number}",
                f"cus_{name}",
                start,
                [billed],
                f"sub_{name}",
                status,
                **extra,
            ),
            FIRST_PULL,
        )


def listed(
    landing: Landing, name: str, its: dict[str, Any], quantity: int = 1, **extra: Any
) -> dict[str, Any]:
    """A subscription that the first pull's list shows."""
    landing.version(customer(f"cus_{name}"), FIRST_PULL)
    body = subscription(
        f"sub_{name}", f"cus_{name}", [item(f"si_{name}", its, quantity)],
        **{"created": "2026-02-05T10:00:00", **extra},
    )  # fmt: skip
    landing.version(body, FIRST_PULL)
    return body


def voided(months: range, after: int) -> list[dict[str, Any]]:
    """The instants of bills that were voided so many seconds after they were made."""
    made = [epoch(f"2026-{number:02}-05T10:00:00") for number in months]
    return [
        {"finalized_at": at, "voided_at": at + after, "paid_at": None,
         "marked_uncollectible_at": None}
        for at in made
    ]  # fmt: skip


def voided_bills(landing: Landing) -> None:
    """Bills that a pause voided as they were made, and bills that a person voided."""
    hour, day = 3_600, 86_400
    for name, months, after in (
        ("paused", range(4, 5), 5),  # collection was paused for April
        ("by_hand", range(4, 5), 2 * hour),  # a person voided April's bill; May's stands
        ("twice_void", range(4, 6), 3 * day),  # bills stayed away, however they were voided
        ("last_void", range(8, 9), 3 * day),  # the newest bill: the next is not due yet
        ("away", range(6, 7), 3 * day),  # no bill ever came after it, though two were due
        ("again", range(4, 5), hour),  # voided and billed again at another price
    ):
        listed(landing, name, DEAR if name == "again" else CHEAP)
        before, last = range(2, months.start), 7 if name == "away" else 9
        monthly_invoices(landing, name, before, "price_cheap", 1000)
        for number, steps in zip(months, voided(months, after), strict=True):
            monthly_invoices(landing, name, range(number, number + 1), "price_cheap", 1000,
                             status="void", status_transitions=steps)  # fmt: skip
        later = "price_dear" if name == "again" else "price_cheap"
        monthly_invoices(landing, name, range(months.stop, last), later, 1000)
    start, end = "2026-04-05T10:00:00", "2026-05-05T10:00:00"
    anew = line("il_anew", 3000, start, end, "sub_again", "si_again", "price_dear")
    made = invoice("in_anew", "cus_again", "2026-04-06T10:00:00", [anew], "sub_again")
    landing.version(made, FIRST_PULL)


def same_second(landing: Landing) -> None:
    """Several changes of one second, whose events arrive in any order."""
    at = "2026-09-10T10:00:00"

    def of(name: str, quantity: int, its: dict[str, Any] = CHEAP) -> dict[str, Any]:
        return {"data": [item(f"si_{name}", its, quantity)], "has_more": False}

    def begin(name: str, quantity: int) -> dict[str, Any]:
        body = listed(landing, name, CHEAP, quantity, created="2026-09-02T10:00:00")
        landing.rows.pop()
        landing.event("customer.subscription.created", body, "2026-09-02T10:00:00")
        return body

    def change(body: dict[str, Any], event_id: str, after: Any, before: Any, **more: Any) -> None:
        landing.event(
            "customer.subscription.updated", {**body, "items": after, **more}, at,
            f"evt_{event_id}", previous={"items": before},
        )  # fmt: skip

    # Quantity 1, 2, 3: the ids of the events say nothing of their order.
    for name, first, second in (("up", "z", "a"), ("up_too", "a", "z")):
        body = begin(name, 1)
        change(body, f"{name}_{first}", of(name, 2), of(name, 1))
        change(body, f"{name}_{second}", of(name, 3), of(name, 2))
        landing.version({**body, "items": of(name, 3)}, "2026-09-12")
    # Five steps in a row, the last of them to another price.
    body = begin("five", 1)
    for number, letter in enumerate("cebda", start=1):
        after = of("five", 1, DEAR) if number == 5 else of("five", number + 1)
        change(body, f"five_{letter}", after, of("five", number))
    # There and back: what was known before says which was first.
    body = begin("back", 1)
    change(body, "back_z", of("back", 4), of("back", 1))
    change(body, "back_a", of("back", 1), of("back", 4))
    # There and back, and nothing is known before: what is listed afterwards was the last.
    body = listed(landing, "unknown", CHEAP, 2, created="2026-09-02T10:00:00")
    landing.rows.pop()
    change(body, "unknown_z", of("unknown", 2), of("unknown", 5))
    change(body, "unknown_a", of("unknown", 5), of("unknown", 2))
    landing.version({**body, "items": of("unknown", 2)}, "2026-09-12")
    # Changed, and ended at once.
    body = begin("ended", 1)
    change(body, "ended_b", of("ended", 3), of("ended", 1))
    gone = {**body, "items": of("ended", 3), "status": "canceled", "ended_at": epoch(at)}
    landing.event("customer.subscription.deleted", gone, at, "evt_ended_a")


def deleted_coupons(landing: Landing) -> None:
    """Coupons that were deleted before the first pull: no list has them."""

    def named(discount_id: str, **extra: Any) -> dict[str, Any]:
        """The discount as it is stated unless its coupon is expanded."""
        return {"id": discount_id, "object": "discount", "start": epoch("2026-02-05"), "end": None,
                "source": {"type": "coupon", "coupon": f"co_{discount_id}"}, **extra}  # fmt: skip

    weekly = price("price_weekly", 1000, interval="week")
    landing.version(weekly, FIRST_PULL)
    # $10 a week less $1 for ever: expanded, by the bills' lines, and by the ids of a list alone.
    whole = discount("di_whole", amount_off=100)
    for name, carried in (("whole", whole), ("week", named("di_week")), ("bare", "di_bare")):
        listed(landing, name, weekly, discounts=[carried], created="2026-08-20T10:00:00")
        for number, day in enumerate((20, 27)):
            start, end = f"2026-08-{day}T10:00:00", ("2026-08-27", "2026-09-03")[number]
            billed = line(
                f"il_{name}_{number}", 1000, start, f"{end}T10:00:00", f"sub_{name}",
                f"si_{name}", "price_weekly", discounts=[(f"di_{name}", 100)],
            )  # fmt: skip
            made = invoice(f"in_{name}_{number}", f"cus_{name}", start, [billed], f"sub_{name}")
            landing.version(made, FIRST_PULL)
    # An event later names the coupon by its id: what was expanded stays known.
    landing.event("customer.discount.created", named("di_whole"), "2026-09-15T10:00:00")
    # Bills of one and of three units: the same amount off, and the same share off.
    for name, off in (("fixed", (300, 300)), ("share", (150, 450))):
        listed(landing, name, CHEAP, 5, discounts=[named(f"di_{name}")])
        for number, (quantity, cut) in enumerate(zip((1, 3), off, strict=True), start=7):
            monthly_invoices(landing, name, range(number, number + 1), "price_cheap",
                             1000 * quantity, quantity, (f"di_{name}", cut))  # fmt: skip
    # For a product alone: the other item's line was not reduced. Applied after a known percentage.
    other = price("price_other", 2000, product="prod_other")
    landing.version(other, FIRST_PULL)
    ten = discount("di_ten", percent_off=10)
    landing.version(customer("cus_part"), FIRST_PULL)
    items = [item("si_part", CHEAP), item("si_part2", other)]
    landing.version(
        subscription("sub_part", "cus_part", items, created="2026-08-20T10:00:00",
                     discounts=[ten, named("di_part")]), FIRST_PULL,
    )  # fmt: skip
    at = ("2026-08-20T10:00:00", "2026-09-20T10:00:00")
    lines = [
        line("il_part", 1000, *at, "sub_part", "si_part", "price_cheap",
             discounts=[("di_ten", 100), ("di_part", 225)]),
        line("il_part2", 2000, *at, "sub_part", "si_part2", "price_other", product="prod_other",
             discounts=[("di_ten", 200)]),
    ]  # fmt: skip
    made = invoice("in_part", "cus_part", at[0], lines, "sub_part", discounts=[ten])
    landing.version(made, FIRST_PULL)
    # Yen, until a date; and a discount of which no bill tells: its value stays unknown.
    yen = price("price_yen", 1000, currency="jpy")
    landing.version(yen, FIRST_PULL)
    until = named("di_yen", end=epoch("2026-09-15T10:00:00"))
    listed(landing, "yen", yen, discounts=[until], created="2026-08-20T10:00:00")
    billed = line("il_yen", 1000, *at, "sub_yen", "si_yen", "price_yen", currency="jpy",
                  discounts=[("di_yen", 250)])  # fmt: skip
    made = invoice("in_yen", "cus_yen", at[0], [billed], "sub_yen", currency="jpy")
    landing.version(made, FIRST_PULL)
    listed(landing, "silent", CHEAP, discounts=[named("di_silent")], created="2026-08-20T10:00:00")
