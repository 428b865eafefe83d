"""Switches that stop something until a person releases them."""

from __future__ import annotations

from datetime import datetime

from heirpay_pipelines.state.database import State

ISOLATION = "isolation"
"""While it is set nothing is published."""


def set_switch(state: State, name: str, at: datetime, reason: str) -> None:
    """Set a switch; one that is set keeps its first reason."""
    with state.joined() as connection:
        connection.execute(
            "insert into switches values (?, ?, ?) on conflict do nothing",
            (name, at.isoformat(), reason),
        )


def release_switch(state: State, name: str) -> bool:
    """Release a switch; False when it was not set."""
    with state.joined() as connection:
        deleted = connection.execute("delete from switches where name = ?", (name,)).rowcount
    return bool(deleted)


def switch_reason(state: State, name: str) -> str | None:
    """Why a switch is set; None when it is not."""
    found = state.rows("select reason from switches where name = ?", (name,))
    return str(found[0]["reason"]) if found else None
