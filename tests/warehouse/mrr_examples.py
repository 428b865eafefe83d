"""The worked examples of METRICS.md, sections 2, 3, 4 and 8, as one account.

Each example lives in customers of its own; examples about totals have a currency of their own.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from landing_harness import Landing, epoch
from stripe_objects import customer, discount, invoice, item, line, price, subscription, tax

EXAMPLES_AS_OF = "2026-10-20T00:00:00"
SUBSCRIPTION_MARTS = "+path:models/marts/subscriptions stg_stripe__products"
TIERS = [(5, 700, 0), (10, 650, 0), (None, 600, 0)]


class Examples:
    """Lands subscriptions whose whole life was observed through events."""

    def __init__(self) -> None:
        self.landing = Landing()
        self.counter = 0

    def priced(self, unit_amount: Any = None, **shape: Any) -> dict[str, Any]:
        self.counter += 1
        its = price(f"price_{self.counter}", unit_amount, **shape)
        self.landing.version(its, "2026-01-01")
        return its

    def starts(
        self,
        name: str,
        its_price: dict[str, Any] | Sequence[dict[str, Any]],
        quantity: int = 1,
        at: str = "2026-02-10T12:00:00",
        customer_id: str | None = None,
        **extra: Any,
    ) -> dict[str, Any]:
        """A subscription `sub_<name>` of customer `cus_<name>` begins."""
        prices = [its_price] if isinstance(its_price, dict) else list(its_price)
        customer_id = customer_id or f"cus_{name}"
        items = [item(f"si_{name}_{n}", each, quantity) for n, each in enumerate(prices)]
        self.landing.version(customer(customer_id), "2026-01-01")
        body = subscription(f"sub_{name}", customer_id, items, created=at, **extra)
        self.landing.event("customer.subscription.created", body, at)
        return body

    def changes(self, body: dict[str, Any], at: str, **changed: Any) -> dict[str, Any]:
        after = {**body, **changed}
        self.landing.event("customer.subscription.updated", after, at)
        return after

    def requantifies(self, body: dict[str, Any], at: str, quantity: int) -> dict[str, Any]:
        first = {**body["items"]["data"][0], "quantity": quantity}
        return self.changes(body, at, items={"data": [first], "has_more": False})

    def reprices(self, body: dict[str, Any], at: str, its_price: dict[str, Any]) -> dict[str, Any]:
        first = {**body["items"]["data"][0], "price": its_price}
        return self.changes(body, at, items={"data": [first], "has_more": False})

    def ends(self, body: dict[str, Any], at: str, reason: str = "cancellation_requested") -> None:
        after = {
            **body,
            "status": "canceled",
            "canceled_at": epoch(at),
            "ended_at": epoch(at),
            "cancellation_details": {"reason": reason},
        }
        self.landing.event("customer.subscription.deleted", after, at)


def examples() -> Landing:
    e = Examples()
    _normalising(e)
    _tiers(e)
    _discounts(e)
    _statuses(e)
    _movements(e)
    _totals(e)
    _whole_pipeline(e)
    return e.landing


def _normalising(e: Examples) -> None:
    e.starts("yearly_600", e.priced(60000, interval="year"))
    e.starts("quarterly_90", e.priced(9000, interval_count=3))
    e.starts("weekly_10", e.priced(1000, interval="week"))
    e.starts("daily_1", e.priced(100, interval="day"))
    e.starts("yearly_790", e.priced(79000, interval="year"))
    e.starts("decimal", e.priced("0.125", interval="month"), quantity=1000)
    e.starts("several_items", [e.priced(1000), e.priced(12000, interval="year")])
    e.starts("free", e.priced(0))
    metered = e.priced(500, usage_type="metered")
    body = e.starts("metered", metered)
    for number, amount in ((3, 1000), (4, 2000), (5, 3000), (6, 4000)):
        start, end = f"2026-{number:02}-10T12:00:00", f"2026-{number + 1:02}-10T12:00:00"
        used = line(f"il_m{number}", amount, start, end, body["id"], "si_metered_0", metered["id"])
        e.landing.version(invoice(f"in_m{number}", "cus_metered", end, [used], body["id"]), end)
    e.starts("yen", e.priced(1000, currency="jpy"))
    e.starts("dinar", e.priced(12345, currency="kwd"))
    e.starts("packages_up", e.priced(1000, transform=(10, "up")), quantity=25)
    e.starts("packages_down", e.priced(1000, transform=(10, "down")), quantity=25)


def _tiers(e: Examples) -> None:
    for mode in ("volume", "graduated"):
        shared = e.priced(tiers=TIERS, tiers_mode=mode)
        for quantity in (1, 5, 6, 20, 25):
            e.starts(f"{mode}_{quantity}", shared, quantity)
        flat = e.priced(tiers=[(5, 700, 1000), (None, 600, 2000)], tiers_mode=mode)
        e.starts(f"{mode}_flat_6", flat, 6)
        e.starts(f"{mode}_flat_0", flat, 0)
    # Tiers of another currency than the price's own.
    euros = e.priced(
        tiers=TIERS, tiers_mode="graduated", options={"eur": [(5, 600, 0), (None, 500, 0)]}
    )
    e.starts("option_tiers", euros, 6, currency="eur")


def _discounts(e: Examples) -> None:
    year = e.priced(12000, interval="year")
    e.starts("ten_percent", year, discounts=[discount("di_ten", percent_off=10)])
    hundred = e.priced(10000)
    two = [discount("di_a", percent_off=10), discount("di_b", percent_off=10)]
    e.starts("stacked", hundred, discounts=two)
    fixed_first = [discount("di_c", amount_off=1000), discount("di_d", percent_off=50)]
    e.starts("percent_before_fixed", hundred, discounts=fixed_first)
    e.starts(
        "one_dollar_weekly",
        e.priced(1000, interval="week"),
        discounts=[discount("di_week", amount_off=100)],
    )
    e.starts(
        "fixed_over_items", [hundred, e.priced(5000)], discounts=[discount("di_f", amount_off=3000)]
    )
    million = e.priced(100_000_000, interval="year")
    e.starts("large_contract", million, discounts=[discount("di_l", amount_off=5_000_000)])
    # One price and one coupon for two currencies: each bill takes its own currency's amounts.
    both = e.priced(5000, options={"usd": 5000, "eur": 4500})
    cut = discount("di_both", amount_off=1000)
    coupon = cut["source"]["coupon"]
    coupon["currency_options"] = {"usd": {"amount_off": 1000}, "eur": {"amount_off": 900}}
    e.landing.version({"created": epoch("2026-01-01"), **coupon}, "2026-01-01")
    e.starts("option_eur", both, currency="eur", discounts=[cut])
    e.starts("option_usd", both, discounts=[cut])
    e.starts("more_than_all", hundred, discounts=[discount("di_g", amount_off=99900)])
    repeating = discount(
        "di_r", percent_off=50, duration="repeating", start="2026-02-10", end="2026-05-10"
    )
    e.starts("repeating", hundred, discounts=[repeating])
    once = discount("di_once", percent_off=30, duration="once", start="2026-02-10")
    body = e.starts("once", hundred, discounts=[once])
    billed = line(
        "il_once", 10000, "2026-02-10T12:00:00", "2026-03-10T12:00:00", body["id"], "si_once_0",
        hundred["id"], discounts=[("di_once", 3000)],
    )  # fmt: skip
    e.landing.version(
        invoice(
            "in_once", "cus_once", "2026-02-10T12:00:00", [billed], body["id"], discounts=[once]
        ),
        "2026-02-11",
    )
    on_customer = discount("di_cus", percent_off=20, customer="cus_own")
    e.starts("own", hundred)
    e.landing.version(customer("cus_own", discount=on_customer), "2026-02-01")
    # A customer's discount is gone by its event, not only when the customer is next listed.
    gone = discount("di_gone", percent_off=20, customer="cus_own_ended")
    e.landing.event("customer.updated", customer("cus_own_ended", discount=gone), "2026-02-01")
    e.starts("own_ended", hundred)
    e.landing.event("customer.discount.deleted", gone, "2026-04-10T08:00:00")
    e.landing.version(customer("cus_own_ended", discount=None), "2026-04-20")
    inclusive = e.priced(11900, tax_behavior="inclusive")
    body = e.starts("inclusive", inclusive)
    e.landing.version(
        {"id": "txr_de", "object": "tax_rate", "created": epoch("2026-01-01"), "percentage": 19.0,
         "effective_percentage": 19.0, "inclusive": True, "country": "DE", "tax_type": "vat"},
        "2026-01-01",
    )  # fmt: skip
    billed = line(
        "il_incl", 11900, "2026-02-10T12:00:00", "2026-03-10T12:00:00", body["id"],
        "si_inclusive_0", inclusive["id"], taxes=[tax("txr_de", 1900, 10000, "inclusive")],
    )  # fmt: skip
    e.landing.version(
        invoice("in_incl", "cus_inclusive", "2026-02-10T12:00:00", [billed], body["id"]),
        "2026-02-11",
    )
    # The price says nothing of tax; the rate that the invoice applied is an inclusive one.
    quiet = e.priced(11900, tax_behavior="unspecified")
    body = e.starts("by_rate", quiet)
    billed = line(
        "il_by_rate", 11900, "2026-02-10T12:00:00", "2026-03-10T12:00:00", body["id"],
        "si_by_rate_0", quiet["id"], taxes=[tax("txr_de", 1900, 10000, "inclusive")],
    )  # fmt: skip
    bill = invoice("in_by_rate", "cus_by_rate", "2026-02-10T12:00:00", [billed], body["id"])
    e.landing.version(bill, "2026-02-11")


def _statuses(e: Examples) -> None:
    fifty = e.priced(5000)
    for status in (
        "past_due", "trialing", "incomplete", "incomplete_expired", "paused", "unpaid", "canceled",
    ):  # fmt: skip
        e.starts(f"is_{status}", fifty, status=status)
    body = e.starts("void_pause", fifty)
    e.changes(
        body,
        "2026-04-01T09:00:00",
        pause_collection={"behavior": "void", "resumes_at": epoch("2026-06-01T09:00:00")},
    )
    for name, behavior in (("draft", "keep_as_draft"), ("owed", "mark_uncollectible")):
        body = e.starts(f"{name}_pause", fifty)
        paused = {"behavior": behavior, "resumes_at": None}
        e.changes(body, "2026-04-01T09:00:00", pause_collection=paused)
    body = e.starts("ending", fifty)
    e.changes(body, "2026-04-01", cancel_at_period_end=True, cancel_at=epoch("2027-01-01"))

    # A schedule's next phase has another price; its end cancels the subscription.
    body = e.starts("phases", fifty, schedule="sub_sched_1")
    body = e.reprices(body, "2026-04-10T12:00:00", e.priced(7000))
    e.ends(body, "2026-06-10T12:00:00")
    # The customer is deleted: Stripe ends what it had, and what was, was.
    body = e.starts("deleted", fifty)
    e.ends(body, "2026-05-05T09:00:00")
    gone = {"id": "cus_deleted", "object": "customer", "deleted": True}
    e.landing.version(gone, "2026-05-05T09:00:00")
    # One customer pays in two currencies: two books, which never mix.
    e.starts("both", fifty)
    euro = e.starts("both_eur", e.priced(4000, currency="eur"), customer_id="cus_both")
    e.ends(euro, "2026-05-05T09:00:00")


def _movements(e: Examples) -> None:
    four = e.starts("ladder", e.priced(50000, interval="year"), 4, at="2026-02-10T08:00:00")
    two = e.starts(
        "ladder_beside", e.priced(3000), 2, at="2026-03-15T08:00:00", customer_id="cus_ladder"
    )
    e.ends(two, "2026-04-20T08:00:00")
    e.ends(four, "2026-05-25T08:00:00")
    e.starts("ladder_again", e.priced(5000), 3, at="2026-07-01T08:00:00", customer_id="cus_ladder")

    moved = e.starts("same_value", e.priced(10000))
    e.reprices(moved, "2026-04-02T08:00:00", e.priced(120000, interval="year"))

    replaced = e.starts("replaced", e.priced(2000))
    e.ends(replaced, "2026-04-03T08:00:00")
    e.starts("replacing", e.priced(2000), at="2026-04-03T10:00:00", customer_id="cus_replaced")

    upgraded = e.starts("prorated", e.priced(1000))
    dear = e.priced(2000)
    e.reprices(upgraded, "2026-04-16T08:00:00", dear)
    proration = [
        line("il_p1", -500, "2026-04-16T08:00:00", "2026-05-01", "sub_prorated", "si_prorated_0",
             "price_x", proration=True),
        line("il_p2", 1000, "2026-04-16T08:00:00", "2026-05-01", "sub_prorated", "si_prorated_0",
             dear["id"], proration=True),
    ]  # fmt: skip
    e.landing.version(
        invoice("in_p", "cus_prorated", "2026-04-16T08:00:00", proration, "sub_prorated"),
        "2026-04-17",
    )


def _totals(e: Examples) -> None:
    """Totals, each in a currency of its own."""
    # chf: 100 customers at 100 a month and 50 at 600 a year: 12,500.
    month, year = e.priced(10000, currency="chf"), e.priced(60000, interval="year", currency="chf")
    for n in range(100):
        e.starts(f"chf_m{n}", month)
    for n in range(50):
        e.starts(f"chf_y{n}", year)
    # gbp: 1,000 at the start; new 100, expansion 50, contraction 40, churn 60.
    base = e.starts("gbp_base", e.priced(80000, currency="gbp"))
    falls = e.starts("gbp_falls", e.priced(14000, currency="gbp"))
    goes = e.starts("gbp_goes", e.priced(6000, currency="gbp"))
    e.starts("gbp_new", e.priced(10000, currency="gbp"), at="2026-04-05T08:00:00")
    e.reprices(base, "2026-04-06T08:00:00", e.priced(85000, currency="gbp"))
    e.reprices(falls, "2026-04-07T08:00:00", e.priced(10000, currency="gbp"))
    e.ends(goes, "2026-04-08T08:00:00")
    # nzd: 1,000 customers, 100 new, 100 churned in the month; ARPA 500 from 100 customers: see sek.
    ten = e.priced(1000, currency="nzd")
    leaving = [e.starts(f"nzd_{n}", ten) for n in range(1000)][:100]
    for n in range(100):
        e.starts(f"nzd_new{n}", ten, at="2026-04-05T08:00:00")
    for body in leaving:
        e.ends(body, "2026-04-20T08:00:00")
    # aud: a $120-a-year cancellation and $50 → $25: 35 of churned MRR.
    cancelled = e.starts("aud_year", e.priced(12000, interval="year", currency="aud"))
    halved = e.starts("aud_half", e.priced(5000, currency="aud"))
    e.ends(cancelled, "2026-04-20T08:00:00")
    e.reprices(halved, "2026-04-21T08:00:00", e.priced(2500, currency="aud"))
    # cad: 100 at the start, 10 churn, 10 contraction, 10 expansion.
    up, down = (e.starts(f"cad_{n}", e.priced(4500, currency="cad")) for n in ("up", "down"))
    gone = e.starts("cad_gone", e.priced(1000, currency="cad"))
    e.reprices(up, "2026-04-05T08:00:00", e.priced(5500, currency="cad"))
    e.reprices(down, "2026-04-05T08:00:00", e.priced(3500, currency="cad"))
    e.ends(gone, "2026-04-05T08:00:00")
    _retention(e)
    # sek: 100 paying 500 on average at the end, churn 100/1,100 in the month: LTV 5,500.
    cheap = e.priced(50000, currency="sek")
    stays = [e.starts(f"sek_{n}", cheap) for n in range(20)]
    e.starts("sek_new0", cheap, at="2026-04-05T08:00:00")
    e.starts("sek_new1", cheap, at="2026-04-05T08:00:00")
    for body in stays[:2]:
        e.ends(body, "2026-04-06T08:00:00")
    # dkk: 100 customers who pay 50,000: ARPA 500.
    for n, amount in enumerate((30000, 70000) * 50):
        e.starts(f"dkk_{n}", e.priced(amount, currency="dkk"))
    # pln: a tenth of what is left of 100 customers leaves each month: 90, 81, 73, 66, 59.
    plan = e.priced(1000, currency="pln")
    cohort = [e.starts(f"pln_{n}", plan) for n in range(100)]
    for month, left in enumerate((90, 81, 73, 66, 59), start=3):
        while len(cohort) > left:
            e.ends(cohort.pop(), f"2026-{month:02}-20T08:00:00")
    # nok: three customers at a third of a cent each: sums are exact, not sums of roundings.
    third = e.priced(10000, interval="year", currency="nok")
    for n in range(3):
        e.starts(f"nok_{n}", third)


def _retention(e: Examples) -> None:
    """Who joins or comes back within the month is in no retention."""
    # czk: 10 at 10; one leaves; one joins at 40 and leaves within the month.
    ten = e.priced(1000, currency="czk")
    first, *_ = [e.starts(f"czk_{n}", ten) for n in range(10)]
    joins = e.starts("czk_joins", e.priced(4000, currency="czk"), at="2026-04-05T08:00:00")
    e.ends(first, "2026-04-10T08:00:00")
    e.ends(joins, "2026-04-20T08:00:00")
    # ron: of four at 10 one leaves and comes back at 50 and falls to 5; one goes to 90 and back to
    # 8; one to 2 and back to 13. A fifth joins at 100 and falls to 1.
    ten = e.priced(1000, currency="ron")
    leaves, rises, falls, _ = [e.starts(f"ron_{n}", ten) for n in range(4)]
    e.ends(leaves, "2026-04-03T08:00:00")
    for body, days in ((rises, (9000, 800)), (falls, (200, 1300))):
        for day, amount in enumerate(days, start=4):
            body = e.reprices(body, f"2026-04-{day:02}T08:00:00", e.priced(amount, currency="ron"))
    for who, at, amounts in (("cus_ron_0", 8, (5000, 500)), ("cus_ron_new", 9, (10_000, 100))):
        its = e.priced(amounts[0], currency="ron")
        body = e.starts(f"ron_at{at}", its, at=f"2026-04-{at:02}T08:00:00", customer_id=who)
        e.reprices(body, "2026-04-20T08:00:00", e.priced(amounts[1], currency="ron"))


def _whole_pipeline(e: Examples) -> None:
    graduated = e.priced(tiers=TIERS, tiers_mode="graduated", currency="eur")
    twenty = discount("di_20", percent_off=20, currency="eur")
    body = e.starts("german", graduated, 6, at="2026-03-10T08:00:00", discounts=[twenty])
    e.requantifies(body, "2026-04-15T08:00:00", 20)

    fifty = e.priced(5000)
    trial = {"trial_start": "2026-03-01T08:00:00", "trial_end": "2026-03-15T08:00:00"}
    body = e.starts("trial_pays", fifty, at="2026-03-01T08:00:00", status="trialing", **trial)
    e.changes(body, "2026-03-15T08:00:00", status="active")
    body = e.starts("trial_leaves", fifty, at="2026-03-01T08:00:00", status="trialing", **trial)
    e.ends(body, "2026-03-10T08:00:00")
