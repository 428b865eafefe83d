"""Who acts: the login that the kernel states, and beside it the name that a person gives.

A variable of the environment (`LOGNAME`, `USER`) says whatever its caller likes, and so does
`--by`. Four eyes are two logins *and* two names: neither alone makes another person.
"""

from __future__ import annotations

import os
import pwd
import re
from pathlib import Path
from typing import Self

PROC = Path("/proc")
NO_LOGIN_UID = 2**32 - 1
"""What the kernel states for a process that no login started (cron, a service, a container)."""

WITH_NAME = re.compile(r"(?P<login>.+?) \((?P<name>.+)\)", re.DOTALL)


class Person(str):
    """A login, and the name given with `--by` in brackets where it is another: `ada (Ada L.)`."""

    __slots__ = ("login", "name")
    login: str
    name: str | None

    def __new__(cls, login: str, name: str | None = None) -> Self:
        given = " ".join(name.split()) if name else ""
        stated = given if given and _folded(given) != _folded(login) else None
        person = super().__new__(cls, f"{login} ({stated})" if stated else login)
        person.login, person.name = login, stated
        return person


def parse(text: str) -> Person:
    """A person as recorded; a name without brackets is a login's, or one of an earlier release."""
    found = WITH_NAME.fullmatch(text)
    return Person(found["login"], found["name"]) if found else Person(text)


def acting(by: str | None = None) -> Person:
    """Whoever runs this command, and the name they give themselves."""
    return Person(login(), by)


def login() -> str:
    """The login that the kernel states: the login uid, else sudo's caller, else the real uid.

    `SUDO_UID` counts only where the parent process is sudo's own: anybody can set a variable.
    """
    uid = _login_uid()
    if uid is None:
        uid = _sudo_caller() if _is_sudo(os.getppid()) else None
    return _name(os.getuid() if uid is None else uid)


def is_same_person(one: str, other: str) -> bool:
    """Whether two people as they are recorded share a login or a name, however it is typed."""
    return bool(names_of(one) & names_of(other))


def names_of(person: str) -> frozenset[str]:
    """The login and the name of a person as recorded, folded: what tells two people apart."""
    who = parse(person)
    return frozenset(_folded(part) for part in (who.login, who.name) if part)


def _folded(name: str) -> str:
    """Neither case nor spaces make another person."""
    return " ".join(name.casefold().split())


def _name(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"uid {uid}"


def _login_uid() -> int | None:
    try:
        uid = int((PROC / "self" / "loginuid").read_text())
    except (OSError, ValueError):
        return None
    return None if uid == NO_LOGIN_UID else uid


def _sudo_caller() -> int | None:
    stated = os.environ.get("SUDO_UID", "")
    return int(stated) if stated.isascii() and stated.isdecimal() else None


def _is_sudo(pid: int) -> bool:
    """Whether a process is sudo and root's in all its ids: su, or another program started under
    the name sudo, keeps its caller's real uid."""
    folder = PROC / str(pid)
    try:
        lines = (folder / "status").read_text().splitlines()
    except OSError:
        return False
    stated = dict(line.split(":\t", 1) for line in lines if ":\t" in line)
    return stated.get("Name") == "sudo" and set(stated.get("Uid", "-").split()) == {"0"}
