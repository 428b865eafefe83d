"""Transactional state: one SQLite file (WAL, full sync). Analytics never read it."""

from heirpay_pipelines.state.database import State, open_state

__all__ = ["State", "open_state"]
