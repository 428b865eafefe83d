"""The home of a company's figures: where everything lies, and how it is read.

What every package needs to know of a run and none of how it was set: that is `settings`. A home
holds no gateway's credentials.
"""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, available_timezones

from pydantic import BaseModel, ConfigDict, Field, SecretStr, StringConstraints, field_validator

from heirpay_pipelines.at_rest import KeyedPath, keyed
from heirpay_pipelines.currencies import exponents
from heirpay_pipelines.text.nearest import did_you_mean

DEFAULT_UI = "http://127.0.0.1:3000"


class SettingsError(Exception):
    """A setting is missing, unknown or wrong. The message names the variable and what to do."""

    exit_code = 2


def payment_id(project: str, operation: str, tool: str, step: int) -> str:
    """`PAYMENT.<PROJECT>.<OPERATION>.<TOOL>.20000.<STEP>` (DOMAIN.md, "Identifiers")."""
    return f"PAYMENT.{project}.{operation}.{tool}.20000.{step:03d}".upper()


class Home(BaseModel):
    """Where everything the pipeline writes lies, with the key that opens it and what the home's
    figures are stated in. One attribute for each variable of the public contract."""

    model_config = ConfigDict(frozen=True)

    folder: Path = Field(Path("var"), alias="HEIRPAY_HOME")
    project: Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,30}$")] = Field(
        "heirpay", alias="HEIRPAY_PROJECT"
    )
    timezone: str = Field("UTC", alias="HEIRPAY_TIMEZONE")
    reporting_currency: Annotated[str, StringConstraints(pattern=r"^[a-z]{3}$")] = Field(
        "usd", alias="HEIRPAY_REPORTING_CURRENCY"
    )
    encryption_key: SecretStr | None = Field(None, alias="HEIRPAY_ENCRYPTION_KEY")
    bank_statements: Path | None = Field(None, alias="HEIRPAY_BANK_STATEMENTS")
    notify: SecretStr | None = Field(None, alias="HEIRPAY_NOTIFY")
    memory_limit: Annotated[str, StringConstraints(pattern=r"^\d+(\.\d+)?(MB|GB)$")] = Field(
        "2.5GB", alias="HEIRPAY_MEMORY_LIMIT"
    )

    public_url: str | None = Field(None, alias="HEIRPAY_PUBLIC_URL")

    @field_validator("public_url")
    @classmethod
    def _an_address(cls, value: str | None) -> str | None:
        """`https://finance.example`, with a path if need be, and no login in it."""
        if value is None:
            return None
        url = urlsplit(value)
        if (
            url.scheme not in ("http", "https")
            or not url.hostname
            or url.query
            or "@" in url.netloc
        ):
            raise ValueError(
                "use the address that colleagues open, such as https://finance.example"
            )
        return value.rstrip("/")

    @field_validator("timezone")
    @classmethod
    def _known_zone(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (KeyError, ValueError, OSError) as error:
            raise ValueError(
                f"not an IANA time zone.{did_you_mean(value, available_timezones())}"
                " Use a name such as Europe/Berlin or UTC"
            ) from error
        return value

    @field_validator("reporting_currency", mode="before")
    @classmethod
    def _lower(cls, value: str) -> str:
        return value.lower()

    @field_validator("reporting_currency")
    @classmethod
    def _known_currency(cls, value: str) -> str:
        if value not in exponents():
            raise ValueError(
                f"{value!r} is no currency of ISO 4217.{did_you_mean(value, exponents())}"
                " Use a code such as usd or eur"
            )
        return value

    @field_validator("notify")
    @classmethod
    def _known_services(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None:
            from heirpay_pipelines.notification_urls import require_known_services

            require_known_services(value.get_secret_value())
        return value

    @field_validator("folder", "bank_statements")
    @classmethod
    def _absolute(cls, value: Path | None) -> Path | None:
        return value.expanduser().resolve() if value else None

    @property
    def key(self) -> str | None:
        """The key that everything at rest is encrypted with; None: nothing is encrypted."""
        return self.encryption_key.get_secret_value() if self.encryption_key else None

    # Where things are. Everything the pipeline writes lies under `folder`.
    @property
    def landing_dir(self) -> Path:
        return self.folder / "landing"

    @property
    def warehouse_dir(self) -> Path:
        return self.folder / "warehouse"

    @property
    def warehouse(self) -> Path:
        """The published DuckDB file."""
        return self.warehouse_dir / "heirpay.duckdb"

    def recomputed_night(self, day: date) -> Path:
        """A past night that was computed again, by its as-of date in the reporting time zone."""
        return self.warehouse_dir / "nights" / f"{day.isoformat()}.duckdb"

    @property
    def state_file(self) -> KeyedPath:
        """The one transactional SQLite file, with the key that opens it."""
        return keyed(self.folder / "state" / "heirpay.sqlite", self.key)

    @property
    def evidence_key(self) -> Path:
        """The private key that evidence folders are signed with."""
        return self.folder / "state" / "evidence.key"

    @property
    def reports_dir(self) -> Path:
        return self.folder / "reports"

    @property
    def proposals_dir(self) -> Path:
        """Proposals to block, as the second person reads them."""
        return self.folder / "proposals"

    @property
    def notices_dir(self) -> Path:
        """Drafts for a regulator, for a person to complete and send."""
        return self.folder / "notices"

    def report_folder(self, day: date) -> Path:
        """The report of a night, by its as-of date in the reporting time zone."""
        return self.reports_dir / day.isoformat()

    @property
    def dagster_home(self) -> Path:
        return self.folder / "dagster"

    @property
    def ui_file(self) -> Path:
        """Where `heirpay ui` says, while it runs, at which address."""
        return self.dagster_home / "ui_url"

    @property
    def ui_token(self) -> Path:
        """What the link to the UI carries; in the folder of the state, for its owner only."""
        return self.folder / "state" / "ui.token"

    @property
    def ui_url(self) -> str:
        """Dagster's UI: where colleagues reach it, else where it runs now, or would by default."""
        if self.public_url:
            return self.public_url
        return self.ui_file.read_text() if self.ui_file.is_file() else DEFAULT_UI

    @property
    def bank_dir(self) -> Path:
        return self.bank_statements or self.folder / "bank"

    @property
    def account_mapping(self) -> Path:
        """The user's chart of accounts; the project's own holds where there is no such file."""
        return self.folder / "account_mapping.csv"

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.timezone)
