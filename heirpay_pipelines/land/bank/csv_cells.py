"""The records of a CSV text. Time grows with the text, whatever its quotes.

Banks write `"ACME "Best" Ltd"`, which the standard library reads wrongly without a word; a quote
that is never closed would swallow bookings. So a field may hold bare quotes or line breaks, never
both, and every quote is closed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache

from heirpay_pipelines.land.bank.statement import StatementError

Row = tuple[int, list[str]]


@cache
def _quoted(delimiter: str) -> re.Pattern[str]:
    end = rf"(?= *(?:{re.escape(delimiter)}|\n|\Z))"
    bare = rf'"(?! *(?:{re.escape(delimiter)}|\n|\Z))'
    return re.compile(rf' *"((?:[^"]++|""|{bare})*+)"{end} *')


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
        found = _quoted(delimiter).match(text, place)
        if found:
            cells.append(_unquoted(found[1], line, len(cells) + 1))
            place = found.end()
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
