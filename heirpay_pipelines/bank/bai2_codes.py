"""Which way the money of a BAI2 type code goes."""

from __future__ import annotations

OTHER_CREDITS = frozenset(("706", "708", *map(str, range(720, 729)), "827", "829"))
OTHER_DEBITS = frozenset(("760", "828"))
NO_MONEY = "890"


def direction_of(code: str) -> int | None:
    """1 for a credit, -1 for a debit, 0 for what is no money, None where the code does not say."""
    if code == NO_MONEY:
        return 0
    if "100" <= code <= "399" or "920" <= code <= "959" or code in OTHER_CREDITS:
        return 1
    if "400" <= code <= "699" or "960" <= code <= "999" or code in OTHER_DEBITS:
        return -1
    return None


def is_banks_own(code: str) -> bool:
    """9xx: each bank gives them a meaning; whether they are money its balances show."""
    return code[:1] == "9"
