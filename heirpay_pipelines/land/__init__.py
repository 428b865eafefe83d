"""Land: raw objects → immutable Parquet behind a manifest."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from heirpay_pipelines.land.landing import Landing
    from heirpay_pipelines.land.manifest import LandingError, Manifest
    from heirpay_pipelines.land.night import PullOutcome, pull_and_land
    from heirpay_pipelines.land.views import create_landing_views

__all__ = [
    "Landing",
    "LandingError",
    "Manifest",
    "PullOutcome",
    "create_landing_views",
    "pull_and_land",
]
HOMES = {
    "Landing": "landing",
    "LandingError": "manifest",
    "Manifest": "manifest",
    "PullOutcome": "night",
    "create_landing_views": "views",
    "pull_and_land": "night",
}


def __getattr__(name: str) -> Any:
    """Each where it is asked for: the process that reads bank files loads no client of Stripe."""
    if name not in HOMES:
        raise AttributeError(name)
    return getattr(import_module(f"{__name__}.{HOMES[name]}"), name)
