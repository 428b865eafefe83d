"""Finding card numbers, track data and verification codes in text. A finding never holds them.

A pattern plus Luhn alone both misses (full-width digits, no-break and zero-width spaces, JSON in
JSON) and alarms falsely (one in ten of random numbers). So text is normalised first, a candidate
must be grouped as people write card numbers, begin with an issuer's range at a length of it, pass
Luhn, and not stand where banks and gateways put references.
"""

from __future__ import annotations

import hashlib
import html
import json
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from functools import cache, lru_cache
from importlib.resources import files
from typing import Any
from urllib.parse import unquote

import yaml

from heirpay_pipelines.personal.encoded_numbers import decoded_texts, whole_number
from heirpay_pipelines.personal.split_numbers import joined_pieces

SEPARATOR = r"[ \t\r\n\-./_+*|~·•‐-―−]"
CANDIDATE = re.compile(rf"[0-9](?:{SEPARATOR}{{0,3}}[0-9]){{11,}}")
# What also stands between the values of a list or a row: only between groups as they are written
# on a card, all alike, and where the row has no further value.
LISTED = re.compile(
    r"[0-9]{4}(?<![0-9A-Za-z].{4})(?P<by> ?[,:;=#'()&!?<>\\]{1,3} ?)[0-9]{4}(?:[0-9]{2})?(?P=by)"
    r"[0-9]{4,5}(?:(?P=by)[0-9]{2,4}(?:(?P=by)[0-9]{1,3})?)?(?![0-9A-Za-z]|(?P=by)\w)",
    re.DOTALL,
)
GROUP = re.compile(r"[0-9]+")
ESCAPED = re.compile(r"\\+u([0-9a-fA-F]{4})")
ESCAPED_SPACE = re.compile(r"\\+[nrt]")
LAYERS = 3
"""The text itself, and how often it may be encoded over again."""
SHORT, KEPT = 40, 20_000
"""Objects of an account have the same names, currencies, states and instants again and again: what
was found in so many texts of so few characters is known."""
PERCENT = re.compile(
    r"%C2%A0|%(?:2[0-46-9A-F]|25(?=[0-9A-F]{2})|5F|7C|7E|09|0A|0D|3[0-9A-F])", re.IGNORECASE
)
UUID = re.compile(r"\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b", re.IGNORECASE)
# MD5, SHA-1, SHA-2 in hexadecimal: one in some thousands holds digits that look like a card.
DIGEST = re.compile(
    r"\b(?=(?:[0-9]*[a-f]){4})"
    r"(?:[0-9a-f]{32}(?:[0-9a-f]{24}|(?:[0-9a-f]{32}){0,3})|[0-9a-f]{40})\b",
    re.IGNORECASE,
)
IBAN = re.compile(r"\b[A-Z]{2}[0-9]{2}(?: ?[0-9A-Z]{1,4}){3,8}\b")
TRACK = re.compile(
    r"[0-9](?:(?<=[Bb].)[0-9]{11,18}\^[^^\n]{2,26}\^[0-9]{4}"
    r"|(?<!\w.)[0-9]{11,18}[=Dd][0-9]{7,}\??)"
)
CODE = re.compile(
    r"\b(?:cvv2?|cvc2?|cvn2?|csc|security[ _-]?code|card verification (?:code|value|number))\b"
    r"[\"'\s:=#\-]{1,6}(?:is\s{1,3})?[0-9]{3,4}(?![0-9])",
    re.IGNORECASE,
)
ABOUT_CARDS = re.compile(r"card|\bpan\b|\bcc\b|visa|master|amex|kredit|carte", re.IGNORECASE)
REFERENCE_WORD = re.compile(
    r"(?:trace|reference|\bref|\barn\b|\brrn\b|imad|omad|iban|account|phone|tel|fax|ean|gtin|isbn)"
    r"[\w\s.:#=\-]{0,12}$",
    re.IGNORECASE,
)
REFERENCE_KEYS = frozenset({
    "trace_id", "trace_number", "phone", "acquirer_reference_number",
    "retrieval_reference_number", "network_transaction_id", "authorization_code",
    "transaction_id", "reference_number", "bank_account", "account_number", "fingerprint",
    "end_to_end_id", "servicer_reference", "iban",
})  # fmt: skip
LETTERS = str.maketrans("0123456789abcdef", "abcdefghijklmnop")
GROUPINGS = {(4, 6, 5), (4, 6, 4), (4, 4, 5), (4, 4, 4, 4, 3), (6, 10), (6, 13)}


@dataclass(frozen=True)
class CardFinding:
    """`kind` is card_number, track_data or verification_code; `brand` of a card number; `where`
    the keys that lead to the text."""

    kind: str
    brand: str | None = None
    where: str = ""


@dataclass(frozen=True)
class Range:
    brand: str
    low: int
    high: int
    lengths: frozenset[int]
    width: int


def find_in_json(payload: str) -> list[CardFinding]:
    """Findings in a JSON text (in keys, strings, numbers and JSON inside strings), or in plain
    text when it is not JSON."""
    try:
        value = json.loads(payload, parse_float=Decimal)
    except (ValueError, RecursionError):
        return find_in_text(payload)
    return list(dict.fromkeys(_walk(value, ())))


def find_in_text(text: str, key: str = "") -> list[CardFinding]:
    """Findings in one text. `key` is the name of the field it stands in."""
    return list((_known_findings if len(text) <= SHORT else _findings)(text, key))


def _findings(text: str, key: str) -> tuple[CardFinding, ...]:
    found: list[CardFinding] = []
    plain = [normalised(text)]
    for _ in range(LAYERS):
        for each in plain:
            found += _in_plain(each, key)
        plain = [normalised(decoded) for each in plain for decoded in decoded_texts(each)]
    return tuple(dict.fromkeys(found))


_known_findings = lru_cache(maxsize=KEPT)(_findings)


def masked(text: str) -> str:
    """The text, or a digest in its place when a card number stands in it: for names and ids that
    are shown, stored or sent."""
    if not find_in_text(text):
        return text
    return f"hidden-{hashlib.sha256(text.encode()).hexdigest()[:12].translate(LETTERS)}"


def _in_plain(plain: str, key: str) -> list[CardFinding]:
    found: list[CardFinding] = []
    if TRACK.search(plain) and any(_brand_of(m) for m in _track_numbers(plain)):
        found.append(CardFinding("track_data", where=key))
    if CODE.search(plain) or _is_code_field(key, plain):
        found.append(CardFinding("verification_code", where=key))
    plain = DIGEST.sub("#", plain)
    for hidden in (UUID, IBAN):
        plain = hidden.sub(_blank_unless_card, plain)
    for match in CANDIDATE.finditer(plain):
        brand = _brand_in(plain, match, key)
        if brand:
            found.append(CardFinding("card_number", brand, key))
    found += [
        CardFinding("card_number", brand, key)
        for match in LISTED.finditer(plain)
        if (brand := _brand_listed(plain, match, key))
    ]
    return found


def _brand_listed(plain: str, match: re.Match[str], key: str) -> str | None:
    """The brand of groups with commas, colons and the like between them, unless they are the end
    of a longer row."""
    before = plain[max(0, match.start() - 40) : match.start()]
    if not ABOUT_CARDS.search(before) and (
        key in REFERENCE_KEYS or before.endswith(match["by"].rstrip())
    ):
        return None
    groups = GROUP.findall(match[0])
    if not _as_people_group(tuple(map(len, groups)), match[0]):
        return None
    return _brand_of("".join(groups))


def normalised(text: str) -> str:
    """Undo what hides digits: escapes of any depth, full-width and other scripts' digits, no-break
    and zero-width spaces, HTML entities and percent encoding."""
    plain = ESCAPED.sub(lambda match: chr(int(match[1], 16)), text)
    plain = ESCAPED_SPACE.sub("\n", plain)
    for _ in range(LAYERS if "%25" in plain else 1):
        plain = PERCENT.sub(lambda match: unquote(match[0]), plain)
    if "&" in plain:
        plain = html.unescape(plain)
    if "\0" in plain:
        plain = plain.replace("\0", "")
    if plain.isascii():
        return plain
    return "".join(
        str(unicodedata.digit(char)) if char.isdigit() and not char.isascii() else char
        for char in unicodedata.normalize("NFKC", plain)
        if unicodedata.category(char) != "Cf"
    )


def _walk(value: Any, path: tuple[str, ...]) -> Iterator[CardFinding]:
    if isinstance(value, dict | list):
        for name, digits in joined_pieces(value):
            if brand := _brand_of(digits):
                yield CardFinding("card_number", brand, ".".join((*path, *([name] * bool(name)))))
    if isinstance(value, dict):
        for key, inner in value.items():
            in_key = find_in_text(key)
            yield from (CardFinding(f.kind, f.brand, "key") for f in in_key)
            yield from _walk(inner, (*path, masked(key) if in_key else key))
    elif isinstance(value, list):
        for inner in value:
            yield from _walk(inner, path)
    elif isinstance(value, str | int | Decimal) and not isinstance(value, bool):
        text = (whole_number(value) or "") if isinstance(value, Decimal) else str(value)
        if text[:1] in ("{", "[", '"'):
            try:
                yield from _walk(json.loads(text, parse_float=Decimal), path)
            except (ValueError, RecursionError):
                pass
            else:
                return
        # The parent's name counts too: Stripe nests a trace as trace_id.value.
        key = next((part for part in reversed(path[-2:]) if part in REFERENCE_KEYS), "")
        where = ".".join(path)
        for finding in find_in_text(text, key or (path[-1] if path else "")):
            yield CardFinding(finding.kind, finding.brand, where)


def _brand_in(text: str, match: re.Match[str], key: str) -> str | None:
    """The brand of the first card number among the candidate's groups, if there is one."""
    groups = list(GROUP.finditer(match[0]))
    for first in range(len(groups)):
        for last in range(first, len(groups)):
            digits = "".join(group[0] for group in groups[first : last + 1])
            if len(digits) > 19:
                break
            # Most candidates end here: the check digit costs less than what stands around them.
            brand = _brand_of(digits) if len(digits) >= 13 else None
            if brand and _stands_as_a_card(text, match, key, groups[first : last + 1]):
                return brand
    return None


def _stands_as_a_card(
    text: str, match: re.Match[str], key: str, groups: list[re.Match[str]]
) -> bool:
    """Whether the digits are grouped as people write card numbers, or stand alone where cards are
    spoken of or no reference is."""
    before = text[max(0, match.start() - 40) : match.start()]
    about_cards = bool(ABOUT_CARDS.search(before))
    sizes = tuple(len(group[0]) for group in groups)
    if sum(sizes) == 13 and not about_cards:
        return False  # thirteen digits are phones and barcodes unless cards are spoken of
    if len(sizes) > 1:
        return _as_people_group(sizes, match[0][groups[0].start() : groups[-1].end()])
    referenced = not about_cards and (
        key in REFERENCE_KEYS or bool(REFERENCE_WORD.search(before)) or before.endswith("+")
    )
    return not referenced and not _is_fraction(text, match.start() + groups[0].start())


def _as_people_group(sizes: tuple[int, ...], joined: str) -> bool:
    if sizes in GROUPINGS or (len(sizes) == 2 and "\n" in joined and min(sizes) >= 4):
        return True
    whole = set(sizes[:-1])
    return len(whole) == 1 and sizes[0] in (1, 2, 4, 8) and 1 <= sizes[-1] <= sizes[0]


def _is_fraction(text: str, start: int) -> bool:
    return bool(re.search(r"[0-9]\.$", text[max(0, start - 2) : start]))


def _is_code_field(key: str, text: str) -> bool:
    return bool(
        re.fullmatch(r"(?:card_?)?(?:cvv2?|cvc2?|csc|security_code)", key.lower())
    ) and bool(re.fullmatch(r"\s*[0-9]{3,4}\s*", text))


def _track_numbers(text: str) -> Iterator[str]:
    for match in TRACK.finditer(text):
        number = re.search(r"[0-9]{12,19}", match[0])
        if number:
            yield number[0]


def _blank_unless_card(match: re.Match[str]) -> str:
    """IBANs and UUIDs hold long runs of digits; one whose check digits fit is blanked."""
    from stdnum import iban

    text = match[0]
    is_uuid = len(text) == 36 and text.count("-") == 4
    return "#" if is_uuid or iban.is_valid(text) else text


def _brand_of(digits: str) -> str | None:
    from stdnum import luhn

    if len(set(digits)) <= 1:
        return None
    for item in _ranges():
        if len(digits) in item.lengths and item.low <= int(digits[: item.width]) <= item.high:
            return item.brand if luhn.is_valid(digits) else None
    return None


@cache
def _ranges() -> tuple[Range, ...]:
    content = yaml.safe_load(files(__package__).joinpath("issuers.yaml").read_text())
    return tuple(
        Range(i["brand"], i["from"], i["to"], frozenset(i["lengths"]), len(str(i["from"])))
        for i in content
    )
