"""What the company sells: products, prices of every shape, coupons, promotion codes, taxes."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from heirpay_pipelines.sandbox.company.ids import Ids
from heirpay_pipelines.sandbox.company.templates import blank
from heirpay_pipelines.sandbox.store import Store

Object = dict[str, Any]
GRADUATED = [(5, 700, None), (10, 650, None), (None, 600, None)]
FLAT_TIERS = [(10, 0, 5000), (None, 400, None)]
# name: (product, currency, unit amount, interval, count, extra)
PRICES: dict[str, tuple[str, str, int | None, str, int, Object]] = {
    "starter_usd": ("Starter", "usd", 2900, "month", 1, {}),
    "starter_eur": ("Starter", "eur", 2700, "month", 1, {"tax_behavior": "inclusive"}),
    "team_usd": ("Team", "usd", 9900, "month", 1, {}),
    "team_eur": ("Team", "eur", 8900, "month", 1, {}),
    "team_gbp": ("Team", "gbp", 7900, "month", 1, {}),
    "team_jpy": ("Team", "jpy", 12000, "month", 1, {}),
    "team_kwd": ("Team", "kwd", 30500, "month", 1, {}),
    "team_year_usd": ("Team", "usd", 99000, "year", 1, {}),
    "team_year_eur": ("Team", "eur", 89000, "year", 1, {}),
    "scale_quarter_usd": ("Scale", "usd", 59700, "month", 3, {}),
    "coaching_week_usd": ("Coaching", "usd", 1000, "week", 1, {}),
    "pass_day_usd": ("Day pass", "usd", 100, "day", 1, {}),
    "seats_usd": ("Seats", "usd", None, "month", 1, {"tiers_mode": "graduated", "tiers": GRADUATED}),
    "seats_eur": ("Seats", "eur", None, "month", 1, {"tiers_mode": "graduated", "tiers": GRADUATED}),
    "volume_usd": ("Volume", "usd", None, "month", 1, {"tiers_mode": "volume", "tiers": GRADUATED}),
    "flat_tiers_usd": ("Bundle", "usd", None, "month", 1,
                       {"tiers_mode": "graduated", "tiers": FLAT_TIERS}),
    "package_usd": ("Messages", "usd", 1500, "month", 1,
                    {"transform_quantity": {"divide_by": 100, "round": "up"}}),
    "decimal_usd": ("Storage", "usd", None, "month", 1, {"unit_amount_decimal": "12.345"}),
    "metered_usd": ("API calls", "usd", None, "month", 1,
                    {"unit_amount_decimal": "0.25", "usage": "metered"}),
    "free_usd": ("Free", "usd", 0, "month", 1, {}),
}  # fmt: skip
# country or country-state: (percent, type, jurisdiction, level, display name)
TAXES = {
    "DE": ("19.0", "vat", "Germany", "country", "VAT"),
    "FR": ("20.0", "vat", "France", "country", "VAT"),
    "ES": ("21.0", "vat", "Spain", "country", "VAT"),
    "IE": ("23.0", "vat", "Ireland", "country", "VAT"),
    "GB": ("20.0", "vat", "United Kingdom", "country", "VAT"),
    "AU": ("10.0", "gst", "Australia", "country", "GST"),
    "CA-ON": ("13.0", "hst", "Ontario", "state", "HST"),
    "US-CA": ("7.25", "sales_tax", "California", "state", "Sales tax"),
    "US-NY": ("4.0", "sales_tax", "New York", "state", "Sales tax"),
    "US-NY-county": ("4.5", "sales_tax", "New York City", "city", "Sales tax"),
    "US-TX": ("6.25", "sales_tax", "Texas", "state", "Sales tax"),
}
COUPONS: dict[str, Object] = {
    "LOYAL20": {"percent_off": 20.0, "duration": "forever"},
    "LAUNCH50": {"percent_off": 50.0, "duration": "repeating", "duration_in_months": 3},
    "WELCOME10": {"percent_off": 10.0, "duration": "once"},
    "ANNUAL10": {"percent_off": 10.0, "duration": "forever"},
    "FIVEOFF": {"amount_off": 500, "currency": "usd", "duration": "forever"},
}


class Catalog:
    """Everything that is for sale, created on the company's first day."""

    def __init__(self, store: Store, ids: Ids, at: int) -> None:
        self.store, self.ids, self.at = store, ids, at
        self.products: dict[str, Object] = {}
        self.meter = ids.new("mtr")
        self.prices = {name: self._price(name, *PRICES[name]) for name in PRICES}
        self.rates = {place: self._tax_rate(place, *tax) for place, tax in TAXES.items()}
        self.coupons = {code: self._coupon(code, terms) for code, terms in COUPONS.items()}
        self.promotion_codes = [self._promotion(code) for code in ("LAUNCH50", "WELCOME10")]

    def _keep(self, obj: Object, event: str) -> Object:
        self.store.put(obj)
        self.store.emit(event, obj, self.at)
        return obj

    def _product(self, name: str) -> str:
        if name not in self.products:
            self.products[name] = self._keep(
                blank(
                    "product", id=self.ids.new("prod", 14), active=True, created=self.at,
                    default_price=None, description=f"{name} plan", images=[], livemode=False,
                    marketing_features=[], metadata={}, name=name, type="service",
                    updated=self.at, tax_code="txcd_10103001",
                ),
                "product.created",
            )  # fmt: skip
        return str(self.products[name]["id"])

    def _price(
        self, name: str, product: str, currency: str, amount: int | None, interval: str,
        count: int, extra: Object,
    ) -> Object:  # fmt: skip
        decimal = extra.get("unit_amount_decimal", None if amount is None else str(amount))
        metered = extra.get("usage") == "metered"
        tiers = extra.get("tiers")
        return self._keep(
            blank(
                "price", id=self.ids.new("price"), active=True,
                billing_scheme="tiered" if tiers else "per_unit", created=self.at,
                currency=currency, livemode=False, lookup_key=name, metadata={},
                product=self._product(product),
                recurring={
                    "interval": interval, "interval_count": count,
                    "meter": self.meter if metered else None,
                    "trial_period_days": None, "usage_type": "metered" if metered else "licensed",
                },
                tax_behavior=extra.get("tax_behavior", "exclusive"),
                tiers=[_tier(*tier) for tier in tiers] if tiers else None,
                tiers_mode=extra.get("tiers_mode"), type="recurring",
                transform_quantity=extra.get("transform_quantity"),
                unit_amount=amount, unit_amount_decimal=decimal,
            ),
            "price.created",
        )  # fmt: skip

    def _tax_rate(
        self, place: str, percent: str, kind: str, jurisdiction: str, level: str, name: str
    ) -> Object:
        country, _, rest = place.partition("-")
        return self._keep(
            blank(
                "tax_rate", id=self.ids.new("txr"), active=True, country=country, created=self.at,
                description=None, display_name=name, effective_percentage=float(percent),
                inclusive=False, jurisdiction=jurisdiction, jurisdiction_level=level,
                livemode=False, metadata={}, percentage=float(percent), rate_type="percentage",
                state=rest.partition("-")[0] or None, tax_type=kind,
            ),
            "tax_rate.created",
        )  # fmt: skip

    def _coupon(self, code: str, terms: Object) -> Object:
        return self._keep(
            blank(
                "coupon", id=code, created=self.at, livemode=False, metadata={}, name=code,
                times_redeemed=0, valid=True, **terms,
            ),
            "coupon.created",
        )  # fmt: skip

    def _promotion(self, code: str) -> Object:
        return self._keep(
            blank(
                "promotion_code", id=self.ids.new("promo"), active=True, code=f"{code}NOW",
                created=self.at, livemode=False, metadata={},
                promotion={"type": "coupon", "coupon": code},
                restrictions={
                    "first_time_transaction": False, "minimum_amount": None,
                    "minimum_amount_currency": None,
                },
                times_redeemed=0,
            ),
            "promotion_code.created",
        )  # fmt: skip


def _tier(up_to: int | None, unit: int, flat: int | None) -> Object:
    return {
        "flat_amount": flat, "flat_amount_decimal": None if flat is None else str(flat),
        "unit_amount": unit, "unit_amount_decimal": str(unit), "up_to": up_to,
    }  # fmt: skip


def amount_of(price: Object, quantity: int) -> int:
    """What a quantity of a price costs for one billing period, in minor units."""
    from heirpay_pipelines.sandbox.company.money import rounded

    if rule := price["transform_quantity"]:
        whole, rest = divmod(quantity, rule["divide_by"])
        quantity = whole + (1 if rest and rule["round"] == "up" else 0)
    if not price["tiers"]:
        return rounded(Decimal(price["unit_amount_decimal"]) * quantity)
    total, before = Decimal(0), 0
    for tier in price["tiers"]:
        reached = tier["up_to"] is None or quantity <= tier["up_to"]
        if price["tiers_mode"] == "graduated":
            units = (quantity if reached else tier["up_to"]) - before
        else:
            units = quantity if reached else 0
        if price["tiers_mode"] == "graduated" or reached:
            total += Decimal(tier["unit_amount_decimal"]) * units + (tier["flat_amount"] or 0)
        before = tier["up_to"] or 0
        if reached:
            break
    return rounded(total)
