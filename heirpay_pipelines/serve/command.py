"""`heirpay mcp`: the MCP server on stdio, or over HTTP on loopback."""

from __future__ import annotations

import click

from heirpay_pipelines.settings import Settings
from heirpay_pipelines.text.shown import say

LOOPBACK = "127.0.0.1"


@click.command()
@click.option("--http", is_flag=True, help="HTTP on loopback instead of stdio.")
@click.option("--port", default=8788, show_default=True, type=click.IntRange(1, 65535))
def mcp(http: bool, port: int) -> None:
    """Serve the published figures, breaks and incidents to MCP clients. It changes no figure.

    \b
    stdio   {"command": "heirpay", "args": ["mcp"]}
    HTTP    http://127.0.0.1:8788/mcp with the token of HEIRPAY_HOME/state/mcp.token
    """
    from heirpay_pipelines.serve.server import build_server

    settings = Settings.load()
    server = build_server(settings)
    if not http:
        server.run("stdio")
        return
    from heirpay_pipelines.at_rest.tokens import read_or_make_token
    from heirpay_pipelines.host.http_door import listen, serve
    from heirpay_pipelines.serve.token import RequireToken, token_file

    listening = listen(LOOPBACK, port)
    app = server.streamable_http_app(host=LOOPBACK, stateless_http=True)
    say(f"http://{LOOPBACK}:{port}/mcp, token in {token_file(settings.folder)}", err=True)
    guarded = RequireToken(app, read_or_make_token(token_file(settings.folder)))
    serve(guarded, [listening], ws="none")
