"""What the company sells: products, prices, coupons, promotion codes, and the taxes on them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from heirpay_pipelines.sandbox.company.changes import change, keep
from heirpay_pipelines.sandbox.company.ids import Ids
from heirpay_pipelines.sandbox.company.offer import COUPONS, PRICES, PROMOTIONS, TAXES
from heirpay_pipelines.sandbox.company.templates import blank
from heirpay_pipelines.sandbox.store import Store

Object = dict[str, Any]
Tier = tuple[int | None, int, int | None]
"""(last unit of the tier or None, unit amount, flat amount or None)."""


class Catalog:
    """The catalogue by name: prices by lookup key, coupons by id, tax rates by place."""

    def __init__(self, store: Store, ids: Ids) -> None:
        self.store, self.ids = store, ids
        self.products: dict[str, Object] = {}
        self.prices: dict[str, Object] = {}
        self.coupons: dict[str, Object] = {}
        self.promotion_codes: dict[str, Object] = {}
        self.rates: dict[str, Object] = {}
        self.meters: dict[str, Object] = {}

    def stock(self, at: int) -> None:
        """Create everything that the company sells."""
        for name, (product, currency, amount, interval, count, extra) in PRICES.items():
            self.add_price(at, name, amount, currency, product=product, interval=interval,
                           count=count, **extra)  # fmt: skip
        for place, tax in TAXES.items():
            self.add_tax_rate(at, place, *tax)
        for code, terms in COUPONS.items():
            self.add_coupon(at, code, **terms)
        for coupon, code in PROMOTIONS.items():
            self.add_promotion_code(at, coupon, code)

    def add_product(self, at: int, name: str) -> Object:
        """The product of this name, created when it is new."""
        if name not in self.products:
            product = blank(
                "product", id=self.ids.new("prod", 14), active=True, created=at,
                default_price=None, description=f"{name} plan", images=[], livemode=False,
                marketing_features=[], metadata={}, name=name, tax_code="txcd_10103001",
                type="service", updated=at,
            )  # fmt: skip
            self.products[name] = keep(self.store, at, "product.created", product)
        return self.products[name]

    def add_price(
        self, at: int, name: str, amount: int | str | None, currency: str = "usd", *,
        product: str = "Plan", interval: str | None = "month", count: int = 1,
        tiers: Sequence[Tier] | None = None, tiers_mode: str = "graduated",
        transform: tuple[int, str] | None = None, metered: bool = False,
        tax_behavior: str = "exclusive",
    ) -> Object:  # fmt: skip
        """A price under a lookup key. `amount` is in minor units, a text when it has decimals of
        them; `interval` None is a one-time price; `transform` is (divide by, "up" or "down")."""
        recurring = None
        if interval is not None:
            recurring = {
                "interval": interval, "interval_count": count,
                "meter": self._meter(at, product)["id"] if metered else None,
                "trial_period_days": None, "usage_type": "metered" if metered else "licensed",
            }  # fmt: skip
        price = blank(
            "price", id=self.ids.new("price"), active=True,
            billing_scheme="tiered" if tiers else "per_unit", created=at, currency=currency,
            livemode=False, lookup_key=name, metadata={},
            product=self.add_product(at, product)["id"], recurring=recurring,
            tax_behavior=tax_behavior,
            tiers=[_tier(*tier) for tier in tiers] if tiers else None,
            tiers_mode=tiers_mode if tiers else None,
            transform_quantity=dict(zip(("divide_by", "round"), transform, strict=True))
            if transform else None,
            type="recurring" if recurring else "one_time",
            unit_amount=None if isinstance(amount, str) else amount,
            unit_amount_decimal=None if amount is None else str(amount),
        )  # fmt: skip
        self.prices[name] = keep(self.store, at, "price.created", price)
        return price

    def retire(self, at: int, name: str) -> None:
        """Sell a price no longer; who has it keeps it."""
        change(self.store, at, "price.updated", self.prices[name], active=False)

    def _meter(self, at: int, product: str) -> Object:
        if product not in self.meters:
            name = product.lower().replace(" ", "_")
            self.meters[product] = keep(
                self.store, at, "billing.meter.created",
                blank(
                    "billing.meter", id=self.ids.new("mtr"), created=at,
                    customer_mapping={"event_payload_key": "stripe_customer_id", "type": "by_id"},
                    default_aggregation={"formula": "sum"}, display_name=product,
                    event_name=name, livemode=False, status="active",
                    status_transitions={"deactivated_at": None}, updated=at,
                    value_settings={"event_payload_key": "value"},
                ),
            )  # fmt: skip
        return self.meters[product]

    def add_tax_rate(
        self, at: int, place: str, percent: str, kind: str = "vat", jurisdiction: str = "",
        level: str = "country", name: str = "VAT",
    ) -> Object:  # fmt: skip
        """A tax rate under a place: a country, or country-state, with anything after another -."""
        country, _, rest = place.partition("-")
        state = rest.partition("-")[0] if country in ("US", "CA") else ""
        rate = blank(
            "tax_rate", id=self.ids.new("txr"), active=True, country=country, created=at,
            display_name=name, effective_percentage=float(percent), inclusive=False,
            jurisdiction=jurisdiction or country, jurisdiction_level=level, livemode=False,
            metadata={}, percentage=float(percent), rate_type="percentage", state=state or None,
            tax_type=kind,
        )  # fmt: skip
        self.rates[place] = keep(self.store, at, "tax_rate.created", rate)
        return rate

    def add_coupon(self, at: int, code: str, **terms: Any) -> Object:
        """A coupon; `terms` are Stripe's: percent_off, or amount_off and currency; duration …"""
        coupon = blank(
            "coupon", id=code, created=at, livemode=False, metadata={}, name=code,
            times_redeemed=0, valid=True, **terms,
        )  # fmt: skip
        self.coupons[code] = keep(self.store, at, "coupon.created", coupon)
        return coupon

    def add_promotion_code(self, at: int, coupon: str, code: str) -> Object:
        """A code that customers type in to get a coupon."""
        promotion = blank(
            "promotion_code", id=self.ids.new("promo"), active=True, code=code, created=at,
            livemode=False, metadata={}, promotion={"type": "coupon", "coupon": coupon},
            restrictions={"first_time_transaction": False, "minimum_amount": None,
                          "minimum_amount_currency": None},
            times_redeemed=0,
        )  # fmt: skip
        self.promotion_codes[coupon] = keep(self.store, at, "promotion_code.created", promotion)
        return promotion

    def redeem(self, at: int, code: str) -> str | None:
        """Count a redemption of a coupon; returns the id of its promotion code, if it has one."""
        coupon = self.coupons[code]
        change(
            self.store, at, "coupon.updated", coupon, times_redeemed=coupon["times_redeemed"] + 1
        )
        promotion = self.promotion_codes.get(code)
        if promotion is None:
            return None
        times = promotion["times_redeemed"] + 1
        change(self.store, at, "promotion_code.updated", promotion, times_redeemed=times)
        return str(promotion["id"])


def _tier(up_to: int | None, unit: int, flat: int | None) -> Object:
    return {
        "flat_amount": flat, "flat_amount_decimal": None if flat is None else str(flat),
        "unit_amount": unit, "unit_amount_decimal": str(unit), "up_to": up_to,
    }  # fmt: skip
