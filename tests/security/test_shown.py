"""Nothing from an account, a bank or a file name reaches a terminal or a log as more than text."""

from __future__ import annotations

import ast
import io
import json
import logging
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

import heirpay_pipelines
from heirpay_pipelines.console.command_line import LazyGroup
from heirpay_pipelines.explain.tree import Node, show
from heirpay_pipelines.text import shown
from heirpay_pipelines.text.listing import print_list

HOSTILE = {
    "cleared screen": "a\x1b[2Jb",
    "title": "a\x1b]0;owned\x07b",
    "one-byte control": "a\x9b31mb",
    "back over it": "a\rb",
    "erased": "a\x08\x7fb",
    "another line": "a\nMRR 0.00 usd",
    "another line of Unicode": "a\u2028b\u2029c\x85d",
    "turned direction": "a\u202egnp.exe",
    "isolate": "a\u2066b\u2069",
    "unseen": "a\u200b\u2060\ufeffb",
    "tag": "a\U000e0041b",
    "no text": "a\udce9b",
}
PLAIN = "Zoë & Søn 日本 👩‍💻 [bold]x[/bold] 100%"
SOURCES = Path(heirpay_pipelines.__file__).parent


def hidden(text: str) -> list[str]:
    return [character for character in text if shown.IN_A_LINE.match(character)]


@pytest.mark.parametrize("name", HOSTILE)
def test_a_line_is_one_line_that_only_shows_itself(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    text = HOSTILE[name]
    shown.say(text)
    show(Node(text, rule=text))
    print_list(["id", "reason"], [[text, text]], prose=["reason"])
    shown.say_lines(text.replace("\n", " "))
    shown.say_json(json.dumps({"a": text}, ensure_ascii=False))
    printed = capsys.readouterr().out
    assert [character for character in hidden(printed) if character != "\n"] == []
    said, explained, _, listed, *_, document = printed.splitlines()
    assert said.startswith("a\\")
    assert explained.startswith("a\\")
    assert listed.count("a\\") == 2
    assert json.loads(document) == {"a": text}


def test_text_stays_text(capsys: pytest.CaptureFixture[str]) -> None:
    shown.say(PLAIN)
    print_list(["x"], [[PLAIN]])
    assert [line.strip() for line in capsys.readouterr().out.splitlines()] == [PLAIN, "x", PLAIN]


@pytest.fixture
def records() -> Iterator[io.StringIO]:
    before = logging.getLogRecordFactory(), sys.excepthook
    shown.install()
    out = io.StringIO()
    handler = logging.StreamHandler(out)
    for name in ("heirpay.receive", "uvicorn.error"):
        logging.getLogger(name).addHandler(handler)
    yield out
    for name in ("heirpay.receive", "uvicorn.error"):
        logging.getLogger(name).removeHandler(handler)
    logging.setLogRecordFactory(before[0])
    sys.excepthook = before[1]


def test_a_log_line_cannot_be_forged(records: io.StringIO) -> None:
    logging.getLogger("heirpay.receive").error("not stored: %s", "x\n2026-11-01 all is well\x1b[2J")
    logging.getLogger("uvicorn.error").error("bad request %s", "x\x1b[2J\r")
    first, second = records.getvalue().splitlines()
    assert first == "not stored: x\\n2026-11-01 all is well\\x1b[2J"
    assert second == "bad request x\\x1b[2J\\r"


def test_an_error_that_quotes_data_is_shown_so() -> None:
    class Group(LazyGroup):
        def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command:
            @click.command()
            def failing() -> None:
                raise click.ClickException("no file a\x1b[2J.csv")

            return failing

        def resolve_command(self, ctx: click.Context, args: list[str]) -> tuple:
            return "x", self.get_command(ctx, "x"), args[1:]

    ended = CliRunner().invoke(Group(name="g"), ["x"])
    assert "\x1b" not in ended.output
    assert "a\\x1b[2J.csv" in ended.output


def test_a_trace_of_an_unknown_error_is_shown_so(tmp_path: Path) -> None:
    code = (
        "from heirpay_pipelines.text import shown; shown.install();"
        " raise ValueError('a\\x1b[2Jb\\x9bc')"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, cwd=tmp_path)
    assert b"\x1b" not in ended.stderr
    assert b"a\\x1b[2Jb\\x9bc" in ended.stderr


def test_nothing_prints_by_another_way() -> None:
    """Whoever writes `print` or `click.echo` has the source tell them of `shown`."""
    found: list[str] = []
    for path in sorted(SOURCES.rglob("*.py")):
        if path.name == "shown.py" or "sandbox" in path.parts:
            continue
        found += [
            f"{path.relative_to(SOURCES)}:{node.lineno}"
            for node in ast.walk(ast.parse(path.read_text()))
            if isinstance(node, ast.Call) and _prints(node.func)
        ]
    assert found == []


def _prints(called: ast.expr) -> bool:
    if isinstance(called, ast.Name):
        return called.id == "print"
    return (
        isinstance(called, ast.Attribute)
        and isinstance(called.value, ast.Name)
        and called.value.id == "click"
        and called.attr in ("echo", "secho")
    )
