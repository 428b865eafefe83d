"""Encryption at rest: HEIRPAY_ENCRYPTION_KEY, the SQLite file that it opens, and sealed files.

DuckDB and Parquet encrypt their own files (`duck`, `land`); everything else goes through here.
"""

from heirpay_pipelines.at_rest.keys import (
    EncryptionKeyError,
    KeyedPath,
    derived_key,
    keyed,
    require_key,
)

__all__ = ["EncryptionKeyError", "KeyedPath", "derived_key", "keyed", "require_key"]
