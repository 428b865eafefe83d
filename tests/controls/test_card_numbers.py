"""Planted card numbers are all found; ids, epochs and bank references raise no alarm."""

from __future__ import annotations

import gzip
import json
import os
import random
import string
import time
import zlib
from base64 import b32encode, b64encode, urlsafe_b64encode
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pytest
from stdnum import luhn

from heirpay_pipelines.bank.names import shown_name
from heirpay_pipelines.controls import RunContext
from heirpay_pipelines.controls.card_numbers import find_in_json, find_in_text, masked
from heirpay_pipelines.controls.probes import PROBES, ProbeInput
from heirpay_pipelines.controls.probes.text import IN_BASE64, MAY_HOLD, PREFILTER
from heirpay_pipelines.settings import Settings

PREFIXES = {
    "visa": ("4", 16), "visa19": ("4", 19), "mastercard": ("51", 16), "mastercard2": ("2221", 16),
    "mastercard2b": ("2720", 16), "amex": ("37", 15), "discover": ("6011", 16),
    "discover65": ("65", 16), "diners": ("36", 14), "diners38": ("38", 14), "jcb": ("3530", 16),
    "maestro": ("6761", 18), "unionpay": ("62", 16), "mir": ("2200", 16),
}  # fmt: skip


def numbers(count: int, seed: int) -> list[str]:
    """Well-formed numbers of every brand, from a seed."""
    rng = random.Random(seed)
    made = []
    for n in range(count):
        prefix, length = list(PREFIXES.values())[n % len(PREFIXES)]
        body = prefix + "".join(rng.choices(string.digits, k=length - len(prefix) - 1))
        made.append(body + luhn.calc_check_digit(body))
    return made


def grouped(number: str, separator: str) -> str:
    if len(number) in (14, 15):
        return separator.join((number[:4], number[4:10], number[10:]))
    return separator.join(number[n : n + 4] for n in range(0, len(number), 4))


FULL_WIDTH = str.maketrans(string.digits, "０１２３４５６７８９")
ARABIC = str.maketrans(string.digits, "٠١٢٣٤٥٦٧٨٩")
ENCODINGS: dict[str, Callable[[str], str]] = {
    "plain": lambda n: f"paid with {n} today",
    "spaces": lambda n: f"paid with {grouped(n, ' ')}",
    "hyphens": lambda n: grouped(n, "-"),
    "dots": lambda n: grouped(n, "."),
    "slashes": lambda n: grouped(n, "/"),
    "underscores": lambda n: f"no_{grouped(n, '_')}",
    "no-break spaces": lambda n: grouped(n, "\u00a0"),
    "zero-width spaces": lambda n: "\u200b".join(n),
    "word joiners": lambda n: grouped(n, "\u2060"),
    "en dashes": lambda n: grouped(n, "\u2013"),
    "full-width digits": lambda n: n.translate(FULL_WIDTH),
    "arabic digits": lambda n: n.translate(ARABIC),
    "newline": lambda n: f"{n[:8]}\n{n[8:]}",
    "windows newline": lambda n: f"{n[:8]}\r\n{n[8:]}",
    "tabs": lambda n: grouped(n, "\t"),
    "json in json": lambda n: json.dumps({"note": json.dumps({"card": grouped(n, "\u00a0")})}),
    "json in json in json": lambda n: json.dumps(
        json.dumps({"x": json.dumps({"y": n.translate(FULL_WIDTH)})})
    ),
    "inside an id": lambda n: f"order_{n}x",
    "percent encoded": lambda n: f"https://shop.test/?q={grouped(n, '%20')}",
    "html": lambda n: grouped(n, "&nbsp;"),
    "digit by digit": lambda n: " ".join(n),
    "percent encoded twice": lambda n: "".join(f"%253{digit}" for digit in n),
    "plus signs": lambda n: grouped(n, "+"),
    "encoded plus signs": lambda n: grouped(n, "%2B"),
    "asterisks": lambda n: grouped(n, "*"),
    "pipes": lambda n: grouped(n, "|"),
    "hexadecimal": lambda n: n.encode().hex(),
    "a float": lambda n: f"{n[0]}.{n[1:]}e{len(n) - 1}",
    **{
        f"groups with {by}": (lambda n, by=by: f"paid {grouped(n, by)} today")  # type: ignore[misc]
        for by in (",", ", ", ":", ";", "=", "#", "'", ")(", "&", "::", " : ", "!", "\\")
    },
    "parentheses": lambda n: f"({grouped(n, ')(')})",
    "said to be a card, with =": lambda n: f"card={grouped(n, '=')}",
    "encoded commas": lambda n: grouped(n, "%2C"),
    "named entities": lambda n: grouped(n, "&comma;"),
    "numbered entities": lambda n: "".join(f"&#x{ord(digit):x};" for digit in n),
    "zero bytes": lambda n: "\0".join(n),
    "hexadecimal with blanks": lambda n: n.encode().hex(" "),
    "hexadecimal with prefixes": lambda n: "".join(f"\\x{ord(digit):x}" for digit in n),
    "quoted-printable": lambda n: "".join(f"={ord(digit):X}" for digit in n),
    "a float in a text": lambda n: f"paid {n[0]}.{n[1:]}E+{len(n) - 1} today",
}
BASE64: dict[str, Callable[[str], str]] = {
    "base64": lambda n: b64encode(n.encode()).decode(),
    "base64 of hexadecimal": lambda n: b64encode(n.encode().hex().encode()).decode(),
    "base64 without padding": lambda n: b64encode(n.encode()).decode().rstrip("="),
    "base64 for a URL": lambda n: urlsafe_b64encode(f"??>{n}".encode()).decode(),
    "base64 of groups": lambda n: b64encode(grouped(n, " ").encode()).decode(),
    "base64 of a sentence": lambda n: b64encode(f"card {grouped(n, '-')}, ok".encode()).decode(),
    "base64 of JSON": lambda n: b64encode(json.dumps({"card": n}).encode()).decode(),
    "UTF-16 in base64": lambda n: b64encode(n.encode("utf-16")).decode(),
    "UTF-16 the other way round": lambda n: b64encode(f"x{n}".encode("utf-16-be")).decode(),
    "UTF-16 of groups": lambda n: b64encode(grouped(n, " ").encode("utf-16-le")).decode(),
    "base32": lambda n: b32encode(n.encode()).decode(),
    "base32 of a sentence": lambda n: b32encode(f"card {grouped(n, '-')}, ok".encode()).decode(),
    "base32 in small letters": lambda n: b32encode(n.encode()).decode().lower().rstrip("="),
    "gzip in base64": lambda n: b64encode(gzip.compress(n.encode())).decode(),
    "gzip for a URL": lambda n: urlsafe_b64encode(gzip.compress(f"card {n}".encode())).decode(),
    "zlib in base64": lambda n: b64encode(zlib.compress(n.encode())).decode(),
    "zlib, hard": lambda n: b64encode(zlib.compress(n.encode(), 9)).decode(),
    "base64 in a sentence": lambda n: f"see x-{b64encode(n.encode()).decode()}; thanks",
}
ALL = ENCODINGS | BASE64


@pytest.mark.parametrize("encoding", ALL)
def test_every_planted_number_is_found(encoding: str) -> None:
    for number in numbers(42, seed=len(encoding)):
        text = ALL[encoding](number)
        payload = json.dumps({"id": "cus_1", "description": text})
        assert find_in_text(text), encoding
        assert find_in_json(payload), encoding
        assert find_in_json(json.dumps({"n": {"d": text}}, ensure_ascii=False)), encoding


@pytest.mark.parametrize("encoding", ALL)
def test_every_planted_number_is_a_candidate_in_duckdb(encoding: str) -> None:
    """The night's scan confirms in Python only what these conditions let through."""
    texts = [ALL[encoding](number) for number in numbers(42, seed=len(encoding))]
    payloads = [json.dumps({"note": text}, ensure_ascii=a) for text in texts for a in (True, False)]
    may_hold = IN_BASE64 if encoding in BASE64 else MAY_HOLD
    passed = duckdb.execute(
        f"select count(*) filter ({PREFILTER.format('text')}),"
        f" count(*) filter ({may_hold.format('text')}) from (select unnest(?) as text)",
        [[*texts, *payloads]],
    ).fetchone()
    assert passed == (126, 126)


HALVES: dict[str, Callable[[str], object]] = {
    "numbered names": lambda n: {"card_1": n[:8], "card_2": n[8:]},
    "lettered names": lambda n: {"a": n[:10], "b": n[10:]},
    "ordinals": lambda n: {"first half": n[:9], "second half": n[9:]},
    "camel case": lambda n: {"partOne": n[:6], "partTwo": n[6:]},
    "spoken of as a card": lambda n: {"card": n[:8], "remainder": n[8:]},
    "a list": lambda n: [n[:8], n[8:]],
    "custom fields": lambda n: [
        {"key": "x", "text": {"value": n[:8], "maximum_length": None}},
        {"key": "y", "text": {"value": n[8:], "maximum_length": None}},
    ],
    "a name and its value": lambda n: {n[:8]: n[8:]},
    "a name and its number": lambda n: {n[:8]: int(n[8:]) if n[8] != "0" else n[8:]},
    "a name that says card": lambda n: {f"visa card {n[:6]}": n[6:]},
    "JSON in a text": lambda n: json.dumps({"c1": n[:8], "c2": n[8:]}),
}


@pytest.mark.parametrize("split", HALVES)
def test_a_number_in_pieces_is_found(split: str) -> None:
    for number in numbers(42, seed=len(split)):
        payload = json.dumps({"id": "cus_1", "metadata": HALVES[split](number), "tax": None})
        assert find_in_json(payload), payload
        compact = json.dumps(json.loads(payload), separators=(",", ":"))
        for text in (payload, compact):
            asked = f"select {PREFILTER.format('$1')}"
            assert duckdb.execute(asked, [text]).fetchone() == (True,), text


def test_a_row_of_numbers_an_instant_and_a_longer_address_are_no_card() -> None:
    number = next(n for n in numbers(14, seed=9) if len(n) == 16)
    for text in (
        f"2026,{grouped(number, ',')}",
        f"{grouped(number, ',')},1200",
        f"USD;{grouped(number, ';')};paid",
        f"2001:{grouped(number, ':')}:1:2",
        f"ab{grouped(number, ':')}",
        f"{number[:4]},{number[4:8]};{number[8:12]},{number[12:]}",
    ):
        assert find_in_text(text) == [], text
    rng = random.Random(5)
    for _ in range(2000):
        sold = {str(rng.randrange(10**5, 10**6)): str(rng.randrange(1_700_000_000, 1_800_000_000))}
        counted = {str(rng.randrange(4 * 10**12, 5 * 10**12)): str(rng.randrange(10**4))}
        named = {f"order_{rng.randrange(10**7, 10**8)}": str(rng.randrange(10**7, 10**8))}
        assert find_in_json(json.dumps({"metadata": sold | counted | named})) == []


def test_what_is_compressed_is_unpacked_to_a_bound_only() -> None:
    bomb = b64encode(gzip.compress(b"0" * 200_000_000, 1)).decode()
    started = time.process_time()
    assert find_in_text(bomb) == []
    assert time.process_time() - started < 5


def test_four_neighbouring_groups_of_four_are_one_number_whatever_they_are_called() -> None:
    number = next(n for n in numbers(14, seed=9) if len(n) == 16)
    names = ("order", "shop", "till", "clerk")
    pieces = {name: number[4 * n : 4 * n + 4] for n, name in enumerate(names)}
    assert find_in_json(json.dumps({"metadata": pieces}))
    assert find_in_json(json.dumps({"metadata": dict(reversed(pieces.items()))})) == []


@pytest.mark.parametrize("digits", [7, 8, 9])
def test_neighbours_of_other_names_are_no_pieces(digits: int) -> None:
    rng = random.Random(13)
    for _ in range(2000):
        payload = {
            "metadata": {"order_id": str(rng.randrange(4 * 10 ** (digits - 1), 10**digits)),
                         "customer_no": str(rng.randrange(10**7, 10**8))},
            "address": {"line2": "12", "postal_code": "40489"},
            "cards": [{"last4": str(rng.randrange(1000, 9999)), "exp": "1229"} for _ in range(4)],
        }  # fmt: skip
        assert find_in_json(json.dumps(payload)) == []


def test_a_float_in_json_is_found_and_a_fraction_or_a_huge_one_is_not() -> None:
    for number in numbers(14, seed=4):
        for text in (f"{number[0]}.{number[1:]}e{len(number) - 1}", f"{number}.0"):
            assert find_in_json(f'{{"metadata": {{"memo": {text}}}}}'), text
    for text in ("0.4242424242424242", "4.242424242424242e14", "1e999999", "NaN", "-Infinity"):
        assert find_in_json(f'{{"memo": {text}}}') == []


def test_what_is_shown_of_a_name_with_a_number_shows_none_of_it() -> None:
    for number in numbers(14, seed=6):
        shown = masked(f"statement {grouped(number, '-')}.csv")
        assert find_in_text(shown) == []
        assert not any(character.isdigit() for character in shown)
    assert masked("statement-2026-10.csv") == "statement-2026-10.csv"
    number = numbers(1, seed=3)[0]
    (finding, *_) = [
        f for f in find_in_json(json.dumps({number: {"memo": number}})) if f.where != "key"
    ]
    assert number not in finding.where


def test_as_a_json_number_and_as_a_key() -> None:
    number = numbers(1, seed=3)[0]
    assert find_in_json(json.dumps({"memo": int(number)}))
    assert find_in_json(json.dumps({"metadata": {number: "x"}}))


def test_a_finding_never_holds_the_number() -> None:
    for number in numbers(14, seed=5):
        findings = find_in_json(json.dumps({"description": f"card {number}"}))
        assert findings
        assert number not in repr(findings)
        assert number[:6] not in repr(findings)
        assert number[-4:] not in repr(findings)


def test_track_data_and_verification_codes() -> None:
    number = numbers(1, seed=7)[0]
    kinds = {f.kind for f in find_in_text(f"%B{number}^DOE/JANE^29121010000000000000?")}
    assert "track_data" in kinds
    assert {f.kind for f in find_in_text(f";{number}=29121010000000000?")} >= {"track_data"}
    assert {f.kind for f in find_in_text("CVV: 123")} == {"verification_code"}
    assert {f.kind for f in find_in_json('{"card": {"cvc": "1234"}}')} == {"verification_code"}
    assert find_in_json('{"checks": {"cvc_check": "pass"}, "cvc": null}') == []


BASE62 = string.ascii_letters + string.digits


def stripe_id(rng: random.Random) -> str:
    prefix = rng.choice(("ch", "cus", "in", "pi", "txn", "po", "evt", "sub_sched", "cs_test"))
    return f"{prefix}_{''.join(rng.choices(BASE62, k=rng.choice((14, 24))))}"


def epoch(rng: random.Random) -> str:
    return str(rng.randrange(1_400_000_000, 2_000_000_000) * rng.choice((1, 10**3, 10**6, 10**9)))


def bank_trace(rng: random.Random) -> str:
    routing = rng.choice(("0", "1", "2", "3")) + rng.choice("012") + digits(rng, 6)
    return rng.choice(
        (
            routing + digits(rng, 7),  # ACH trace
            "7" + digits(rng, 22),  # acquirer reference number
            digits(rng, 12),  # retrieval reference number
            f"2026{digits(rng, 4)}MMQFMP2K{digits(rng, 6)}",  # IMAD
            f"trace {digits(rng, 16)}",
            f"ref. {digits(rng, 15)}",
        )
    )


def token(rng: random.Random) -> str:
    """Base64 and hexadecimal of random bytes, as in links, secrets and digests."""
    raw = rng.randbytes(rng.choice((16, 20, 32, 48)))
    return rng.choice((b64encode(raw).decode(), urlsafe_b64encode(raw).decode(), raw.hex()))


def digits(rng: random.Random, count: int) -> str:
    return "".join(rng.choices(string.digits, k=count))


def test_a_million_ids_epochs_and_traces_raise_no_alarm() -> None:
    """A tenth of them here; all of them with CARD_NUMBERS_AMONG=1000000."""
    rng = random.Random(11)
    makers = (stripe_id, epoch, bank_trace, token)
    alarms = []
    for n in range(int(os.environ.get("CARD_NUMBERS_AMONG", "100000")) // 1000):
        values = [make(rng) for make in rng.choices(makers, k=1000)]
        text = ";".join(values)
        if n % 2:  # as neighbours, too
            text = json.dumps({"metadata": {f"{v[:3]}_{i}": v for i, v in enumerate(values)}})
        if find_in_json(text):
            alarms.append(text[:50])
    assert alarms == []


@pytest.mark.parametrize(
    "text",
    [
        "0.4242424242424242",
        "DK5000400440116243",
        "4242424242424241",
        "0000000000000000",
        "3f2504e0-4f89-11d3-9a0c-0305e82c3301",
        "2026-10-28 2026-11-01",
        '{"trace_id": {"status": "supported", "value": "4242424242424242"}}',
        "+49 151 23456785",
    ],
)
def test_what_only_looks_like_a_card_number(text: str) -> None:
    assert find_in_json(text) == []


def test_a_digest_that_holds_such_digits_is_no_card_and_an_id_that_does_is_one() -> None:
    """Manifests, heads of the audit chain: a blocking control alarmed at one in a test's night."""
    digest = "aaa03ba7b1eac29d4012639c28dce24ab8982d3584760965471870bf2d974b62"
    for text in (digest, digest.upper(), f'{{"sha256": "{digest}"}}'):
        assert find_in_text(text) == []
    (number,) = numbers(1, seed=7)
    for text in (f"order-ab{number}", f"{number} {digest}", f"beef{number}cafe"):
        assert find_in_text(text) != []


@pytest.mark.parametrize("encoding", ["plain", "hyphens", "underscores", "plus signs", *BASE64])
def test_a_number_in_the_name_of_a_file_is_found_and_shown_nowhere(
    tmp_path: Path, encoding: str
) -> None:
    number = next(n for n in numbers(14, seed=2) if len(n) == 16)
    name = ALL[encoding](number).replace("/", "_") + ".csv"
    bank = tmp_path / "statements"
    for folder in (bank, tmp_path / "home" / "exports"):
        folder.mkdir(parents=True)
        (folder / name).touch()
        (folder / "statement-2026-10-01_2026-10-31.csv").touch()
    at = datetime(2026, 11, 1, tzinfo=UTC)
    settings = Settings(HEIRPAY_HOME=tmp_path / "home", HEIRPAY_BANK_STATEMENTS=bank)
    with duckdb.connect() as connection:
        given = ProbeInput(connection=connection, run=RunContext("r", at, settings, at))
        found = PROBES["card_numbers_in_files"](given)
    assert (found.status, found.violations) == ("fail", 2)
    for text in (json.dumps(found.evidence), shown_name(name)):
        assert name not in text
        assert find_in_json(text) == []
    assert shown_name("statement-2026-10.csv") == "statement-2026-10.csv"
