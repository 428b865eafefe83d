"""An installation of the product for tests: the embedded account over HTTP, and a home."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from heirpay_pipelines.duck import connect
from heirpay_pipelines.orchestration.embedded import EmbeddedAccount
from heirpay_pipelines.settings import Settings

NOW = "2026-11-01T00:00:00+00:00"
"""The embedded account's clock in tests: the same on every day on which they run."""

KEY = "rk_live_embedded_account"
"""A live key: the pull then spends a live account's limits, four times a sandbox's."""


@dataclass(frozen=True)
class Installation:
    """One HEIRPAY_HOME with an account to pull, driven through the command line."""

    home: Path
    account: EmbeddedAccount
    extra: tuple[tuple[str, str], ...] = ()

    @property
    def environment(self) -> dict[str, str]:
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("HEIRPAY_", "STRIPE_"))}
        return kept | {
            "HEIRPAY_HOME": str(self.home),
            "STRIPE_API_BASE": self.account.base_url,
            "STRIPE_API_KEY": self.account.key,
            **dict(self.extra),
        }

    @property
    def settings(self) -> Settings:
        return Settings(HEIRPAY_HOME=self.home, **dict(self.extra))

    def heirpay(
        self, *arguments: str, timeout: float = 600, **environment: str
    ) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "heirpay_pipelines", *arguments],
            env=self.environment | environment,
            cwd=self.home,
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )

    def rows(self, sql: str) -> list[tuple[object, ...]]:
        settings = self.settings
        with connect(settings.warehouse, settings.key, read_only=True) as connection:
            return connection.execute(sql).fetchall()
