"""Progress in the terminal: a live table, or plain lines where nobody watches."""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.live import Live
from rich.table import Table

from heirpay_pipelines.pull.coverage import Coverage


@dataclass
class TerminalProgress:
    """Objects, requests and rate of each resource; final figures stay on the screen."""

    console: Console = field(default_factory=lambda: Console(file=sys.stderr))
    rows: dict[str, int] = field(default_factory=dict)
    requests: dict[str, int] = field(default_factory=dict)
    finished: dict[str, str] = field(default_factory=dict)
    began: float = field(default_factory=time.monotonic)
    _live: Live | None = None

    def __enter__(self) -> Self:
        if self.console.is_terminal:
            self._live = Live(console=self.console, get_renderable=self.table, refresh_per_second=4)
            self._live.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._live is not None:
            self._live.stop()
        else:
            seconds = time.monotonic() - self.began
            self.console.print(
                f"pulled {sum(self.rows.values())} objects"
                f" in {sum(self.requests.values())} requests, {seconds:.0f} s"
            )

    def listed(self, object_name: str, rows: int, requests: int) -> None:
        self.rows[object_name] = self.rows.get(object_name, 0) + rows
        self.requests[object_name] = self.requests.get(object_name, 0) + requests

    def done(self, coverage: Coverage) -> None:
        self.finished[coverage.object_name] = coverage.status
        self.rows.setdefault(coverage.object_name, coverage.rows)
        self.requests.setdefault(coverage.object_name, coverage.requests)

    def table(self) -> Table:
        table = Table("resource", "objects", "objects/s", "requests", "", box=None)
        seconds = max(time.monotonic() - self.began, 0.001)
        for name in sorted(self.rows):
            rate = self.rows[name] / seconds
            table.add_row(
                name, f"{self.rows[name]:,}", f"{rate:,.0f}", f"{self.requests[name]:,}",
                self.finished.get(name, "…"),
            )  # fmt: skip
        return table
