"""What a pull has read and what it could not: never silence."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class Coverage:
    """One endpoint's line of the coverage statement.

    `mode` is `full`, `events`, `created` or `always`; `covered_from` and `covered_until` are ISO
    instants (UTC); `status` is `complete`, `forbidden` (403) or `gone` (404), with the reason.
    """

    endpoint: str
    object_name: str
    mode: str
    covered_from: str | None
    covered_until: str
    rows: int
    requests: int
    status: str = "complete"
    reason: str | None = None

    def record(self) -> dict[str, Any]:
        return asdict(self)
