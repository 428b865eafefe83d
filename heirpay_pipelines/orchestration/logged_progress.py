"""A pull's progress in the run's log, so that its page in Dagster shows how far it is."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from heirpay_pipelines.gateways.progress import TerminalProgress

SECONDS = 5.0
"""Between two lines: a log of every page would drown what matters."""


@dataclass
class LoggedProgress(TerminalProgress):
    """As in the terminal, and every few seconds a line in the log: objects and pages so far."""

    said_at: float = field(default_factory=time.monotonic)

    def listed(self, object_name: str, rows: int, requests: int) -> None:
        super().listed(object_name, rows, requests)
        now = time.monotonic()
        if now - self.said_at >= SECONDS:
            self.said_at = now
            objects = sum(line.rows for line in self.lines.values())
            pages = sum(line.requests for line in self.lines.values())
            own = self.lines[object_name]
            self.tell(
                f"pulled {objects:,} objects in {pages:,} pages so far; {object_name}:"
                f" {own.rows:,} in {own.requests:,}"
            )
