"""Every setting, validated once.

Settings come from environment variables and from a `.env` file in the working folder. A name
that begins with `HEIRPAY_` and is not known is an error, so that a typo never becomes a default.
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from heirpay_pipelines.at_rest import EncryptionKeyError, require_key
from heirpay_pipelines.home import Home, SettingsError
from heirpay_pipelines.host.env_file import ENV_FILE, LIVE_KEY, EnvFileError, read_env_file
from heirpay_pipelines.host.home_folder import HomeError, require_own_home, require_state
from heirpay_pipelines.host.home_format import require_known_format
from heirpay_pipelines.host.loopback import LOOPBACK
from heirpay_pipelines.sandbox import SANDBOX_KEY
from heirpay_pipelines.text.nearest import did_you_mean

STRIPE_API = "https://api.stripe.com"
BASE = "STRIPE_API_BASE"


def is_stripes(base: str) -> bool:
    """Whether an address is that of Stripe's own API."""
    url = urlsplit(base)
    return url.scheme == "https" and url.netloc == urlsplit(STRIPE_API).netloc


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


class Settings(Home, BaseSettings):
    """The home, and beside it what the gateway is reached with. Only the commands, Dagster's job
    and the factory of a gateway's account read it; the packages are given a `Home`."""

    model_config = SettingsConfigDict(extra="ignore", frozen=True, env_ignore_empty=True)

    stripe_api_key: SecretStr | None = Field(None, alias="STRIPE_API_KEY")
    stripe_api_base: str = Field(STRIPE_API, alias="STRIPE_API_BASE")
    stripe_webhook_secret: SecretStr | None = Field(None, alias="STRIPE_WEBHOOK_SECRET")
    stripe_write_key: SecretStr | None = Field(None, alias="STRIPE_WRITE_KEY")
    advisories: str | None = Field(None, alias="HEIRPAY_ADVISORIES")

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
                require_own_home(settings.folder)
            except HomeError as error:
                raise SettingsError(f"HEIRPAY_HOME: {error}") from None
        if not any_format:
            try:
                require_known_format(settings.folder)
            except HomeError as error:
                raise SettingsError(str(error)) from None
        if not any_key:
            try:
                require_key(settings.state_file, settings.key)
                require_state(settings.folder)
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
    def fingerprint(self) -> str:
        """A digest of every setting that is no secret: it changes when one of them does."""
        shown = self.model_dump_json(by_alias=True)  # secrets are stars in it
        return hashlib.sha256(shown.encode()).hexdigest()

    def secret(self, name: str) -> str | None:
        """The plain value of a secret setting, for the one place that needs it."""
        value = getattr(self, name)
        return value.get_secret_value() if isinstance(value, SecretStr) else None
