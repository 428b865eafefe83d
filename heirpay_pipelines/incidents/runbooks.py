"""The runbook library: what worked before, searched before anything else is tried.

A runbook is a Markdown file with front matter. The package ships the first ones; what this
installation learns lies under `HEIRPAY_HOME/runbooks`. A learned one is proven by the incidents it
names, so learning the same incident twice changes nothing.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from importlib.resources import files
from pathlib import Path
from typing import Any

import yaml

from heirpay_pipelines.at_rest.places import own_folder, write_whole

FENCE = "---\n"
IMPACT_BANDS = (Decimal(0), Decimal(1_000), Decimal(100_000))


@dataclass(frozen=True)
class Runbook:
    """One way that worked. `steps` are names of solutions, or sentences for people."""

    name: str
    pattern: str
    symptom: str
    context: str
    impact_band: int
    steps: tuple[str, ...]
    proven_by: tuple[str, ...]
    proven_before: int
    text: str

    @property
    def proven(self) -> int:
        """How many incidents it resolved."""
        return self.proven_before + len(self.proven_by)

    @classmethod
    def parse(cls, name: str, content: str) -> Runbook:
        """Read front matter and text; ValueError naming the runbook when they are malformed."""
        try:
            _, matter, text = content.split(FENCE, 2)
            fields = yaml.safe_load(matter)
            return cls(
                name=name,
                pattern=fields["pattern"],
                symptom=fields["symptom"],
                context=fields["context"],
                impact_band=int(fields["impact_band"]),
                steps=tuple(fields["steps"]),
                proven_by=tuple(fields.get("proven_by", ())),
                proven_before=int(fields.get("proven_before", 0)),
                text=text.strip(),
            )
        except (ValueError, KeyError, TypeError, yaml.YAMLError) as error:
            raise ValueError(
                f"runbook {name} has no valid front matter ({error}): pattern, symptom, context, "
                "impact_band and steps are needed between two lines of ---"
            ) from None

    def render(self) -> str:
        """The file's content."""
        fields: dict[str, Any] = {
            "pattern": self.pattern,
            "symptom": self.symptom,
            "context": self.context,
            "impact_band": self.impact_band,
            "steps": list(self.steps),
            "proven": self.proven,
            "proven_before": self.proven_before,
            "proven_by": list(self.proven_by),
        }
        matter = yaml.safe_dump(fields, sort_keys=False, allow_unicode=True)
        return f"{FENCE}{matter}{FENCE}\n{self.text}\n"


def library(home: Path) -> list[Runbook]:
    """Every runbook; a learned one stands in for the shipped one of its name."""
    return list({book.name: book for book in (*_shipped(), *_learned(home))}.values())


def _shipped() -> Iterator[Runbook]:
    for entry in files(__package__).joinpath("runbooks").iterdir():
        if entry.name.endswith(".md"):
            yield Runbook.parse(entry.name.removesuffix(".md"), entry.read_text(encoding="utf-8"))


def _learned(home: Path) -> Iterator[Runbook]:
    for path in sorted((home / "runbooks").glob("*.md")):
        yield Runbook.parse(path.stem, path.read_text(encoding="utf-8"))


def impact_band(amount: Decimal) -> int:
    """0 none, 1 up to a thousand, 2 up to a hundred thousand, 3 above, in major units."""
    return sum(abs(amount) > limit for limit in IMPACT_BANDS)


def search(
    books: Sequence[Runbook], pattern: str, symptom: str, context: str, amount: Decimal
) -> list[Runbook]:
    """Runbooks of the pattern, best first: same symptom, same compliance context, like financial
    impact, then what is proven most often."""

    def rank(book: Runbook) -> tuple[bool, bool, int, int, str]:
        return (
            book.symptom != symptom,
            book.context != context,
            abs(book.impact_band - impact_band(amount)),
            -book.proven,
            book.name,
        )

    return sorted((book for book in books if book.pattern == pattern), key=rank)


def learn(
    home: Path,
    incident_id: str,
    pattern: str,
    symptom: str,
    context: str,
    amount: Decimal,
    steps: Sequence[str],
) -> tuple[Runbook, bool]:
    """Keep what resolved an incident; returns the runbook and whether it is new to the library."""
    for book in library(home):
        if (book.symptom, book.context, book.steps) == (symptom, context, tuple(steps)):
            if incident_id in book.proven_by:
                return book, False
            proven = (*book.proven_by, incident_id)
            better = Runbook(**{**book.__dict__, "proven_by": proven})
            _write(home, better)
            return better, False
    digest = hashlib.sha256("\n".join((symptom, context, *steps)).encode()).hexdigest()[:8]
    text = (
        f"Learned from incident {incident_id}: after these steps the check passed again.\n"
        "Edit this text to tell the next reader more; the steps above are what is tried first."
    )
    book = Runbook(
        name=f"{symptom}-{digest}",
        pattern=pattern,
        symptom=symptom,
        context=context,
        impact_band=impact_band(amount),
        steps=tuple(steps),
        proven_by=(incident_id,),
        proven_before=0,
        text=text,
    )
    _write(home, book)
    return book, True


def _write(home: Path, book: Runbook) -> None:
    folder = home / "runbooks"
    own_folder(folder)
    write_whole(folder / f"{book.name}.md", book.render().encode())
