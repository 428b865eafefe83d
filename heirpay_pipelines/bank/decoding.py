"""Bytes of a bank's file to text: encodings are tried in a fixed order."""

from __future__ import annotations

import codecs
import re

from heirpay_pipelines.bank.statement import StatementError

BYTE_ORDER_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
GUESSES = ("utf-8", "cp1252", "latin-1")
LINE_END = re.compile(r"\r\n|\n|\r")
END_OF_FILE = "\x1a"  # DOS ends a text file with it
SAMPLE = 512


def text_of(data: bytes, encoding: str | None = None) -> str:
    """The text. A byte order mark decides, then `encoding` (StatementError when it does not fit),
    then UTF-16 by its zero bytes, UTF-8, Windows-1252, Latin-1."""
    marked = next((name for mark, name in BYTE_ORDER_MARKS if data.startswith(mark)), None)
    named = marked or encoding
    if named:
        return _checked(_decoded(data, named))
    for name in (_wide(data), *GUESSES):
        if name is None:
            continue
        try:
            return _checked(data.decode(name))
        except UnicodeDecodeError:
            continue
    raise AssertionError  # Latin-1 reads every byte


def lines_of(text: str) -> list[str]:
    """Lines whatever ends them; form feeds and the like are no line ends."""
    return LINE_END.split(text)


def _decoded(data: bytes, name: str) -> str:
    try:
        return codecs.decode(data, name) if _is_text_codec(name) else _unknown(name)
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise StatementError(
            f"is no {name}",
            where=f"line {line}",
            remedy="name the file's `encoding` in mapping.yaml, or export it as UTF-8",
        ) from None


def _unknown(name: str) -> str:
    raise StatementError(
        "the encoding that mapping.yaml names is not known",
        where="encoding",
        remedy="name one such as utf-8, cp1252 or latin-1",
    )


def _is_text_codec(name: str) -> bool:
    """Codecs such as `zip` or `hex` decode to something else, or to far more than they are."""
    try:
        return bool(codecs.lookup(name)._is_text_encoding) and "idna" not in name.lower()
    except (LookupError, ValueError):
        return False


def _wide(data: bytes) -> str | None:
    sample = data[:SAMPLE]
    if len(sample) >= 4 and 3 * sample[1::2].count(0) > len(sample):
        return "utf-16-le"
    if len(sample) >= 4 and 3 * sample[0::2].count(0) > len(sample):
        return "utf-16-be"
    return None


def _checked(text: str) -> str:
    text = text.rstrip(END_OF_FILE)
    if "\0" in text:
        line = text[: text.index("\0")].count("\n") + 1
        raise StatementError(
            "holds bytes that are no text",
            where=f"line {line}",
            remedy="put the statement itself into the folder, as the bank delivers it",
        )
    return text.removeprefix("\ufeff")
