"""The embedded company: eighteen months of business, simulated day by day."""

from heirpay_pipelines.sandbox.company.company import Company, build_company

__all__ = ["Company", "build_company"]
