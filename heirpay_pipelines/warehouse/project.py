"""Where the dbt project is, and the environment that it runs in."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from heirpay_pipelines.duck import MEMORY_LIMIT
from heirpay_pipelines.host.spill import spill_limit
from heirpay_pipelines.shipped import DBT_PROJECT

PROJECT_DIR = DBT_PROJECT

WITHOUT_TESTS = ("--exclude-resource-type", "test")
"""What a night tells `dbt build`: dbt's own tests are for CI (docs/decisions/0002)."""

PARSED = (".sql", ".yml", ".yaml", ".csv", ".md")


@cache
def documented_models() -> tuple[tuple[Path, dict[str, Any]], ...]:
    """Every model that the project's YAML describes, and the file that describes it."""
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    return tuple(
        (path, model)
        for path in sorted((PROJECT_DIR / "models").rglob("*.yml"))
        for model in (yaml.load(path.read_bytes(), Loader=loader) or {}).get("models", [])  # noqa: S506
    )


def project_fingerprint() -> str:
    """A digest of everything that dbt reads of the project: it changes when a model does."""
    digest = hashlib.sha256()
    for path in sorted(PROJECT_DIR.rglob("*")):
        if path.suffix in PARSED and path.is_file():
            digest.update(str(path.relative_to(PROJECT_DIR)).encode() + path.read_bytes())
    return digest.hexdigest()


LARGE_LANDING_BYTES = 1_000_000_000


def model_threads(landing: Path) -> int:
    """How many models are built at a time. Of a large landing one: two would share the memory."""
    size = sum(file.stat().st_size for file in landing.rglob("*.parquet"))
    return 1 if size > LARGE_LANDING_BYTES else 2


@dataclass(frozen=True)
class BuildRequest:
    """One build of the warehouse: where it is built, and as of when.

    `as_of` is naive UTC. `work_dir` holds what dbt itself writes (target, logs, spill files).
    """

    database: Path
    work_dir: Path
    run_id: str
    as_of: datetime
    timezone: str = "UTC"
    reporting_currency: str = "usd"
    encryption_key: str | None = None
    memory_limit: str = MEMORY_LIMIT
    threads: int = 2

    def variables(self) -> dict[str, str]:
        """The dbt vars of this build: those that do not change from night to night, so that dbt
        parses the project once."""
        return {"timezone": self.timezone, "reporting_currency": self.reporting_currency}

    def environment(self) -> dict[str, str]:
        """The environment variables that `dbt/profiles.yml` and dbt itself read."""
        environment = {
            "DBT_PROJECT_DIR": str(PROJECT_DIR),
            "DBT_PROFILES_DIR": str(PROJECT_DIR),
            "DBT_BUILD_DATABASE": str(self.database),
            "DBT_AS_OF": self.as_of.isoformat(),
            "DBT_RUN_ID": self.run_id,
            "DBT_MEMORY_LIMIT": self.memory_limit,
            "DBT_TEMP_DIRECTORY": str(self.work_dir / "spill"),
            "DBT_SPILL_LIMIT": spill_limit(self.work_dir),
            "DBT_THREADS": str(self.threads),
            "DBT_TARGET_PATH": str(self.work_dir / "target"),
            "DBT_LOG_PATH": str(self.work_dir / "logs"),
            # Half of dbt's own time goes into the debug lines of a night that nobody reads.
            "DBT_LOG_LEVEL_FILE": "info",
            "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
        }
        if self.encryption_key:
            # dbt masks the values of variables of this prefix wherever it prints.
            environment["DBT_ENV_SECRET_ENCRYPTION_KEY"] = self.encryption_key
        return environment
