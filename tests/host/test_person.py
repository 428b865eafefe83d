"""Who acts is what the kernel states; a name that is given stands beside it."""

from __future__ import annotations

import json
import os
import pwd
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from heirpay_pipelines.audit import Action, append
from heirpay_pipelines.host import person
from heirpay_pipelines.host.person import Person, acting, is_same_person, login, parse
from heirpay_pipelines.state.database import open_state

ME = pwd.getpwuid(os.getuid()).pw_name
NOBODY = pwd.getpwnam("nobody")
ROOT_IDS, SU_IDS = "0\t0\t0\t0", f"{NOBODY.pw_uid}\t0\t0\t0"


@pytest.fixture
def proc(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A /proc in which no login started the process, and its parent is a shell."""
    monkeypatch.setattr(person, "PROC", tmp_path)
    (tmp_path / "self").mkdir()
    (tmp_path / "self" / "loginuid").write_text(str(person.NO_LOGIN_UID))
    parent(tmp_path, "bash", ROOT_IDS)
    for name in ("SUDO_UID", "SUDO_USER"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


def parent(proc: Path, name: str, uids: str) -> None:
    folder = proc / str(os.getppid())
    folder.mkdir(exist_ok=True)
    (folder / "status").write_text(f"Name:\t{name}\nPid:\t1\nUid:\t{uids}\n")


def test_no_variable_of_the_environment_names_the_actor() -> None:
    script = "from heirpay_pipelines.host.person import login; print(login())"
    named = dict.fromkeys(("LOGNAME", "USER", "LNAME", "USERNAME", "SUDO_USER"), "eve")
    said = subprocess.run(
        [sys.executable, "-c", script],
        env={**os.environ, **named, "SUDO_UID": str(NOBODY.pw_uid)},
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert said.stdout.strip() == login() != NOBODY.pw_name


def test_the_login_uid_comes_first(proc: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (proc / "self" / "loginuid").write_text(str(NOBODY.pw_uid))
    parent(proc, "sudo", ROOT_IDS)
    monkeypatch.setenv("SUDO_UID", "0")
    assert login() == "nobody"


@pytest.mark.parametrize(
    ("name", "uids", "stated", "expected"),
    [
        ("sudo", ROOT_IDS, str(NOBODY.pw_uid), "nobody"),
        ("bash", ROOT_IDS, str(NOBODY.pw_uid), ME),  # anybody can set a variable
        ("sudo", SU_IDS, str(NOBODY.pw_uid), ME),  # su under another name
        ("sudo", f"{NOBODY.pw_uid}\t" * 3 + str(NOBODY.pw_uid), str(NOBODY.pw_uid), ME),
        ("sudo", ROOT_IDS, "eve", ME),
        ("sudo", ROOT_IDS, "", ME),
        ("sudo", ROOT_IDS, "4200042", "uid 4200042"),  # an account that is gone
    ],
)
def test_sudo_names_its_caller_only_where_it_is_the_parent(
    proc: Path, monkeypatch: pytest.MonkeyPatch, name: str, uids: str, stated: str, expected: str
) -> None:
    parent(proc, name, uids)
    monkeypatch.setenv("SUDO_UID", stated)
    assert login() == expected


def test_without_a_proc_the_real_uid_counts(proc: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(person, "PROC", proc / "gone")
    monkeypatch.setenv("SUDO_UID", str(NOBODY.pw_uid))
    assert login() == ME


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (Person("root"), Person("root", "Root")),
        (Person("root"), Person("root", "Grace")),  # another name is not another login
        (Person("ada", "Countess"), Person("grace", " COUNTESS ")),  # nor the other way round
        (Person("ada"), Person("grace", "Ada")),
        ("Ada", Person("ada")),  # as an earlier release wrote it
    ],
)
def test_neither_a_login_nor_a_name_alone_makes_another_person(one: str, other: str) -> None:
    assert is_same_person(one, other)
    assert is_same_person(str(other), str(one)), "as they are stored"


def test_two_logins_with_two_names_are_two_people() -> None:
    assert not is_same_person(Person("ada", "A."), Person("grace", "G."))
    assert not is_same_person("ada", "grace")


def test_the_name_is_recorded_beside_the_login(tmp_path: Path) -> None:
    with open_state(tmp_path / "state.sqlite") as state:
        for who in (acting("Grace\nHopper"), str(acting("Grace Hopper")), "nightly"):
            append(state, datetime.now(UTC), who, Action.QUERY, "x", {})
        rows = state.rows("select actor, detail from audit_log order by sequence")
    found = [(row["actor"], json.loads(row["detail"])) for row in rows]
    beside = (login(), {"by": "Grace Hopper"})
    assert found == [beside, beside, ("nightly", {})]
    assert parse(str(acting("Grace"))) == acting("Grace")
