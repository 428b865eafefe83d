"""docs/tour.md is true: each of its commands, run on a published night, tells what it shows."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass
from pathlib import Path

import pytest
from installed import Installation
from nights import copy_home

DOCS = Path(__file__).resolve().parents[2] / "docs"
BLOCK = re.compile(r"^```console\n(.*?)^```$", re.MULTILINE | re.DOTALL)
EXIT = re.compile(r"\s+# exit (\d)$")


@dataclass
class Step:
    """A command and the lines that it is shown to print, in their order; `…` is anything."""

    arguments: list[str]
    exit_code: int
    lines: list[str]


def steps() -> list[Step]:
    found: list[Step] = []
    for block in BLOCK.findall((DOCS / "tour.md").read_text(encoding="utf-8")):
        for line in block.splitlines():
            if line.startswith("$ "):
                code = EXIT.search(line)
                program, *arguments = shlex.split(EXIT.sub("", line[2:]))
                assert program == "./heirpay"
                found.append(Step(arguments, int(code[1]) if code else 0, []))
            else:
                found[-1].lines.append(line)
    return found


def pattern(line: str) -> str:
    """A shown line begins and ends where the printed one does, but for `…`."""
    return "^" + ".*".join(map(re.escape, line.split("…"))) + "$"


@pytest.mark.slow
def test_each_command_of_the_tour_tells_what_it_shows(
    published: Installation, tmp_path: Path
) -> None:
    night = Installation(tmp_path / "home", published.account)
    copy_home(published.home, night.home)
    tour = steps()
    assert len(tour) >= 12
    for step in tour:
        done = night.heirpay(*step.arguments)
        told = "\n".join(line.rstrip() for line in (done.stdout + done.stderr).splitlines())
        assert done.returncode == step.exit_code, f"{step.arguments}: {told}"
        position = 0
        for line in step.lines:
            match = re.compile(pattern(line), re.MULTILINE).search(told, position)
            assert match, f"{step.arguments} does not print {line!r} (any more):\n{told}"
            position = match.end()


def test_each_picture_of_the_docs_is_there_and_small() -> None:
    for document in [*DOCS.rglob("*.md"), DOCS.parent / "README.md"]:
        text = document.read_text(encoding="utf-8")
        for name in re.findall(r"!\[[^\]]+\]\(([^)]+)\)", text):
            picture = document.parent / name
            assert picture.is_file(), f"{document.name} shows {name}"
            assert picture.stat().st_size < 300_000, name
