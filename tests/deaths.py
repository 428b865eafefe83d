"""A test process that dies says where: the stacks of its threads are kept in a file of its own and
shown at the end. xdist names the test that was running and counts it as failed; nothing is run
again."""

from __future__ import annotations

import faulthandler
import os
import time
from pathlib import Path
from typing import Any

import pytest

SHOWN_LINES = 60
_began = time.time()
_files: list[Any] = []


def folder(config: pytest.Config) -> Path:
    return config.rootpath / ".cache" / "tests" / "deaths"


@pytest.hookimpl(trylast=True)
def pytest_configure(config: pytest.Config) -> None:
    """After pytest's own, which writes into the terminal's error stream."""
    if worker := os.environ.get("PYTEST_XDIST_WORKER"):
        folder(config).mkdir(parents=True, exist_ok=True)
        file = (folder(config) / f"{worker}-{os.getpid()}.txt").open("w")
        faulthandler.enable(file)
        _files.append(file)


@pytest.hookimpl(tryfirst=True)
def pytest_unconfigure() -> None:
    for file in _files:
        faulthandler.disable()
        file.close()
        Path(file.name).unlink()
    _files.clear()


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """In the process that prints: what test processes of this run have left."""
    if "PYTEST_XDIST_WORKER" in os.environ or not folder(config).is_dir():
        return
    for path in sorted(folder(config).iterdir()):
        text = path.read_text()
        if path.stat().st_mtime >= _began and text:
            terminalreporter.section(f"a test process died: {path}", red=True)
            terminalreporter.write_line("\n".join(text.splitlines()[:SHOWN_LINES]))
