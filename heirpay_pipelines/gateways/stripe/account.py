"""A Stripe account: the home that it is landed in, and what it is reached with."""

from __future__ import annotations

from dataclasses import dataclass, field

from heirpay_pipelines.home import Home
from heirpay_pipelines.settings import Settings


@dataclass(frozen=True)
class StripeAccount:
    """`api_key` is for requests alone: it is never logged or stored."""

    home: Home
    api_key: str = field(repr=False)
    api_base: str


def stripe_account(settings: Settings) -> StripeAccount:
    """The account that the settings name; without a key of their own, the embedded one."""
    return StripeAccount(settings, settings.api_key, settings.stripe_api_base)
