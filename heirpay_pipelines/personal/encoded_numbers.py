"""Digits that a text holds in another form: base64 (of UTF-16, of compressed text), base32,
hexadecimal, a float in scientific notation."""

from __future__ import annotations

import base64
import binascii
import re
import zlib
from collections.abc import Iterator
from decimal import Decimal, InvalidOperation

# Three bytes that are digits, blanks, hyphens, dots, slashes or plus signs, as four characters of
# base64. Nine such bytes in a row are no chance: an id has them once in 10^10 characters.
# UTF-16 has a zero byte beside each: six bytes are eight characters, wherever they begin.
DIGITS_IN_BASE64 = (
    r"[IKLMNO](?:[CDSTijyz][AEIMQUYcgkosw048][grt-z0-5]"
    r"(?:[IKLMNO][CDSTijyz][AEIMQUYcgkosw048][grt-z0-5]){2}"
    r"|[AQgw]A[grt-z0-5]A[CD][AEIMQUYcgkosw048]A[IKLMNO][AQgw]A[grt-z0-5]A[CD])"
)
# Five such bytes, as eight characters of base32, in either case.
DIGITS_IN_BASE32 = (
    r"(?:[E-He-h][AEIMQUYaeimquy4][Q-Zq-z2-7][CDSTcdst][ACEGIKMOQSUWYacegikmoqsuwy246]"
    r"[I-Pi-p][BJRZbjrz][A-Za-z2-7]){2}"
)
COMPRESSED = r"(?:H4sIA|eJ[w-z]|eN[o-r]|eA[EF]|eF[4-7]|1f8b08|1F8B08)[A-Za-z0-9+/_-]{16}"
"""How gzip and zlib begin, in base64 and hexadecimal."""
DIGITS_IN_HEX = r"3[0-9](?:[^0-9A-Za-z]{0,2}(?:0?x)?3[0-9]){11}"
SCIENTIFIC = r"[0-9]\.[0-9]{1,18}[eE]\+?0?1[1-8]"

_BASE64_DIGITS = re.compile(DIGITS_IN_BASE64)
_BASE32_DIGITS = re.compile(DIGITS_IN_BASE32)
_BASE32_TOKEN = re.compile(r"[A-Za-z2-7]{16,}")
_COMPRESSED = re.compile(rf"(?<![A-Za-z0-9+/_-]){COMPRESSED}[A-Za-z0-9+/_-]*")
_BEGINNINGS = ("H4sIA", "eJ", "eN", "eA", "eF", "1f8b08", "1F8B08")
_BASE64_TOKEN = re.compile(r"[A-Za-z0-9+/_-]{12,}={0,2}")
_HEX = re.compile(r"(?<![0-9a-fA-F])(?:[0-9a-fA-F]{2}){13,}(?![0-9a-fA-F])")
_HEX_DIGITS = re.compile(DIGITS_IN_HEX)
_SPACED_HEX = re.compile(r"3[0-9](?:[^0-9A-Za-z]{1,2}(?:0?x)?3[0-9]){12,}")
_HEX_DIGIT = re.compile(r"3([0-9])")
_NUMBER = re.compile(r"[0-9](?<![\w.].)[0-9]*(?:\.[0-9]+)?[eE]\+?[0-9]{1,2}(?![\w.])")
LONGEST = 19
MOST_UNPACKED = 1_000_000
"""Bytes of compressed text that are looked at: a few hundred can be made to hold gigabytes."""


def decoded_texts(text: str) -> Iterator[str]:
    """What stands in the text in another form, decoded, where that has digits in it."""
    if _BASE64_DIGITS.search(text):
        for token in _BASE64_TOKEN.finditer(text):
            yield from _from_base64(token[0])
    if _HEX_DIGITS.search(text):
        for token in _HEX.finditer(text):
            yield bytes.fromhex(token[0]).decode("utf-8", "replace")
        for token in _SPACED_HEX.finditer(text):
            yield "".join(_HEX_DIGIT.findall(token[0]))
    if len(text) > LONGEST and _BASE32_DIGITS.search(text):
        for token in _BASE32_TOKEN.finditer(text):
            yield from _from_base32(token[0].upper())
    if any(beginning in text for beginning in _BEGINNINGS):
        for token in _COMPRESSED.finditer(text):
            yield from _unpacked(token[0])
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
            raw = _base64_bytes(token[start:])
            yield raw.replace(b"\0", b"").decode("utf-8", "replace")


def _base64_bytes(token: str) -> bytes:
    body = token.rstrip("=").replace("-", "+").replace("_", "/")
    body = body[: len(body) - 1] if len(body) % 4 == 1 else body
    try:
        return base64.b64decode(body + "=" * (-len(body) % 4))
    except binascii.Error:
        return b""


def _from_base32(token: str) -> Iterator[str]:
    for start in dict.fromkeys(found.start() % 8 for found in _BASE32_DIGITS.finditer(token)):
        # A rest of one, three or six characters is no whole byte more.
        body = token[start:]
        body = body[: len(body) - (len(body) % 8 in (1, 3, 6))]
        raw = base64.b32decode(body + "=" * (-len(body) % 8))
        yield raw.replace(b"\0", b"").decode("utf-8", "replace")


def _unpacked(token: str) -> Iterator[str]:
    in_hex = token[:2].lower() == "1f"
    try:
        raw = bytes.fromhex(token[: len(token) // 2 * 2]) if in_hex else _base64_bytes(token)
        text = zlib.decompressobj(zlib.MAX_WBITS | 32).decompress(raw, MOST_UNPACKED)
    except (ValueError, zlib.error):
        return
    yield text.replace(b"\0", b"").decode("utf-8", "replace")
