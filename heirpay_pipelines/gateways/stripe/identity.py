"""Whose account it is: asked, or learnt where the key may not ask."""

from __future__ import annotations

import re
from typing import Any

from heirpay_pipelines.gateways.errors import NotReadableError
from heirpay_pipelines.gateways.stripe.client import Client
from heirpay_pipelines.gateways.stripe.lister import Object

UNKNOWN = "acct_unknown"
# Keys of today carry the account's id: sk_live_5 and the sixteen characters after `acct_`.
KEY = re.compile(r"(?:sk|rk)_(?:live|test)_5([A-Za-z0-9]{16})[A-Za-z0-9]{60,}")
# An invoice's own pages are addressed by the account.
ADDRESS = re.compile(r"/(acct_[A-Za-z0-9]{6,})/")
SHOWN = ("hosted_invoice_url", "invoice_pdf")


async def identify(client: Client, key: str, known: str | None) -> Object:
    """The account, with its `id` at least. Where the key may not ask for it, its id is learnt from
    Stripe's refusal, from an invoice's address or from the key; else it is the one that is `known`
    from earlier pulls, else UNKNOWN. Raises PullError."""
    try:
        return await client.get("account")
    except NotReadableError as error:
        if error.status != 403:
            raise
        learnt = error.account or await _by_an_invoice(client) or _by_the_key(key)
    return {"id": learnt or known or UNKNOWN, "object": "account"}


async def _by_an_invoice(client: Client) -> str | None:
    try:
        answer = await client.get("invoices", {"limit": 10})
    except NotReadableError:
        return None
    found = answer.get("data")
    for invoice in found if isinstance(found, list) else []:
        if (id := _addressed(invoice)) is not None:
            return id
    return None


def _addressed(invoice: Any) -> str | None:
    for name in SHOWN if isinstance(invoice, dict) else ():
        if match := ADDRESS.search(str(invoice.get(name) or "")):
            return match.group(1)
    return None


def _by_the_key(key: str) -> str | None:
    match = KEY.fullmatch(key)
    return f"acct_{match.group(1)}" if match else None
