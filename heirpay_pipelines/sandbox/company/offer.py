"""The company's price list, its coupons, and the tax rates it applies."""

from __future__ import annotations

from typing import Any

Object = dict[str, Any]
TIERS = ((5, 700, None), (10, 650, None), (None, 600, None))
FLAT_TIERS = ((10, 0, 5000), (None, 400, 1000))
ADD_ONS = ("Backups", "Audit log", "SSO", "Sandbox", "Branding", "Webhooks", "Exports", "Priority",
           "Training", "Archive", "Insights")  # fmt: skip
# lookup key: (product, currency, unit amount, interval, interval count, the rest)
PRICES: dict[str, tuple[str, str, int | str | None, str | None, int, Object]] = {
    "starter_usd": ("Starter", "usd", 2900, "month", 1, {}),
    "starter_eur": ("Starter", "eur", 2700, "month", 1, {"tax_behavior": "inclusive"}),
    "starter_2024_usd": ("Starter", "usd", 1900, "month", 1, {}),
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
    "seats_usd": ("Seats", "usd", None, "month", 1, {"tiers": TIERS}),
    "seats_eur": ("Seats", "eur", None, "month", 1, {"tiers": TIERS}),
    "volume_usd": ("Volume", "usd", None, "month", 1, {"tiers": TIERS, "tiers_mode": "volume"}),
    "flat_tiers_usd": ("Bundle", "usd", None, "month", 1, {"tiers": FLAT_TIERS}),
    "flat_volume_usd": ("Bundle", "usd", None, "month", 1,
                        {"tiers": FLAT_TIERS, "tiers_mode": "volume"}),
    "package_usd": ("Messages", "usd", 1500, "month", 1, {"transform": (100, "up")}),
    "decimal_usd": ("Storage", "usd", "12.345", "month", 1, {}),
    "metered_usd": ("API calls", "usd", "0.25", "month", 1, {"metered": True}),
    "metered_eur": ("API calls", "eur", "0.2", "month", 1, {"metered": True}),
    "free_usd": ("Free", "usd", 0, "month", 1, {}),
    "handbook_gbp": ("Handbook", "gbp", 2500, None, 1, {}),
    "handbook_eur": ("Handbook", "eur", 2900, None, 1, {}),
}  # fmt: skip
PRICES.update(
    (f"addon_{number:02d}_usd", (name, "usd", 300 + 100 * number, "month", 1, {}))
    for number, name in enumerate(ADD_ONS, 1)
)
EVERYTHING = (("team_usd", 1), *((f"addon_{number:02d}_usd", 1) for number in range(1, 12)))
"""A subscription of more items than Stripe shows at once."""
# place: (percent, type, jurisdiction, level, display name). States have the suffixes of TAXED.
TAXES: dict[str, tuple[str, str, str, str, str]] = {
    "DE": ("19.0", "vat", "Germany", "country", "VAT"),
    "DE-reduced": ("7.0", "vat", "Germany", "country", "VAT (reduced)"),
    "FR": ("20.0", "vat", "France", "country", "VAT"),
    "FR-reduced": ("5.5", "vat", "France", "country", "VAT (reduced)"),
    "ES": ("21.0", "vat", "Spain", "country", "VAT"),
    "IE": ("23.0", "vat", "Ireland", "country", "VAT"),
    "GB": ("20.0", "vat", "United Kingdom", "country", "VAT"),
    "GB-zero": ("0.0", "vat", "United Kingdom", "country", "VAT (zero-rated)"),
    "AU": ("10.0", "gst", "Australia", "country", "GST"),
    "CA-ON": ("13.0", "hst", "Ontario", "state", "HST"),
    "CA-BC-gst": ("5.0", "gst", "Canada", "country", "GST"),
    "CA-BC-pst": ("7.0", "pst", "British Columbia", "state", "PST"),
    "US-CA": ("6.0", "sales_tax", "California", "state", "Sales tax"),
    "US-CA-county": ("1.25", "sales_tax", "San Francisco County", "county", "Sales tax"),
    "US-NY": ("4.0", "sales_tax", "New York", "state", "Sales tax"),
    "US-NY-city": ("4.5", "sales_tax", "New York City", "city", "Sales tax"),
    "US-TX": ("6.25", "sales_tax", "Texas", "state", "Sales tax"),
    "US-TX-city": ("2.0", "sales_tax", "Austin", "city", "Sales tax"),
    "DE-reverse": ("0.0", "vat", "Germany", "country", "VAT (reverse charge)"),
    "FR-reverse": ("0.0", "vat", "France", "country", "VAT (reverse charge)"),
    "ES-reverse": ("0.0", "vat", "Spain", "country", "VAT (reverse charge)"),
    "IE-reverse": ("0.0", "vat", "Ireland", "country", "VAT (reverse charge)"),
    "US-CA-exempt": ("0.0", "sales_tax", "California", "state", "Sales tax (exempt)"),
    "US-NY-exempt": ("0.0", "sales_tax", "New York", "state", "Sales tax (exempt)"),
    "US-TX-exempt": ("0.0", "sales_tax", "Texas", "state", "Sales tax (exempt)"),
    "US-OR-none": ("0.0", "sales_tax", "Oregon", "state", "Sales tax (not collecting)"),
    "JP-none": ("0.0", "jct", "Japan", "country", "Consumption tax (not collecting)"),
}
COUPONS: dict[str, Object] = {
    "LOYAL20": {"percent_off": 20.0, "duration": "forever"},
    "LAUNCH50": {"percent_off": 50.0, "duration": "repeating", "duration_in_months": 3},
    "WELCOME10": {"percent_off": 10.0, "duration": "once"},
    "ANNUAL10": {"percent_off": 10.0, "duration": "forever"},
    "FIVEOFF": {"amount_off": 500, "currency": "usd", "duration": "forever"},
    "TENEUR": {"amount_off": 1000, "currency": "eur", "duration": "repeating",
               "duration_in_months": 6},
}  # fmt: skip
PROMOTIONS = {"LAUNCH50": "LAUNCH50NOW", "WELCOME10": "WELCOME10NOW"}
"""Promotion codes by the coupon that they give."""
Offer = tuple[int, tuple[tuple[str, int], ...], tuple[str, ...], int]
# What a new customer buys: (share, items, coupons, trial days) by billing currency.
OFFERS: dict[str, tuple[Offer, ...]] = {
    "usd": (
        (18, (("starter_usd", 1),), (), 0), (9, (("starter_usd", 1),), (), 14),
        (13, (("team_usd", 1),), (), 0), (5, (("team_usd", 1),), ("LAUNCH50",), 0),
        (4, (("team_usd", 2),), ("LOYAL20", "WELCOME10"), 0), (6, (("team_year_usd", 1),), (), 0),
        (2, (("team_year_usd", 1),), ("ANNUAL10",), 0), (4, (("scale_quarter_usd", 1),), (), 0),
        (2, (("coaching_week_usd", 1),), (), 0), (1, (("pass_day_usd", 1),), (), 0),
        (6, (("seats_usd", 6),), (), 0), (3, (("volume_usd", 7),), (), 0),
        (2, (("flat_tiers_usd", 14),), (), 0), (2, (("flat_volume_usd", 14),), (), 0),
        (3, (("package_usd", 250),), (), 0), (3, (("decimal_usd", 120),), (), 0),
        (3, (("starter_usd", 1), ("decimal_usd", 40)), (), 0),
        (4, (("starter_usd", 1), ("metered_usd", 1)), (), 0), (4, (("free_usd", 1),), (), 0),
        (3, (("starter_usd", 1),), ("FIVEOFF",), 0), (2, EVERYTHING, (), 0),
    ),
    "eur": (
        (24, (("starter_eur", 1),), (), 0), (20, (("team_eur", 1),), (), 0),
        (10, (("team_eur", 1),), ("LOYAL20",), 0), (14, (("seats_eur", 6),), ("LOYAL20",), 0),
        (10, (("team_year_eur", 1),), (), 0), (8, (("team_eur", 3),), (), 14),
        (6, (("team_eur", 1),), ("TENEUR",), 0),
        (8, (("team_eur", 1), ("metered_eur", 1)), (), 0),
    ),
    "gbp": ((1, (("team_gbp", 1),), (), 0),),
    "jpy": ((1, (("team_jpy", 1),), (), 0),),
    "kwd": ((1, (("team_kwd", 1),), (), 0),),
}  # fmt: skip
UPGRADES = {"starter_usd": "team_usd", "team_usd": "team_year_usd", "starter_eur": "team_eur",
            "seats_usd": "volume_usd"}  # fmt: skip
