"""Tax ids of customers whose check digits are right, as python-stdnum computes them."""

from __future__ import annotations

from random import Random

from stdnum import luhn
from stdnum.es import cif
from stdnum.gb import vat as gb_vat
from stdnum.ie import vat as ie_vat
from stdnum.iso7064 import mod_11_10

REVERSE_CHARGE = ("DE", "FR", "ES", "IE")
"""Countries of the European Union where the company's business customers are."""


def eu_vat_id(country: str, rng: Random) -> str:
    """A VAT id of one of `REVERSE_CHARGE` with a valid checksum."""
    body = str(rng.randrange(10_000_000, 99_999_999))
    if country == "DE":
        return f"DE{body}{mod_11_10.calc_check_digit(body)}"
    if country == "FR":
        siren = body + luhn.calc_check_digit(body)
        return f"FR{(int(siren + '12') % 97):02d}{siren}"
    if country == "ES":
        number = "B" + body[:7]
        return f"ES{number}{cif.calc_check_digits(number)[0]}"
    return f"IE{body[:7]}{ie_vat.calc_check_digit(body[:7])}"


def gb_vat_id(rng: Random) -> str:
    """A British VAT id with a valid checksum."""
    body = str(rng.randrange(1_000_000, 9_999_999))
    number = next(
        body + f"{check:02d}"
        for check in range(97)
        if gb_vat.checksum(body + f"{check:02d}") in (0, 42)
    )
    return f"GB{number}"
