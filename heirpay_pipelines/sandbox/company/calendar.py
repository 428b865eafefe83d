"""The company's clock arithmetic: months, periods, business days. Instants are epoch seconds."""

from __future__ import annotations

from calendar import monthrange
from datetime import UTC, datetime

DAY = 86_400


def moment(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def after(start: int, interval: str, count: int, anchor_day: int) -> int:
    """The end of a billing period that begins at `start`; months keep the anchor's day."""
    if interval in ("day", "week"):
        return start + count * DAY * (7 if interval == "week" else 1)
    at = moment(start)
    months = at.year * 12 + at.month - 1 + count * (12 if interval == "year" else 1)
    year, month = divmod(months, 12)
    day = min(anchor_day, monthrange(year, month + 1)[1])
    return int(at.replace(year=year, month=month + 1, day=day).timestamp())


def business_day_after(seconds: int, days: int) -> int:
    """Midnight (UTC) of the business day so many business days later."""
    at = seconds - seconds % DAY
    while days:
        at += DAY
        if moment(at).weekday() < 5:
            days -= 1
    return at
