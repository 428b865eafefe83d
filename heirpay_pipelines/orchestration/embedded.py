"""The embedded account as a process of its own, served over HTTP like the real one."""

from __future__ import annotations

import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from heirpay_pipelines.host.child_environment import child_environment
from heirpay_pipelines.host.with_parent import with_parent
from heirpay_pipelines.sandbox import SANDBOX_KEY

START_SECONDS = 60


@dataclass(frozen=True)
class EmbeddedAccount:
    base_url: str
    key: str


@contextmanager
def serve_account(
    bank_statements: Path, *options: str, key: str = SANDBOX_KEY
) -> Iterator[EmbeddedAccount]:
    """Serve the embedded account on a free loopback port until the block ends.

    `options` are those of `heirpay sandbox serve`; `key` is the one that the account accepts.
    Its bank's statements are written to the folder, as a bank would deliver them.
    Raises RuntimeError when it does not answer in time.
    """
    port = _free_port()
    command = with_parent("heirpay_pipelines", "sandbox", "serve")
    command += ["--port", str(port), "--bank-statements", str(bank_statements), "--key", key]
    process = subprocess.Popen(  # noqa: S603
        [*command, *options],
        stdout=subprocess.DEVNULL,
        env=child_environment(),
        start_new_session=True,  # Ctrl-C is ours: we end it
    )
    try:
        account = EmbeddedAccount(f"http://127.0.0.1:{port}", key)
        _wait_until_it_answers(account, process)
        yield account
    finally:
        process.terminate()
        process.wait(timeout=10)


def _free_port() -> int:
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait_until_it_answers(account: EmbeddedAccount, process: subprocess.Popen[bytes]) -> None:
    request = urllib.request.Request(  # noqa: S310 - loopback
        f"{account.base_url}/v1/account", headers={"Authorization": f"Bearer {account.key}"}
    )
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            with urllib.request.urlopen(request, timeout=5):  # noqa: S310
                return
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            time.sleep(0.1)
    raise RuntimeError("The embedded account did not start; try `heirpay sandbox serve` by hand.")
