"""The `:86:` field of MT940: what German, Dutch and other banks put into it.

Structured by `?20` and the like (DK), by `/EREF/…/` words, or plain text. Everything is kept as
text; references are picked out of it.
"""

from __future__ import annotations

import re

STRUCTURED = re.compile(r"([0-9]{3})([^A-Za-z0-9\s])(?=[0-9]{2})")
SEPA = re.compile(
    r"(EREF|KREF|MREF|CRED|DEBT|COAM|OAMT|SVWZ|ABWA|ABWE|ANAM|IBAN|BIC|PURP|RREF|BREF|SQTP)\+"
)
WORD = re.compile(r"/(EREF|PREF|KREF|IREF|MARF|RTRN|CREF|RREF|REFE|UETR)/([^/]{1,140})")
REFERENCES = frozenset(("EREF", "KREF", "MREF", "RREF", "BREF"))
NO_REFERENCE = frozenset(("", "NOTPROVIDED", "NONREF", "NOT PROVIDED"))
PURPOSE = frozenset((*map(str, range(20, 30)), *map(str, range(60, 64))))
NAME = ("32", "33")
SILENT = frozenset(("10", "34"))  # the bank's own batch number and a text key


def understood(lines: list[str]) -> tuple[list[str], str]:
    """References and the whole text of one booking's details, given by their physical lines."""
    joined = "".join(line if line.startswith(" ") else line.rstrip() for line in lines)
    structured = STRUCTURED.match(joined)
    if structured is None:
        text = " ".join(line.strip() for line in lines)
        return [ref.strip() for _, ref in WORD.findall(joined)], text
    parts = re.split(re.escape(structured[2]) + r"([0-9]{2})", joined)
    fields = list(zip(parts[1::2], parts[2::2], strict=True))
    purpose = "".join(text for code, text in fields if code in PURPOSE)
    name = "".join(text for code, text in fields if code in NAME)
    others = [
        text
        for code, text in fields
        if code not in PURPOSE and code not in NAME and code not in SILENT
    ]
    words = SEPA.split(purpose)
    spoken = [
        words[0],
        *(f"{tag} {said}" for tag, said in zip(words[1::2], words[2::2], strict=True)),
    ]
    found = [
        said.strip()
        for tag, said in zip(words[1::2], words[2::2], strict=True)
        if tag in REFERENCES
    ]
    found += [ref.strip() for _, ref in WORD.findall(purpose)]
    return found, " ".join((*others[:1], *spoken, name, *others[1:]))
