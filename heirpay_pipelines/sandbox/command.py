"""`heirpay sandbox serve`."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import click

from heirpay_pipelines.sandbox import SANDBOX_KEY

DEFAULT_PORT = 12111
MONTHS = 18


def start_of(now: datetime) -> datetime:
    """The first instant of the month, eighteen months before `now`."""
    months = now.year * 12 + now.month - 1 - MONTHS
    return datetime(months // 12, months % 12 + 1, 1, tzinfo=UTC)


@click.group()
def sandbox() -> None:
    """The embedded Stripe account: a company of eighteen months, over HTTP on loopback."""


@sandbox.command()
@click.option("--port", default=DEFAULT_PORT, show_default=True, type=click.IntRange(1, 65535),
              help="Port on 127.0.0.1.")  # fmt: skip
@click.option("--seed", default=1, show_default=True, help="Another seed, another company.")
@click.option("--scale", default=1, show_default=True, help="How many times the customers.")
@click.option(
    "--now", help="The account's clock, ISO 8601 (default: today 00:00 UTC); whole days are lived."
)
@click.option("--start", help="The account's first day, ISO 8601 (default: 18 months before).")
@click.option("--limits", type=click.Choice(["test", "live", "off"]), default="test",
              show_default=True, help="Which of Stripe's rate limits hold.")  # fmt: skip
@click.option("--latency-ms", default=0, show_default=True, help="Added to every request.")
@click.option("--key", default=SANDBOX_KEY, show_default=True, help="The API key it accepts.")
@click.option("--deny", multiple=True, help="A resource the key may not read, such as charges.")
@click.option("--allow-write", multiple=True, help="A resource the restricted key may write.")
@click.option("--write-key", help="A second key, which may write Radar's value lists.")
@click.option("--bulk", type=int, help="So many balance transactions instead of the company.")
@click.option("--bank-statements", type=click.Path(path_type=Path), help="Write them here.")
def serve(
    port: int, seed: int, scale: int, now: str | None, start: str | None, limits: str,
    latency_ms: int, key: str, deny: tuple[str, ...],
    allow_write: tuple[str, ...], write_key: str | None, bulk: int | None,
    bank_statements: Path | None,
) -> None:  # fmt: skip
    """Serve the account until Ctrl-C. The same seed, start and clock give the same account."""
    import socket

    import uvicorn

    from heirpay_pipelines.sandbox.account import open_account, open_bulk_account
    from heirpay_pipelines.sandbox.serving import uvicorn_config

    instant = _instant(now) if now else _today()
    first = _instant(start) if start else start_of(instant)
    listening = socket.create_server(("127.0.0.1", port))
    if bulk is None:
        server = open_account(seed, scale, first, instant, key, limits, latency_ms / 1000)
    else:
        try:
            server = open_bulk_account(bulk, first, instant, key, limits, latency_ms / 1000)
        except ValueError as error:
            raise click.BadParameter(str(error), param_hint="--bulk") from None
    server.api.denied = frozenset(deny)
    server.api.writable = frozenset(allow_write)
    if write_key is not None:
        server.api.keys |= {write_key}
        server.api.write_keys = frozenset({write_key})
    if bank_statements is not None:
        from heirpay_pipelines.sandbox.bank import write_bank_statements

        write_bank_statements(server.api.store, bank_statements)
    store = server.api.store
    click.echo(f"Account  {store.account_id}, as of {instant:%Y-%m-%d %H:%M} UTC")
    click.echo("Objects  " + ", ".join(f"{len(store.all(t))} {t}" for t in store.types()))
    click.echo(f"Pull it  STRIPE_API_BASE=http://127.0.0.1:{port} STRIPE_API_KEY={key} heirpay run")
    with suppress(KeyboardInterrupt):  # uvicorn raises it once more when it has ended
        uvicorn.Server(uvicorn_config(server)).run(sockets=[listening])


@sandbox.command()
@click.argument("url")
@click.option("--secret", required=True, envvar="STRIPE_WEBHOOK_SECRET", help="Signs the events.")
@click.option("--account", default=f"http://127.0.0.1:{DEFAULT_PORT}", show_default=True,
              help="Where the embedded account is served.")  # fmt: skip
@click.option("--key", default=SANDBOX_KEY, show_default=True, help="The account's API key.")
@click.option("--days", default=1, show_default=True, help="The events of so many last days.")
@click.option("--duplicates", default=0.0, show_default=True, help="The share sent twice.")
@click.option("--drop", default=0.0, show_default=True, help="The share never sent.")
@click.option("--shuffle", is_flag=True, help="In any order.")
def deliver(
    url: str, secret: str, account: str, key: str, days: int, duplicates: float, drop: float,
    shuffle: bool,
) -> None:  # fmt: skip
    """Deliver the served account's events to a webhook endpoint at URL, signed as Stripe does."""
    from heirpay_pipelines.sandbox import webhooks
    from heirpay_pipelines.sandbox.reading import events_of

    events = events_of(account, key, days)
    done = webhooks.deliver(
        events, url, secret, duplicates=duplicates, drop=drop, shuffle=shuffle
    )  # fmt: skip
    click.echo(f"{done.sent} sent, {done.accepted} accepted, {len(done.dropped)} dropped")
    if done.accepted < done.sent:
        raise click.ClickException(f"Not all were accepted; answers by status: {done.statuses}")


def _instant(text: str) -> datetime:
    try:
        value = datetime.fromisoformat(text)
    except ValueError:
        raise click.BadParameter(f"{text!r} is not an ISO 8601 instant.") from None
    return value.replace(tzinfo=value.tzinfo or UTC)


def _today() -> datetime:
    now = datetime.now(UTC)
    return now - timedelta(
        hours=now.hour, minutes=now.minute, seconds=now.second, microseconds=now.microsecond
    )
