"""Transactional state: one SQLite file (WAL, full sync). Analytics never read it."""

from heirpay_pipelines.state.database import State, is_of_sqlite, open_state

__all__ = ["State", "is_of_sqlite", "open_state"]
