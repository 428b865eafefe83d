"""Notes that the law demands on an invoice: they stay, whatever else stands in the same text."""

from __future__ import annotations

import re

# Directive 2006/112/EC article 226(11) and (11a), as invoices write it in the languages of the
# Union: reverse charge, exemption, supply within the Community.
NOTES = re.compile(
    r"reverse[ -]charge|steuerschuldnerschaft(?: des leistungsempfängers)?|autoliquidation"
    r"|inversione contabile|inversión del sujeto pasivo|btw verlegd|odwrotne obciążenie"
    r"|autoliquidação|omvänd [a-zäöå]+|omvendt betalingspligt|käännetty verovelvollisuus"
    r"|fordított adózás|přenesení daňové povinnosti|taxare inversă"
    r"|(?:vat|tax)[ -]exempt(?:ion)?|steuerfreie? (?:innergemeinschaftliche )?lieferung"
    r"|intra-community supply|article \d{2,3}[^.;,\n]{0,40}directive 2006/112/ec",
    re.IGNORECASE,
)


def notes_in(text: str) -> list[str]:
    """The notes that stand in a text, as they are written there."""
    return [match[0] for match in NOTES.finditer(text)]
