"""For each probe, a place where its control passes and one where it fails."""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from importlib.metadata import distributions
from pathlib import Path
from typing import Any

import pytest
from small_build import declared_columns, since
from starlette.applications import Starlette
from starlette.responses import JSONResponse
from starlette.routing import Route
from test_card_numbers import numbers

from heirpay_pipelines.audit import Action, append
from heirpay_pipelines.audit.verify import TRIGGERS
from heirpay_pipelines.controls.probes import abuse
from heirpay_pipelines.controls.waivers import approve_waiver, request_waiver
from heirpay_pipelines.duck import connect
from heirpay_pipelines.gateways.stripe.write_probe import key_id
from heirpay_pipelines.landing.landing import Landing, sha256_of
from heirpay_pipelines.landing.manifest import LandedFile
from heirpay_pipelines.settings import Settings
from heirpay_pipelines.state import State, open_state

AS_OF = datetime(2026, 11, 1, tzinfo=UTC)
NUMBER = numbers(1, seed=1)[0]
LIVE = "rk_live_" + "a1b2c3d4" * 4
KEY = "k" * 40


@dataclass
class Place:
    """A HEIRPAY_HOME and what lies around it, to be made good or bad before a probe looks."""

    home: Path
    patch: pytest.MonkeyPatch
    stack: ExitStack
    mutations: list[str] = field(default_factory=list)
    settings: dict[str, str] = field(default_factory=dict)
    key: str | None = None

    @property
    def loaded(self) -> Settings:
        return Settings(HEIRPAY_HOME=self.home, **self.settings)

    def file(self, name: str, content: bytes | str = b"", mode: int = 0o600) -> Path:
        path = self.home / name
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        path.chmod(mode)
        return path

    def state(self) -> State:
        return self.stack.enter_context(open_state(self.loaded.state_file))

    def log(self, *records: tuple[str, Action, str], at: datetime = AS_OF) -> State:
        state = self.state()
        for actor, action, subject in records:
            append(state, at, actor, action, subject, {})
        return state

    def customer(self, text: str) -> None:
        payload = json.dumps({"id": "cus_2", "description": text})
        self.mutations.append(
            f"insert into landing.customer values ('cus_2', '{payload}', 'pull-2')"
        )


def nothing(_: Place) -> None:
    """As it is."""


def tampered_log(place: Place) -> None:
    state = place.log(("ana", Action.ATTEST, "x"))
    for trigger in TRIGGERS:
        state.connection.execute(f"drop trigger {trigger}")
    state.connection.execute("update audit_log set actor = 'eve'")


def run_of(place: Place, started: datetime, *logged: tuple[str, Action, str]) -> None:
    place.log(*logged).connection.execute(
        "insert into runs (run_id, as_of, started_at, outcome) values ('run-1', ?, ?, 'published')",
        (AS_OF.isoformat(), started.isoformat()),
    )


def listening(host: str) -> Callable[[Place], None]:
    def make(place: Place) -> None:
        place.stack.enter_context(socket.create_server((host, 0)))

    return make


def unasked_pages(place: Place) -> None:
    """A web server that everyone reaches and that asks nobody who they are."""
    from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
    from threading import Thread

    class Everyone(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: Any) -> None: ...

    server = ThreadingHTTPServer(("0.0.0.0", 0), Everyone)
    Thread(target=server.serve_forever, daemon=True).start()
    place.stack.callback(server.server_close)
    place.stack.callback(server.shutdown)


def gullible_endpoint(place: Place) -> None:
    async def take(_: Any) -> JSONResponse:
        return JSONResponse({"outcome": "stored"})

    app = Starlette(routes=[Route(abuse.WEBHOOK_PATH, take, methods=["POST"])])
    place.patch.setattr(abuse, "create_app", lambda *_: app)


def advisories(*vulnerabilities: str) -> Callable[[Place], None]:
    def make(place: Place) -> None:
        listed = [
            {"name": d.metadata["Name"], "version": d.version, "vulns": list(vulnerabilities)}
            for d in distributions()
        ]
        path = place.file("security/advisories.json", json.dumps({"dependencies": listed}))
        os.utime(path, (AS_OF.timestamp(), AS_OF.timestamp()))

    return make


def data_file(key: str | None) -> Callable[[Place], None]:
    def make(place: Place) -> None:
        place.key = KEY
        path = place.file("warehouse/a.duckdb")
        path.unlink()
        with connect(path, key, read_only=False) as connection:
            connection.execute("create table t as select 1 as a")

    return make


def landed(content: bytes) -> Callable[[Place], None]:
    def make(place: Place) -> None:
        digest = sha256_of(place.file("landing/a.parquet", b"one"))
        place.file("landing/a.parquet", content)
        files = {"charge": [LandedFile("a.parquet", "charge", 1, digest)]}
        place.patch.setattr(Landing, "files", lambda *_: files)

    return make


def telemetry(value: str) -> Callable[[Place], None]:
    def make(place: Place) -> None:
        for name in ("DAGSTER_DISABLE_TELEMETRY", "DO_NOT_TRACK"):
            place.patch.setenv(name, value)

    return make


def waiver(until: date) -> Callable[[Place], None]:
    def make(place: Place) -> None:
        state, asked = place.state(), AS_OF - timedelta(days=40)
        request_waiver(state, "invoice_totals", "credited by hand", "ana", until, asked)
        approve_waiver(state, "invoice_totals", "ben", asked)

    return make


def setting(**values: str) -> Callable[[Place], None]:
    return lambda place: place.settings.update(values)


def sql(*mutations: str) -> Callable[[Place], None]:
    return lambda place: place.mutations.extend(mutations)


def both(*parts: Callable[[Place], None]) -> Callable[[Place], None]:
    def make(place: Place) -> None:
        for part in parts:
            part(place)

    return make


def erasure(plan: str) -> Callable[[Place], None]:
    """Somebody's erasure; its plan is gone when it is done."""

    def make(place: Place) -> None:
        place.state().connection.execute(
            "insert into erasures values ('cus_erasedabc', 'contact', '', 'Dana', 'asked',"
            f" null, {plan})"
        )

    return make


ASKED = f"update landing.write_permissions set key_id = '{key_id(LIVE)}'"
ENDPOINT = "insert into state.webhook_endpoint values (1)"
CHANGED = ("ana", Action.SETTINGS_CHANGED, "run")

PASSES: dict[str, Callable[[Place], None]] = {
    "audit_chain": lambda place: place.log(("ana", Action.ATTEST, "x")),
    "card_numbers_in_files": lambda place: place.file("a.log", "nothing here"),
    "card_numbers_in_payloads": nothing,
    "card_numbers_in_tables": nothing,
    "encrypted_at_rest": data_file(KEY),
    "file_modes": lambda place: place.file("a"),
    "known_vulnerabilities": advisories(),
    "landing_unchanged": landed(b"one"),
    "least_privilege_key": both(sql(ASKED), setting(STRIPE_API_KEY=LIVE)),
    "listeners_on_loopback": listening("127.0.0.1"),
    "log_retention": lambda place: run_of(place, AS_OF, ("ana", Action.RUN_CHECKED, "run-1")),
    "no_programs": lambda place: place.file("bank/statement.csv", "date;amount\n"),
    "personal_data_in_files": lambda place: place.file("a.log", "b@c.test is no customer"),
    "personal_data_map": nothing,
    "payload_paths_classified": nothing,
    "erasures_done": erasure("null"),
    "production_key": setting(STRIPE_API_KEY=LIVE),
    "retention_enforced": nothing,
    "risk_acceptances": waiver(AS_OF.date()),
    "run_recorded": lambda place: run_of(place, AS_OF, ("ana", Action.RUN_CHECKED, "run-1")),
    "secrets_in_files": both(setting(STRIPE_API_KEY=LIVE), lambda place: place.file("a.log", "x")),
    "segregation_of_duties": lambda place: place.log(CHANGED, ("ben", Action.MONTH_CLOSED, "10")),
    "telemetry_off": telemetry("1"),
    "tls_settings": nothing,
    "track_data_in_payloads": nothing,
    "verification_codes_in_payloads": nothing,
    "required_values": sql(*declared_columns()),
    "working_keys": sql(*declared_columns()),
    "known_values": sql(*declared_columns()),
    "webhook_abuse": nothing,
    "webhook_secret": both(sql(ENDPOINT), setting(STRIPE_WEBHOOK_SECRET="whsec_abc")),
    "webhook_signatures": setting(STRIPE_WEBHOOK_SECRET="whsec_new,whsec_old"),
    "webserver_access": listening("127.0.0.1"),
}

FAILS: dict[str, Callable[[Place], None]] = {
    "audit_chain": tampered_log,
    "card_numbers_in_files": lambda place: place.file("b.log", f"charging {NUMBER}\n"),
    "card_numbers_in_payloads": lambda place: place.customer(f"my card {NUMBER}"),
    "card_numbers_in_tables": sql(
        f"update staging.stg_stripe__customers set description = 'x {NUMBER}'"
    ),
    "encrypted_at_rest": data_file(None),
    "file_modes": lambda place: place.file("a", mode=0o640),
    "known_vulnerabilities": advisories("PYSEC-1"),
    "landing_unchanged": landed(b"two"),
    "least_privilege_key": setting(STRIPE_API_KEY="sk_live_abc"),
    "listeners_on_loopback": listening("0.0.0.0"),
    "log_retention": lambda place: run_of(
        place, AS_OF - timedelta(days=90), ("ana", Action.RUN_CHECKED, "run-1")
    ),
    "no_programs": lambda place: place.file("bank/statement.csv", b"\x7fELF\x02\x01"),
    "personal_data_in_files": lambda place: place.file("a.log", "told to A@B.test, today"),
    "personal_data_map": sql(
        "alter table staging.stg_stripe__refunds add column customer_email varchar"
    ),
    "payload_paths_classified": sql(
        # Of a customer's own objects every text is taken, whatever its field is called.
        "insert into landing.customer values ('po_2',"
        """ '{"object": "payout", "id": "po_2", "backup": {"email": "a@b.test"}}', 'pull-2')"""
    ),
    "erasures_done": erasure("'{}'"),
    "production_key": setting(STRIPE_API_KEY="rk_test_" + "a" * 9),
    "retention_enforced": sql(*since("2022-06-01")),
    "risk_acceptances": waiver(AS_OF.date() - timedelta(days=1)),
    "required_values": sql(*declared_columns(), "update finance.mrr_monthly set mrr = null"),
    "working_keys": sql(
        *declared_columns(),
        "insert into intermediate.int_ledger select * from intermediate.int_ledger",
    ),
    "known_values": sql(
        *declared_columns(), "update operations.webhook_deliveries set status = 'lost'"
    ),
    "run_recorded": lambda place: run_of(place, AS_OF, ("ana", Action.RUN_CHECKED, "run-0")),
    "secrets_in_files": both(setting(STRIPE_API_KEY=LIVE), lambda place: place.file("a.log", LIVE)),
    "segregation_of_duties": lambda place: place.log(CHANGED, ("ana", Action.MONTH_CLOSED, "10")),
    "telemetry_off": telemetry(""),
    "tls_settings": lambda place: place.patch.setenv("PYTHONHTTPSVERIFY", "0"),
    "track_data_in_payloads": lambda place: place.customer(
        f"%B{NUMBER}^DOE/JANE^29121010000000000?"
    ),
    "verification_codes_in_payloads": lambda place: place.customer("cvv 123"),
    "webhook_abuse": gullible_endpoint,
    "webhook_secret": sql(ENDPOINT),
    "webhook_signatures": sql(ENDPOINT),
    "webserver_access": unasked_pages,
}
