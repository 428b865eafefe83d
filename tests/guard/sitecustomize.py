"""Imported by every Python process that has this folder on its PYTHONPATH: notes each address that
the process resolves or connects to in PYTHON_SOCKET_GUARD_LOG, and refuses all but
PYTHON_SOCKET_GUARD_ALLOWED (host:port, comma separated). Children of ours inherit names that begin
so."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

LOG = Path(os.environ["PYTHON_SOCKET_GUARD_LOG"])
ALLOWED = set(os.environ["PYTHON_SOCKET_GUARD_ALLOWED"].split(","))


def guard(event: str, arguments: tuple[Any, ...]) -> None:
    if event in ("socket.connect", "socket.sendto", "socket.sendmsg"):
        address = arguments[1]
    elif event == "socket.getaddrinfo":
        address = arguments[:2]
    else:
        return
    if not isinstance(address, tuple) or len(address) < 2 or address[0] is None:
        return  # a socket of this machine, or no address to send to
    host = address[0].decode() if isinstance(address[0], bytes) else address[0]
    where = f"{host}:{address[1]}"
    with LOG.open("a") as log:
        log.write(f"{event} {where} {Path(sys.argv[0]).name if sys.argv else ''}\n")
    if where not in ALLOWED:
        raise PermissionError(f"the socket guard refuses {where}")


sys.addaudithook(guard)
