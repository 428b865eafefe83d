"""The test run itself: a process that dies is named, nothing is run again, `--fast` takes what is
fast, those of changed files first, and the slowest are printed."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from fast import changed_files, place
from nights import code_version
from sql_style import digests

TESTS = Path(__file__).resolve().parents[1]
DIES = """
import faulthandler, pathlib, pytest

def test_before(): pass

def test_that_dies():
    with (pathlib.Path(__file__).parent / "tries").open("a") as tries: tries.write("x")
    faulthandler._sigsegv()

def test_after(): pass
"""
SLOW = """
import pytest

@pytest.fixture(scope="module")
def costly(): return sum(range(10**6))

@pytest.mark.slow
def test_slow(): pass

@pytest.mark.parametrize("n", range(12))
def test_quick(n, costly): pass
"""


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    plugins = [option for name in ("timings", "deaths", "fast") for option in ("-p", name)]
    settings = folder / "pytest.ini"
    settings.write_text("[pytest]\nmarkers = slow\n")
    kept = {k: v for k, v in os.environ.items() if not k.startswith("PYTEST_")}
    return subprocess.run(
        [sys.executable, "-m", "pytest", *plugins, "-p", "no:cacheprovider", *arguments],
        cwd=folder, env=kept | {"PYTHONPATH": str(TESTS)}, capture_output=True, text=True,
        check=False, timeout=120,
    )  # fmt: skip


def test_a_process_that_dies_is_named_with_its_stack_and_its_test_is_not_run_again(
    tmp_path: Path,
) -> None:
    (tmp_path / "test_it.py").write_text(DIES)
    done = run(tmp_path, "-n", "1")
    said = done.stdout
    assert done.returncode == 1, said + done.stderr
    assert "crashed while running 'test_it.py::test_that_dies'" in said
    assert "1 failed, 2 passed" in said
    assert (tmp_path / "tries").read_text() == "x"
    (kept,) = (tmp_path / ".cache" / "tests" / "deaths").iterdir()
    assert str(kept) in said
    assert "Segmentation fault" in said
    assert 'test_it.py", line 8 in test_that_dies' in kept.read_text()


def test_fast_leaves_out_what_is_slow_and_the_slowest_are_printed(tmp_path: Path) -> None:
    (tmp_path / "test_it.py").write_text(SLOW)
    done = run(tmp_path, "--fast", "-n", "1")
    assert "12 passed" in done.stdout, done.stdout + done.stderr
    for title in ("10 slowest files", "10 slowest tests", "10 slowest fixtures"):
        assert title in done.stdout
    assert "test_it.py::costly" in done.stdout
    assert list((tmp_path / ".cache" / "tests" / "deaths").iterdir()) == []
    assert "13 passed" in run(tmp_path).stdout


def test_changed_files_come_first_and_then_the_longest(tmp_path: Path) -> None:
    git = ["git", "-c", "user.email=a@b.test", "-c", "user.name=a"]
    for path in (
        "heirpay_pipelines/gateways/stripe/a.py",
        "tests/landing/test_b.py",
        "dbt/models/c.sql",
    ):
        (tmp_path / path).parent.mkdir(parents=True)
        (tmp_path / path).touch()
    subprocess.run([*git, "init", "-q", "-b", "main"], cwd=tmp_path, check=True)
    subprocess.run([*git, "add", "."], cwd=tmp_path, check=True)
    subprocess.run([*git, "commit", "-qm", "all"], cwd=tmp_path, check=True)
    assert changed_files(tmp_path) == ()
    (tmp_path / "heirpay_pipelines/gateways/stripe/a.py").write_text("changed")
    (tmp_path / "dbt/models/new.sql").touch()
    changed = changed_files(tmp_path)
    assert changed == ("tests/gateways/", "tests/warehouse/")
    files = [
        "tests/state/test_state.py",
        "tests/end_to_end/test_encrypted_night.py",
        "tests/gateways/stripe/test_windows.py",
    ]
    files.sort(key=lambda file: place(file, changed))
    assert [Path(file).parent.name for file in files] == ["stripe", "end_to_end", "state"]


def test_nights_and_sql_style_are_kept_by_what_they_are_made_of(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("nights.ROOT", tmp_path)
    monkeypatch.setattr("nights.MADE_OF", ("package",))
    monkeypatch.setattr("sql_style.ROOT", tmp_path)
    (tmp_path / "package").mkdir()
    (tmp_path / "dbt" / "models").mkdir(parents=True)
    (tmp_path / "dbt" / "macros").mkdir()
    seen = set()
    for path in ("package/a.py", "dbt/models/a.sql", "dbt/macros/m.sql"):
        for content in ("one", "two"):
            (tmp_path / path).write_text(content)
            seen.add((code_version.__wrapped__(), *digests().values()))
    assert len(seen) == 6


TOOL = """#!/bin/sh
echo "$(basename "$0") $*" >> "{calls}"
case " {failing} " in *" $(basename "$0") "*) echo "$(basename "$0") found something"; exit 3;; esac
"""
STATIC = ["ruff check .", "ruff format --check .", "lint-imports", "mypy"]
DISTRIBUTED = "pytest -n 2 --dist loadfile --no-loadscope-reorder"


@pytest.mark.parametrize(
    ("arguments", "failing", "code", "called"),
    [
        ((), "", 0, [*STATIC, "python tests/sql_style.py", DISTRIBUTED]),
        (("--fast",), "", 0,
         [*STATIC, "python tests/sql_style.py --changed", f"{DISTRIBUTED} --fast"]),
        (("tests/bank", "-k", "cursor"), "", 0, [f"{DISTRIBUTED} tests/bank -k cursor"]),
        (("--fast", "-x"), "", 0, [f"{DISTRIBUTED} --fast -x"]),
        ((), "pytest", 3, [*STATIC, "python tests/sql_style.py", DISTRIBUTED]),
        ((), "mypy", 1, [*STATIC, DISTRIBUTED]),
        ((), "lint-imports", 3, STATIC[:3]),
        (("tests/gateways/stripe",), "pytest", 3, [f"{DISTRIBUTED} tests/gateways/stripe"]),
    ],
)  # fmt: skip
def test_the_command_makes_every_check_and_fails_when_one_fails(
    tmp_path: Path, arguments: tuple[str, ...], failing: str, code: int, called: list[str]
) -> None:
    """tests/all.sh with tools that note how they are called."""
    script = tmp_path / "tests" / "all.sh"
    tools = tmp_path / ".venv" / "bin"
    for folder in (script.parent, tools):
        folder.mkdir(parents=True)
    script.write_bytes((TESTS / "all.sh").read_bytes())
    for name in ("ruff", "mypy", "lint-imports", "python", "pytest"):
        (tools / name).write_text(TOOL.format(calls=tmp_path / "calls", failing=failing))
        (tools / name).chmod(0o755)
    done = subprocess.run(
        ["sh", str(script), *arguments], capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == code, done.stdout + done.stderr
    calls = [line.strip() for line in (tmp_path / "calls").read_text().splitlines()]
    assert sorted(calls) == sorted(called)
    assert not failing or f"{failing} found something" in done.stdout
