"""What a pull has read and what it could not: never silence."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from heirpay_pipelines.gateways.errors import NotReadableError, PullError

COMPLETE, FORBIDDEN, GONE, FAILED = "complete", "forbidden", "gone", "failed"
LEFT_OUT = "left_out"


@dataclass(frozen=True)
class Coverage:
    """One endpoint's line of the coverage statement.

    `mode` is `full`, `events`, `created`, `always`, `derived` or `report`; `covered_from` and
    `covered_until` are ISO instants (UTC); `status` is `complete`, `forbidden` (403), `gone` (404)
    `failed` (it kept failing) or `left_out` (the object of a line of its own changed after the
    instant), with the reason. What is not complete is read again, from where it was complete last,
    by the next pull. `needed_for` names the published tables that are wrong without it: only then
    publication is refused.
    """

    endpoint: str
    object_name: str
    mode: str
    covered_from: str | None
    covered_until: str
    rows: int
    requests: int
    status: str = COMPLETE
    reason: str | None = None
    needed_for: str | None = None

    def record(self) -> dict[str, Any]:
        return asdict(self)


def verdict(error: PullError) -> tuple[str, str]:
    """(status, reason) of an endpoint whose reading ended with the error."""
    if isinstance(error, NotReadableError):
        return (FORBIDDEN if error.status == 403 else GONE), str(error)
    return FAILED, str(error)
