"""What people see on a terminal or in a log: text from an account, a bank or a file cannot move the
cursor, hide what stands beside it, forge a line or turn the direction of reading.

The one place that prints. A control character is shown as an escape (`\\x1b`, `\\n`), so that what
somebody planted is visible.
"""

from __future__ import annotations

import json
import logging
import re
import sys
import traceback
from collections.abc import Callable
from types import TracebackType
from typing import Any

import click

UNSEEN = (
    "\x00-\x1f\x7f-\x9f"  # controls of a terminal, one byte and two
    "\u00ad\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"  # invisible, bidi
    "\U000e0000-\U000e007f"  # tags: a text within a text
    "\ud800-\udfff"  # bytes of a file name that are no text
)
IN_A_LINE = re.compile(f"[{UNSEEN}]")
IN_LINES = re.compile(f"(?![\n\t])[{UNSEEN}]")
IN_JSON = re.compile(f"(?!\n)[{UNSEEN}]")


def one_line(text: object) -> str:
    """`text` as one line that only shows itself."""
    return IN_A_LINE.sub(_escaped, str(text))


def many_lines(text: object) -> str:
    """`text` whose line breaks are meant (a message, a draft, a trace)."""
    return IN_LINES.sub(_escaped, str(text))


def in_json(text: str) -> str:
    """A JSON document that says the same, with nothing in it that a terminal obeys."""
    return IN_JSON.sub(lambda found: json.dumps(found[0])[1:-1], text)


def say(text: object = "", *, err: bool = False, colour: str | None = None, mark: str = "") -> None:
    """Print one line, in a colour; with a mark of ours before it, the mark alone is coloured."""
    shown = one_line(text)
    if mark:
        shown = click.style(mark, fg=colour) + shown
    elif colour:
        shown = click.style(shown, fg=colour)
    click.echo(shown, err=err)


def say_lines(text: object, *, err: bool = False) -> None:
    """Print a text of several lines."""
    click.echo(many_lines(text), err=err)


def say_json(text: str) -> None:
    """Print a JSON document."""
    click.echo(in_json(text))


def install() -> None:
    """Have every log record and trace of this process shown so, whoever writes it."""
    logging.setLogRecordFactory(_Record)
    sys.excepthook = _show_trace


class _Record(logging.LogRecord):
    """Ours is one line each; what libraries write may have several."""

    def getMessage(self) -> str:
        show: Callable[[object], str] = one_line if self.name.startswith("heirpay") else many_lines
        return show(super().getMessage())


def _show_trace(
    kind: type[BaseException], error: BaseException, trace: TracebackType | None
) -> None:
    shown: Any = traceback.format_exception(kind, error, trace)
    sys.stderr.write(many_lines("".join(shown)))


def _escaped(found: re.Match[str]) -> str:
    return found[0].encode("unicode_escape", "surrogatepass").decode()
