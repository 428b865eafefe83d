"""Progress in the terminal: a live table, or plain lines where nobody watches."""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.live import Live
from rich.table import Table

from heirpay_pipelines.gateways.coverage import Coverage
from heirpay_pipelines.text.shown import one_line


@dataclass
class Line:
    """One resource on the screen."""

    rows: int = 0
    requests: int = 0
    left: int | None = None
    status: str = "…"
    began: float = field(default_factory=time.monotonic)
    ended: float | None = None

    @property
    def seconds(self) -> float:
        return max((self.ended or time.monotonic()) - self.began, 0.001)

    def time_left(self) -> str:
        if self.ended is not None or not self.left or not self.rows:
            return ""
        return f"{math.ceil(self.left / (self.rows / self.seconds))} s"


@dataclass
class TerminalProgress:
    """Objects, rate, limit and time left of each resource; final figures stay on the screen. Each
    finished resource is also told to `tell`, such as a run's log."""

    tell: Callable[[str], object]
    console: Console = field(default_factory=lambda: Console(file=sys.stderr))
    lines: dict[str, Line] = field(default_factory=dict)
    limits: tuple[float, float] = (math.inf, math.inf)
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
            self.console.print(self.summary())

    def started(self, limits: tuple[float, float]) -> None:
        self.limits = limits

    def listed(self, object_name: str, rows: int, requests: int) -> None:
        line = self.lines.setdefault(object_name, Line())
        line.rows += rows
        line.requests += requests

    def left(self, object_name: str, objects: int) -> None:
        self.lines.setdefault(object_name, Line()).left = objects

    def done(self, coverage: Coverage) -> None:
        line = self.lines.setdefault(
            coverage.object_name, Line(rows=coverage.rows, requests=coverage.requests)
        )
        line.status, line.ended = coverage.status, time.monotonic()
        self.tell(
            f"{coverage.endpoint}: {coverage.rows} objects in {coverage.requests} requests,"
            f" {coverage.reason or coverage.status}"
        )

    def note(self, text: str) -> None:
        self.tell(text)
        self.console.print(one_line(text), highlight=False, markup=False)

    def summary(self) -> str:
        rows = sum(line.rows for line in self.lines.values())
        requests = sum(line.requests for line in self.lines.values())
        seconds = max(time.monotonic() - self.began, 0.001)
        return (
            f"pulled {rows:,} objects in {requests:,} requests, {seconds:.0f} s"
            f" ({requests / seconds:.0f} of at most {self.limits[0]:.0f} requests a second)"
        )

    def table(self) -> Table:
        table = Table(
            "resource", "objects", "objects/s", "requests/s", "time left", "",
            box=None, caption=self.summary(),
        )  # fmt: skip
        for name in sorted(self.lines):
            line = self.lines[name]
            table.add_row(
                name, f"{line.rows:,}", f"{line.rows / line.seconds:,.0f}",
                f"{line.requests / line.seconds:.1f} of {self.limits[1]:.0f}",
                line.time_left(), line.status,
            )  # fmt: skip
        return table
