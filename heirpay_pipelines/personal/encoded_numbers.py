"""Digits that a text holds in another form: base64, hexadecimal, a float in scientific notation."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator
from decimal import Decimal, InvalidOperation

# Three bytes that are digits, blanks, hyphens, dots, slashes or plus signs, as four characters of
# base64. Nine such bytes in a row are no chance: an id has them once in 10^10 characters.
DIGITS_IN_BASE64 = r"(?:[IKLMNO][CDSTijyz][AEIMQUYcgkosw048][grt-z0-5]){3}"
DIGITS_IN_HEX = r"(?:3[0-9]){12}"
SCIENTIFIC = r"[0-9]\.[0-9]{1,18}[eE]\+?0?1[1-8]"

_BASE64_DIGITS = re.compile(DIGITS_IN_BASE64)
_BASE64_TOKEN = re.compile(r"[A-Za-z0-9+/_-]{12,}={0,2}")
_HEX = re.compile(r"(?<![0-9a-fA-F])(?:[0-9a-fA-F]{2}){13,}(?![0-9a-fA-F])")
_HEX_DIGITS = re.compile(DIGITS_IN_HEX)
_NUMBER = re.compile(r"(?<![\w.])[0-9]+(?:\.[0-9]+)?[eE]\+?[0-9]{1,2}(?![\w.])")
LONGEST = 19


def decoded_texts(text: str) -> Iterator[str]:
    """What stands in the text in another form, decoded, where that has digits in it."""
    if _BASE64_DIGITS.search(text):
        for token in _BASE64_TOKEN.finditer(text):
            yield from _from_base64(token[0])
    if _HEX_DIGITS.search(text):
        for token in _HEX.finditer(text):
            yield bytes.fromhex(token[0]).decode("utf-8", "replace")
    if "e" in text or "E" in text:
        for number in _NUMBER.finditer(text):
            if whole := whole_number(number[0]):
                yield whole


def whole_number(value: str | Decimal) -> str | None:
    """A float's digits when it is a whole number of no more digits than a card number has."""
    try:
        number = Decimal(value)
    except InvalidOperation:
        return None
    if not number.is_finite() or not 0 <= number.adjusted() < LONGEST:
        return None
    return str(int(number)) if number == number.to_integral_value() else None


def _from_base64(token: str) -> Iterator[str]:
    """The token decoded where it holds digits, whatever stands before them and joins them."""
    seen = set()
    for found in _BASE64_DIGITS.finditer(token):
        start = found.start() % 4
        if start not in seen:
            seen.add(start)
            body = token[start:].rstrip("=").replace("-", "+").replace("_", "/")
            body = body[: len(body) - 1] if len(body) % 4 == 1 else body
            try:
                raw = base64.b64decode(body + "=" * (-len(body) % 4))
            except binascii.Error:
                continue
            yield raw.decode("utf-8", "replace")
