"""Which process does a piece of work, so that another can say later whether it still lives.

A process id alone does not say: it is given again, and a machine that was down gives all of them
again. So the id goes with the instant at which the process began (in the kernel's ticks since the
machine started, which no clock changes), with the machine's start and with the container.
"""

from __future__ import annotations

import json
import os
import platform
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path

import psutil

PROC = Path("/proc")
ENDED = (b"Z", b"X")
"""States of a process that has ended, also when nobody has taken note of its end yet."""


@dataclass(frozen=True)
class Process:
    """One process of one machine (`host`), since its start (`boot`), in one container
    (`namespace`). `began` is compared, never read as a time."""

    host: str
    boot: str
    namespace: str
    pid: int
    began: str

    def to_text(self) -> str:
        return json.dumps(asdict(self), sort_keys=True)

    @classmethod
    def from_text(cls, text: str | None) -> Process | None:
        """None for what is no text of `to_text`."""
        try:
            given = json.loads(text or "null")
            return cls(**given) if isinstance(given, dict) else None
        except (TypeError, ValueError):
            return None

    def lives(self) -> bool | None:
        """Whether it is still there; None when that cannot be seen from here: in another container
        or on another machine."""
        if self.host != platform.node():
            return None
        if self.boot != _boot():
            return False
        if self.namespace != _namespace():
            return None
        return _began(self.pid) == self.began


def this_process() -> Process:
    """The process that asks."""
    pid = os.getpid()
    return Process(platform.node(), _boot(), _namespace(), pid, _began(pid) or "")


@cache
def _boot() -> str:
    try:
        return (PROC / "sys/kernel/random/boot_id").read_text().strip()
    except OSError:  # not Linux
        return str(round(psutil.boot_time()))


@cache
def _namespace() -> str:
    try:
        return os.readlink(PROC / "self/ns/pid")  # noqa: PTH115 - not a path: pid:[4026531836]
    except OSError:
        return ""


def _began(pid: int) -> str | None:
    """When the process of that id began; None when there is none, or it has ended."""
    try:
        # The second field is the program's name in parentheses, which may hold anything.
        fields = (PROC / str(pid) / "stat").read_bytes().rpartition(b")")[2].split()
    except OSError:
        return None if PROC.joinpath("self/stat").exists() else _began_elsewhere(pid)
    return None if fields[0] in ENDED else fields[19].decode()


def _began_elsewhere(pid: int) -> str | None:
    """As `_began` where there is no /proc."""
    try:
        process = psutil.Process(pid)
        ended = process.status() == psutil.STATUS_ZOMBIE
        return None if ended else str(process.create_time())
    except psutil.Error:
        return None
