"""Lists on the screen and in pipes: an id can be copied whole, and a line of a pipe is a row."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rich.console import Console
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

from heirpay_pipelines.text.shown import one_line

WIDEST = 10_000


def print_list(
    headings: Sequence[str], rows: Iterable[Sequence[str]], prose: Sequence[str] = ()
) -> None:
    """Print rows under headings. Only the columns of `prose` are wrapped, and only on a terminal;
    a list that is wider than the terminal goes on in its next line, whole."""
    table = Table(box=None)
    console = Console()
    for heading in headings:
        wrapped = heading in prose and console.is_terminal
        table.add_column(heading, no_wrap=not wrapped, overflow="fold")
    for row in rows:
        table.add_row(*(Text(one_line(cell)) for cell in row))
    needed = Measurement.get(console, console.options.update(width=WIDEST), table)
    console.width = max(needed.minimum, console.width) if console.is_terminal else needed.maximum
    console.print(table)
