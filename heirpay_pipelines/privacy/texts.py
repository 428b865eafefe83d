"""A person's values as they stand in files: escaped for JSON and HTML, too."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from html import escape
from urllib.parse import quote

from heirpay_pipelines.landing.people import Person
from heirpay_pipelines.personal.pseudonyms import Pseudonyms
from heirpay_pipelines.personal.scrub import Scrubber


def spellings(texts: Iterable[str]) -> set[str]:
    """Each text as it is, in JSON (with and without \\u escapes), HTML and a URL, and each of these
    in a CSV file."""
    found: set[str] = set()
    for text in texts:
        found |= {
            text,
            json.dumps(text)[1:-1],
            json.dumps(text, ensure_ascii=False)[1:-1],
            escape(text),
            escape(text, quote=False),
            quote(text),
        }
    return found | {text.replace('"', '""') for text in found}


def text_scrubber(person: Person, pseudonyms: Pseudonyms) -> Scrubber:
    """Takes a person out of any text, however it is escaped."""
    return Scrubber(pseudonyms, (), spellings(person.texts), person.ids)


def expression(person: Person) -> str:
    """One regular expression (RE2 and Python's) that finds the person in any text."""
    texts = sorted(spellings(person.texts), key=len, reverse=True)
    known = [f"(?i:{re.escape(text)})" for text in texts] + [re.escape(id) for id in person.ids]
    return "|".join(known) if known else r"[^\s\S]"
