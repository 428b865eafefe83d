"""The currencies that landed amounts may have."""

from heirpay_pipelines.currencies import SEED, exponents

__all__ = ["SEED", "exponents"]
