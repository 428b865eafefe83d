"""Land: raw objects → immutable Parquet behind a manifest."""

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
