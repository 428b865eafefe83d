"""Every setting, validated once.

Settings come from environment variables and from a `.env` file in the working folder. A name
that begins with `HEIRPAY_` and is not known is an error, so that a typo never becomes a default.
"""

from __future__ import annotations

import hashlib
import os
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Self
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, available_timezones

from pydantic import Field, SecretStr, StringConstraints, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from heirpay_pipelines.at_rest import EncryptionKeyError, KeyedPath, keyed, require_key
from heirpay_pipelines.currencies import exponents
from heirpay_pipelines.host.env_file import ENV_FILE, LIVE_KEY, EnvFileError, read_env_file
from heirpay_pipelines.host.home_folder import HomeError, require_own_home, require_state
from heirpay_pipelines.host.home_format import require_known_format
from heirpay_pipelines.sandbox import SANDBOX_KEY
from heirpay_pipelines.text.nearest import did_you_mean

LOOPBACK = {"127.0.0.1", "localhost", "::1"}
STRIPE_API = "https://api.stripe.com"
DEFAULT_UI = "http://127.0.0.1:3000"


BASE = "STRIPE_API_BASE"


def is_stripes(base: str) -> bool:
    """Whether an address is that of Stripe's own API."""
    url = urlsplit(base)
    return url.scheme == "https" and url.netloc == urlsplit(STRIPE_API).netloc


class SettingsError(Exception):
    """A setting is missing, unknown or wrong. The message names the variable and what to do."""

    exit_code = 2


def payment_id(project: str, operation: str, tool: str, step: int) -> str:
    """`PAYMENT.<PROJECT>.<OPERATION>.<TOOL>.20000.<STEP>` (DOMAIN.md, "Identifiers")."""
    return f"PAYMENT.{project}.{operation}.{tool}.20000.{step:03d}".upper()


def given_settings() -> dict[str, str]:
    """What is set: the environment, and beneath it the `.env` of the working folder."""
    try:
        return {**read_env_file(Path(ENV_FILE)), **os.environ}
    except EnvFileError as error:
        raise SettingsError(str(error)) from None


def _words(fault: Any) -> str:
    """What is wrong with one value, without the value: it may be a secret."""
    if fault["type"] == "string_pattern_mismatch":
        return f"must match {fault['ctx']['pattern']}"
    return str(fault["msg"]).removeprefix("Value error, ").rstrip(".") + "."


class Settings(BaseSettings):
    """The product's settings; one attribute for each variable of the public contract."""

    model_config = SettingsConfigDict(extra="ignore", frozen=True, env_ignore_empty=True)

    stripe_api_key: SecretStr | None = Field(None, alias="STRIPE_API_KEY")
    stripe_api_base: str = Field(STRIPE_API, alias="STRIPE_API_BASE")
    stripe_webhook_secret: SecretStr | None = Field(None, alias="STRIPE_WEBHOOK_SECRET")
    stripe_write_key: SecretStr | None = Field(None, alias="STRIPE_WRITE_KEY")
    home: Path = Field(Path("var"), alias="HEIRPAY_HOME")
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
    advisories: str | None = Field(None, alias="HEIRPAY_ADVISORIES")

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

    @field_validator("advisories")
    @classmethod
    def _an_advisory_source(cls, value: str | None) -> str | None:
        """An OSV address that pip-audit asks; plain http for loopback only."""
        if value is None:
            return None
        url = urlsplit(value)
        plain = url.scheme == "http" and url.hostname in LOOPBACK
        if not url.hostname or "@" in url.netloc or not (url.scheme == "https" or plain):
            raise ValueError("use the https address of an OSV service; http only for loopback")
        return value

    @field_validator("stripe_api_base")
    @classmethod
    def _plain_http_only_on_loopback(cls, value: str) -> str:
        url = urlsplit(value)
        if url.scheme == "https" and url.hostname:
            return value.rstrip("/")
        if url.scheme == "http" and url.hostname in LOOPBACK:
            return value.rstrip("/")
        raise ValueError("use https://…; plain http is allowed only for loopback")

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

    @field_validator("home", "bank_statements")
    @classmethod
    def _absolute(cls, value: Path | None) -> Path | None:
        return value.expanduser().resolve() if value else None

    @classmethod
    def load(
        cls, *, any_key: bool = False, any_home: bool = False, any_format: bool = False
    ) -> Self:
        """Read the environment and `.env`; raise SettingsError naming the variable at fault.

        The encryption key must be the one that the home was written with, unless `any_key`; the
        home must be this user's, or one that this user can make, unless `any_home`; it must be
        whole and of a format that this release knows, unless `any_format`.
        """
        merged = given_settings()
        known = {str(field.alias) for field in cls.model_fields.values()}
        for name in merged:
            if name.startswith("HEIRPAY_") and name not in known:
                raise SettingsError(
                    f"{name} is not a setting.{did_you_mean(name, known)} Correct the name or"
                    f" unset it. Known: {', '.join(sorted(known))}."
                )
        try:
            settings = cls(**{k: v for k, v in merged.items() if k in known and v != ""})  # type: ignore[arg-type]
        except ValidationError as error:
            # The value itself is left out: it may be a secret.
            faults = "; ".join(f"{e['loc'][0]}: {_words(e)}" for e in error.errors())
            raise SettingsError(f"A setting is wrong: {faults}") from None
        settings._refuse_to_send_a_live_key_away()
        if not any_home:
            try:
                require_own_home(settings.home)
            except HomeError as error:
                raise SettingsError(f"HEIRPAY_HOME: {error}") from None
        if not any_format:
            try:
                require_known_format(settings.home)
            except HomeError as error:
                raise SettingsError(str(error)) from None
        if not any_key:
            try:
                require_key(settings.state_file, settings.key)
                require_state(settings.home)
            except (EncryptionKeyError, HomeError) as error:
                raise SettingsError(str(error)) from None
        return settings

    def _refuse_to_send_a_live_key_away(self) -> None:
        """A `.env` lies in whatever folder a command is started in, also in one that somebody else
        has filled: it does not say where a live key goes. The process's own environment may."""
        if is_stripes(self.stripe_api_base) or BASE in os.environ:
            return
        host = urlsplit(self.stripe_api_base).hostname
        for name in ("stripe_api_key", "stripe_write_key"):
            if LIVE_KEY.search(self.secret(name) or ""):
                alias = type(self).model_fields[name].alias
                raise SettingsError(
                    f"{BASE} in {Path(ENV_FILE).absolute()} names {host},"
                    f" and {alias} is a live key: it goes to Stripe only. Remove the line, or set"
                    f" {BASE} in the environment if you mean it."
                )

    @classmethod
    def variables(cls) -> frozenset[str]:
        """The environment variables that settings come from: what a child of ours may inherit."""
        return frozenset(str(field.alias) for field in cls.model_fields.values())

    @property
    def has_own_key(self) -> bool:
        """Whether a key was set; without one, `api_key` is the embedded account's own."""
        return self.stripe_api_key is not None

    @property
    def api_key(self) -> str:
        """The key to call the API with. For the pull step alone: never log or store it."""
        return self.secret("stripe_api_key") or SANDBOX_KEY

    @property
    def key(self) -> str | None:
        """The key that everything at rest is encrypted with; None: nothing is encrypted."""
        return self.secret("encryption_key")

    @property
    def fingerprint(self) -> str:
        """A digest of every setting that is no secret: it changes when one of them does."""
        shown = self.model_dump_json(by_alias=True)  # secrets are stars in it
        return hashlib.sha256(shown.encode()).hexdigest()

    # Where things are. Everything the pipeline writes lies under `home`.
    @property
    def landing_dir(self) -> Path:
        return self.home / "landing"

    @property
    def warehouse_dir(self) -> Path:
        return self.home / "warehouse"

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
        return keyed(self.home / "state" / "heirpay.sqlite", self.key)

    @property
    def evidence_key(self) -> Path:
        """The private key that evidence folders are signed with."""
        return self.home / "state" / "evidence.key"

    @property
    def reports_dir(self) -> Path:
        return self.home / "reports"

    @property
    def proposals_dir(self) -> Path:
        """Proposals to block, as the second person reads them."""
        return self.home / "proposals"

    @property
    def notices_dir(self) -> Path:
        """Drafts for a regulator, for a person to complete and send."""
        return self.home / "notices"

    def report_folder(self, day: date) -> Path:
        """The report of a night, by its as-of date in the reporting time zone."""
        return self.reports_dir / day.isoformat()

    @property
    def dagster_home(self) -> Path:
        return self.home / "dagster"

    @property
    def ui_file(self) -> Path:
        """Where `heirpay ui` says, while it runs, at which address."""
        return self.dagster_home / "ui_url"

    @property
    def ui_token(self) -> Path:
        """What the link to the UI carries; in the folder of the state, for its owner only."""
        return self.home / "state" / "ui.token"

    @property
    def ui_url(self) -> str:
        """Dagster's UI: where colleagues reach it, else where it runs now, or would by default."""
        if self.public_url:
            return self.public_url
        return self.ui_file.read_text() if self.ui_file.is_file() else DEFAULT_UI

    @property
    def bank_dir(self) -> Path:
        return self.bank_statements or self.home / "bank"

    @property
    def account_mapping(self) -> Path:
        """The user's chart of accounts; the project's own holds where there is no such file."""
        return self.home / "account_mapping.csv"

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.timezone)

    def secret(self, name: str) -> str | None:
        """The plain value of a secret setting, for the one place that needs it."""
        value = getattr(self, name)
        return value.get_secret_value() if isinstance(value, SecretStr) else None
