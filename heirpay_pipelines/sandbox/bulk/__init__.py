"""An account of millions of objects that are made as they are asked for, for benchmarks."""

from heirpay_pipelines.sandbox.bulk.store import BulkStore

__all__ = ["BulkStore"]
