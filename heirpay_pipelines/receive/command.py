"""`heirpay receive`: the webhook endpoint as a process."""

from __future__ import annotations

import click

from heirpay_pipelines.home import SettingsError
from heirpay_pipelines.settings import Settings
from heirpay_pipelines.text.shown import say

OUTSIDE = (
    "heirpay: {host}:{port} is reached from outside, in plain HTTP. Before it must stand a proxy "
    "that ends TLS, passes on POST /webhooks/stripe alone (not /metrics, /health, /openapi.json), "
    "and limits clients by their own address; the firewall lets nobody but the proxy through."
)


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", default=8787, show_default=True, type=click.IntRange(1, 65535))
@click.option(
    "--tolerance",
    default=300,
    show_default=True,
    type=click.IntRange(min=1),
    help="Seconds for which a signature is valid, both ways.",
)
@click.option(
    "--max-body",
    default=1 << 20,
    show_default=True,
    type=click.IntRange(min=1024),
    help="Bytes of one event.",
)
@click.option(
    "--rate",
    default=2_000,
    show_default=True,
    type=click.IntRange(min=1),
    help="Requests a second from one address.",
)
def receive(host: str, port: int, tolerance: int, max_body: int, rate: int) -> None:
    """Receive Stripe's webhooks: POST /webhooks/stripe, /health, /metrics, /openapi.json.

    An event is acknowledged after it is on disk. Plain HTTP: with another --host than loopback
    a proxy with TLS must stand before it.
    """
    from datetime import UTC, datetime

    from heirpay_pipelines.host.http_door import listen, serve
    from heirpay_pipelines.host.loopback import LOOPBACK
    from heirpay_pipelines.receive.app import Bounds, create_app
    from heirpay_pipelines.receive.replay import record_endpoint
    from heirpay_pipelines.receive.signature import Verifier, split_secrets
    from heirpay_pipelines.state import open_state

    settings = Settings.load()
    secrets = split_secrets(settings.secret("stripe_webhook_secret"))
    if not secrets:
        raise SettingsError(
            "STRIPE_WEBHOOK_SECRET is not set: copy the endpoint's signing secret (whsec_…) from "
            "Stripe's dashboard, Developers, Webhooks."
        )
    # Before anything is written, so that a port in use changes nothing.
    listening = listen(host, port)
    if host not in LOOPBACK:
        say(OUTSIDE.format(host=host, port=port), err=True)
    bounds = Bounds(max_body_bytes=max_body, requests_per_second=rate, burst=2 * rate)
    with open_state(settings.state_file) as state:
        record_endpoint(state, f"http://{host}:{port}", datetime.now(UTC))
    app = create_app(settings.state_file, Verifier(secrets, tolerance), bounds)
    serve(app, [listening], loop="uvloop", ws="none")
