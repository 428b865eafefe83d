"""The records of a CSV text. Time grows with the text, whatever its quotes.

Banks write `"ACME "Best" Ltd"`, which the standard library reads wrongly without a word; a quote
that is never closed would swallow bookings. So a field may hold bare quotes or line breaks, never
both, and every quote is closed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache

from heirpay_pipelines.bank.statement import StatementError

Row = tuple[int, list[str]]

_OPENING = re.compile(r' *"')


@cache
def _double_or_closing(delimiter: str) -> re.Pattern[str]:
    """No possessive quantifier: Python 3.11.2 (Debian 12) gives up on groups that have one."""
    return re.compile(rf'""|" *(?={re.escape(delimiter)}|\n|\Z)')


def rows_of(lines: list[str], delimiter: str, first_line: int) -> Iterator[Row]:
    """Each record with the line that it begins on. Empty records are left out."""
    text = "\n".join(lines)
    place, line = 0, first_line
    while place < len(text):
        end = text.find("\n", place)
        end = len(text) if end < 0 else end
        if text.find('"', place, end) < 0:
            row, after = text[place:end].split(delimiter), end + 1
        else:
            row, after = _record(text, place, delimiter, line)
        if any(cell.strip() for cell in row):
            yield line, [cell.strip() for cell in row]
        line += text.count("\n", place, after)
        place = after


def _record(text: str, place: int, delimiter: str, line: int) -> tuple[list[str], int]:
    """The record that begins at `place`, and where the next one begins."""
    cells: list[str] = []
    while True:
        opening = _OPENING.match(text, place)
        if opening:
            quotes = _double_or_closing(delimiter).finditer(text, opening.end())
            closing = next((quote for quote in quotes if quote[0] != '""'), None)
            if closing is None:
                raise _unclosed(line, len(cells) + 1)
            content = text[opening.end() : closing.start()]
            cells.append(_unquoted(content, line, len(cells) + 1))
            place = closing.end()
        else:
            ends = [at for at in (text.find(delimiter, place), text.find("\n", place)) if at >= 0]
            end = min(ends, default=len(text))
            cell = text[place:end]
            if cell.lstrip().startswith('"'):
                raise _unclosed(line, len(cells) + 1)
            cells.append(cell)
            place = end
        if place >= len(text) or text[place] == "\n":
            return cells, place + 1
        place += 1


def _unquoted(content: str, line: int, column: int) -> str:
    if "\n" in content and '"' in content.replace('""', ""):
        raise _unclosed(line, column)
    return content.replace('""', '"')


def _unclosed(line: int, column: int) -> StatementError:
    return StatementError(
        "a quote is not closed",
        f"line {line}, column {column}",
        "export the file again, or correct the line",
    )
