"""What listens: every socket of every HeirPay process on this machine, and who may talk to it."""

from __future__ import annotations

import ipaddress
import os
import socket
import ssl
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil

from heirpay_pipelines.controls.probes.given import ProbeInput
from heirpay_pipelines.controls.results import Outcome, judge, not_applicable, not_evaluated

SECONDS = 3.0
PAGES = ("/", "/server_info", "/graphql?query={version}")


@dataclass(frozen=True)
class Listener:
    """One listening socket, and the process that has it."""

    address: str
    port: int
    process: str

    @property
    def is_loopback(self) -> bool:
        ip = ipaddress.ip_address(self.address)
        mapped = getattr(ip, "ipv4_mapped", None)
        return (mapped or ip).is_loopback

    @property
    def reached_at(self) -> str:
        """The address to talk to it from here."""
        return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(self.address, self.address)  # noqa: S104

    def __str__(self) -> str:
        return f"{self.process} on {self.address} port {self.port}"


@dataclass(frozen=True)
class Seen:
    """The listeners found, and processes of ours whose sockets this user may not see."""

    listeners: tuple[Listener, ...]
    hidden: tuple[str, ...]


def listeners_on_loopback(given: ProbeInput) -> Outcome:
    """What listens is bound to loopback, or speaks TLS 1.2 or newer (PCI DSS 1.4.1, 4.2.1)."""
    seen = look(processes())
    exposed = [str(item) for item in seen.listeners if not item.is_loopback and not _is_tls(item)]
    if seen.hidden and not exposed:
        return not_evaluated(f"the sockets of {', '.join(seen.hidden)} are another user's")
    return judge(len(seen.listeners), sorted(exposed), unit="listening sockets")


def webserver_access(given: ProbeInput) -> Outcome:
    """What others can reach answers nobody without credentials (PCI DSS 8.3.1): Dagster's own web
    server knows no users, so it stays on loopback or behind a proxy that asks who comes."""
    seen = look(processes())
    if not seen.listeners and not seen.hidden:
        return not_applicable("no web server of HeirPay is running")
    open_to_all = [str(item) for item in seen.listeners if not item.is_loopback and _answers(item)]
    if seen.hidden and not open_to_all:
        return not_evaluated(f"the sockets of {', '.join(seen.hidden)} are another user's")
    return judge(len(seen.listeners), sorted(open_to_all), unit="listening sockets")


def look(processes: Iterable[psutil.Process]) -> Seen:
    """The listening sockets of some processes."""
    found, hidden = set(), set()
    for process in processes:
        try:
            name = _name(process)
            for one in process.net_connections(kind="inet"):
                if one.status == psutil.CONN_LISTEN:
                    found.add(Listener(one.laddr.ip, one.laddr.port, name))
        except psutil.AccessDenied:
            hidden.add(f"process {process.pid}")
        except (psutil.NoSuchProcess, psutil.ZombieProcess):
            continue
    ordered = sorted(found, key=lambda item: (item.port, item.address, item.process))
    return Seen(tuple(ordered), tuple(sorted(hidden)))


def processes() -> Iterator[psutil.Process]:
    """This process, every other that HeirPay's code runs in, and what those started."""
    known = {os.getpid()}
    yield psutil.Process()
    for process in psutil.process_iter():
        try:
            if not _is_ours(process.cmdline()):
                continue
            family = [process, *process.children(recursive=True)]
        except (psutil.NoSuchProcess, psutil.ZombieProcess, psutil.AccessDenied):
            continue
        for member in family:
            if member.pid not in known:
                known.add(member.pid)
                yield member


def _is_ours(command: list[str]) -> bool:
    """`heirpay …`, `python -m heirpay_pipelines …`, `dagster dev -m heirpay_pipelines…`."""
    return any(
        Path(word).name == "heirpay" or word.split(".")[0] == "heirpay_pipelines"
        for word in command[:12]
    )


def _name(process: psutil.Process) -> str:
    words = [Path(word).name for word in process.cmdline()]
    after = [word for word in words if not word.startswith(("-", "python"))]
    return f"{' '.join(after[:2]) or process.name()} ({process.pid})"[:80]


def _is_tls(item: Listener) -> bool:
    # Whether it speaks TLS is asked, not who it is: it is our own machine.
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        with (
            socket.create_connection((item.reached_at, item.port), SECONDS) as plain,
            context.wrap_socket(plain),
        ):
            return True
    except OSError:
        return False


def _answers(item: Listener) -> bool:
    """Whether a page is given to a caller without credentials."""
    import httpx

    host = f"[{item.reached_at}]" if ":" in item.reached_at else item.reached_at
    for scheme in ("http", "https"):
        for page in PAGES:
            url = f"{scheme}://{host}:{item.port}{page}"
            try:
                # As in _is_tls: our own machine, and nothing is sent.
                answer = httpx.get(url, timeout=SECONDS, verify=False)  # noqa: S501
            except httpx.HTTPError:
                break
            if answer.is_success:
                return True
    return False
