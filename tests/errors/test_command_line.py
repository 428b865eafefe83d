"""What people meet on the command line: near misses, ports in use, lists, pipes, the demo."""

from __future__ import annotations

import errno
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import click
import duckdb
import pytest
from command import Heirpay

from heirpay_pipelines.cli import COMMANDS, cli
from heirpay_pipelines.console.errors import known
from heirpay_pipelines.console.lost_readers import LIKE_SIGPIPE
from heirpay_pipelines.landing.manifest import Manifest, write_manifest
from heirpay_pipelines.orchestration import commands as night_commands
from heirpay_pipelines.orchestration import launch
from heirpay_pipelines.orchestration.launch import NightlyOutcome
from heirpay_pipelines.sandbox import ACCOUNT_ID
from heirpay_pipelines.settings import Settings
from heirpay_pipelines.state import open_state

AT = datetime(2026, 11, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        (("rnu",), "run"),
        (("uii",), "ui"),
        (("inc", "list"), "incidents"),
        (("incidents", "lst"), "list"),
        (("gdpr", "erse"), "erase"),
        (("query", "--fromat", "csv", "select 1"), "--format"),
        (("query", "--format", "cvs", "select 1"), "csv"),
        (("sandbox", "serve", "--limits", "liev"), "live"),
    ],
)
def test_a_near_miss_is_answered_with_the_right_one(
    heirpay: Heirpay, typed: tuple[str, ...], meant: str
) -> None:
    ended = heirpay(*typed)
    assert ended.code == 2
    assert f"Did you mean {meant}?" in ended.lines[-1].replace("'", "")


def test_what_is_near_to_nothing_names_no_command(heirpay: Heirpay) -> None:
    ended = heirpay("xylophone")
    assert ended.code == 2
    assert "Did you mean" not in ended.said


@pytest.fixture
def taken() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield int(listening.getsockname()[1])


@pytest.mark.parametrize(
    "command", [("ui",), ("mcp", "--http"), ("receive",), ("sandbox", "serve")], ids=" ".join
)
def test_a_port_in_use_is_bad_usage(
    heirpay: Heirpay, command: tuple[str, ...], taken: int, tmp_path: Path
) -> None:
    ended = heirpay(*command, "--port", str(taken), STRIPE_WEBHOOK_SECRET="whsec_" + "a" * 24)
    assert (ended.code, len(ended.lines)) == (2, 1), ended.said
    assert f"Port {taken} on 127.0.0.1 is in use" in ended.said
    assert "--port" in ended.said


def test_an_address_that_is_not_ours_is_bad_usage(heirpay: Heirpay) -> None:
    secret = "whsec_" + "a" * 24
    ended = heirpay("receive", "--host", "192.0.2.1", STRIPE_WEBHOOK_SECRET=secret)
    assert (ended.code, len(ended.lines)) == (2, 1), ended.said


FULL = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "/home/x/warehouse/build.duckdb")


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (FULL, "/home/x/warehouse/build.duckdb is full"),
        (OSError(errno.EDQUOT, os.strerror(errno.EDQUOT)), "holds /home/x is full"),
        (duckdb.IOException("Could not write file: No space left on device"), "/home/x is full"),
        (OSError("Error writing bytes. Detail: [errno 28] No space left on device"), "is full"),
        (PermissionError(errno.EACCES, "Permission denied", "/etc/shadow"), "/etc/shadow"),
        (OSError(errno.EROFS, "Read-only file system", "/home/x/a"), "Read-only file system"),
    ],
)
def test_what_the_disk_refuses_is_one_line_and_a_failure(error: Exception, said: str) -> None:
    found = known(error, Path("/home/x"))
    assert found is not None
    assert said in found.line
    assert "\n" not in found.line


def test_a_table_that_another_version_did_not_publish_is_one_line_and_what_to_do() -> None:
    with duckdb.connect() as published, pytest.raises(duckdb.CatalogException) as raised:
        published.execute("create schema intermediate")
        published.execute("select * from intermediate.int_period_figures")
    found = known(raised.value, Path("/home/x"))
    assert found is not None
    assert "no table `int_period_figures`" in found.line
    assert "`heirpay run`" in found.line
    assert "\n" not in found.line


def test_a_known_cause_is_said_and_an_unknown_error_keeps_its_traceback(
    heirpay: Heirpay, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(cause: Exception | None) -> None:
        raise RuntimeError("a library's own words") from cause

    monkeypatch.setattr(night_commands, "_nightly", lambda *_: fails(FULL))
    ended = heirpay("run", STRIPE_API_KEY="rk_test_x")
    assert (ended.code, len(ended.lines)) == (1, 1), ended.said
    monkeypatch.setattr(night_commands, "_nightly", lambda *_: fails(None))
    with pytest.raises(RuntimeError, match="own words"):
        heirpay("run", STRIPE_API_KEY="rk_test_x")


@pytest.mark.parametrize("outcome", ["failed", None])
def test_a_night_that_failed_suggests_nothing_to_look_at(
    heirpay: Heirpay, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, outcome: str | None
) -> None:
    warehouse = tmp_path / "var" / "warehouse" / "heirpay.duckdb"  # of the night before
    warehouse.parent.mkdir(parents=True)
    warehouse.touch()
    run = outcome and launch.Run("r", AT, AT, None, outcome, None, None, None)
    ended_so = NightlyOutcome(run or None, "models: it broke", tmp_path / "report.html")
    monkeypatch.setattr(night_commands, "_nightly", lambda *_: ended_so)
    ended = heirpay("run", STRIPE_API_KEY="rk_test_x")
    assert (ended.code, ended.out) == (1, "")
    assert ended.lines[-1] == "models: it broke"


def hold(home: Path, account: str) -> None:
    """A home into which this account was pulled."""
    Settings(HEIRPAY_HOME=home)
    write_manifest(
        home / "landing" / "manifests",
        Manifest("p1", AT, account, False, "v", "full", {}, AT, AT, 1, ()),
    )


def test_the_demo_never_mixes_with_another_account(heirpay: Heirpay, tmp_path: Path) -> None:
    real = tmp_path / "var"
    hold(real, "acct_another")
    ended = heirpay("demo", HEIRPAY_HOME=str(real))
    assert (ended.code, len(ended.lines)) == (2, 1), ended.said
    assert "acct_another" in ended.said
    assert str(tmp_path / "var" / "demo") in ended.said
    assert sorted(path.name for path in real.iterdir()) == ["landing"]


def test_reading_commands_find_the_demo_by_its_flag_only(heirpay: Heirpay, tmp_path: Path) -> None:
    hold(tmp_path / "var", "acct_another")
    ended = heirpay("incidents", "list", "--demo")
    assert (ended.code, "There is no demo in" in ended.said) == (2, True), ended.said
    for home in (tmp_path / "var", tmp_path / "var" / "demo", tmp_path / "elsewhere"):
        if home != tmp_path / "var":
            hold(home, ACCOUNT_ID)
        with open_state(Settings(HEIRPAY_HOME=home).state_file) as state:
            said = f"night of {home.relative_to(tmp_path)}"
            state.connection.execute(
                "insert into outbox_messages values ('m', '2026-11-01', ?, '')", (said,)
            )
    read = ("incidents", "messages")
    assert "night of var\n" in heirpay(*read).out
    assert "night of var/demo\n" in heirpay(*read, "--demo").out
    assert "HEIRPAY_HOME" not in os.environ
    real, demo = str(tmp_path / "var"), str(tmp_path / "elsewhere")
    assert "night of var/demo\n" in heirpay(*read, "--demo", HEIRPAY_HOME=real).out
    assert "night of elsewhere\n" in heirpay(*read, "--demo", HEIRPAY_HOME=demo).out


def leaves(command: click.Command, name: str) -> Iterator[tuple[str, click.Command]]:
    if isinstance(command, click.Group):
        for below, found in command.commands.items():
            yield from leaves(found, f"{name} {below}")
    else:
        yield name, command


def test_every_command_that_reads_has_the_flag_and_no_other() -> None:
    context = click.Context(cli)
    without = set()
    for name in COMMANDS:
        command = cli.get_command(context, name)
        assert command is not None
        for leaf, found in leaves(command, name):
            flags = [option for p in found.params for option in p.opts]
            assert flags.count("--demo") <= 1
            if "--demo" not in flags:
                without.add(leaf.split()[0])
    assert without <= {"demo", "run", "sandbox", "receive", "key", "backup", "restore"}


def test_ids_are_whole_and_a_line_of_a_pipe_is_a_row(heirpay: Heirpay, tmp_path: Path) -> None:
    from heirpay_pipelines.controls.register import load_register

    listed = heirpay("controls", "list", COLUMNS="40").out.splitlines()
    register = load_register()
    assert len(listed) == len(register) + 1
    for control, line in zip(register, listed[1:], strict=True):
        assert line.split()[0] == control.key
        assert control.title in line


def test_a_narrow_terminal_cuts_no_id() -> None:
    script = (
        "from heirpay_pipelines.text.listing import print_list;"
        "print_list(('incident', 'what'), [('inc_' + 'x' * 60, 'some words')], ('what',))"
    )
    environment = os.environ | {"FORCE_COLOR": "1", "COLUMNS": "30"}
    command = [sys.executable, "-c", script]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert "inc_" + "x" * 60 in done.stdout


@pytest.mark.parametrize(
    "command",
    [("controls", "list"), ("incidents", "list"), ("--help",), ("query", "select 1 as n")],
    ids=" ".join,
)
def test_a_reader_that_goes_is_no_error(command: tuple[str, ...], tmp_path: Path) -> None:
    (tmp_path / "warehouse").mkdir()
    duckdb.connect(str(tmp_path / "warehouse" / "heirpay.duckdb")).close()
    process = subprocess.Popen(
        [sys.executable, "-m", "heirpay_pipelines", *command],
        env=os.environ | {"HEIRPAY_HOME": str(tmp_path)},
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.close()
    assert process.stderr.read() == b""
    assert process.wait() in (0, 1, LIKE_SIGPIPE)


def test_a_night_goes_on_when_nobody_reads_its_progress() -> None:
    script = (
        "import sys\n"
        "from rich.console import Console\n"
        "from heirpay_pipelines.console.lost_readers import tolerate_lost_readers\n"
        "with tolerate_lost_readers():\n"
        "    for _ in range(3):\n"
        "        print('pulled', file=sys.stderr, flush=True)\n"
        "        Console(file=sys.stderr).print('pulled')\n"
        "    print('published')\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", script], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stderr is not None
    process.stderr.close()
    assert process.stdout.read() == "published\n"
    assert process.wait() == 0
