"""A store whose many objects are made as they are asked for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, overload

import orjson

from heirpay_pipelines.sandbox.bulk import templates
from heirpay_pipelines.sandbox.bulk.ledger import (
    CURRENCY,
    DAY,
    PAYOUT_DELAY_DAYS,
    REFUND_EVERY,
    REFUND_FIRST,
    Ledger,
    charge_amount,
    charge_fee,
    stripe_fee,
)
from heirpay_pipelines.sandbox.company.templates import blank
from heirpay_pipelines.sandbox.errors import ApiError
from heirpay_pipelines.sandbox.store import Object, Store

CUSTOMERS = 1_000
PREFIXES = {"balance_transaction": "txn_", "charge": "ch_", "refund": "re_"}


def id_of(kind: str, index: int) -> str:
    """Ids sort as their objects do."""
    return f"{PREFIXES[kind]}{index:020d}"


class Made(Sequence[Object]):
    """`count` objects, oldest first, of which none is kept."""

    def __init__(self, count: int, made: Callable[[int], bytes]) -> None:
        self.length, self.made = count, made

    def __len__(self) -> int:
        return self.length

    @overload
    def __getitem__(self, index: int) -> Object: ...
    @overload
    def __getitem__(self, index: slice) -> list[Object]: ...
    def __getitem__(self, index: int | slice) -> Object | list[Object]:
        if isinstance(index, slice):
            return [self[each] for each in range(*index.indices(self.length))]
        if not -self.length <= index < self.length:
            raise IndexError(index)
        found: Object = orjson.loads(self.made(index % self.length))
        return found


class _Rendered(dict[tuple[str, str], bytes]):
    """What the server keeps of objects as bytes; those that are made are made again instead."""

    def __init__(self, store: BulkStore) -> None:
        super().__init__()
        self.store = store

    def get(self, key: tuple[str, str], default: Any = None) -> Any:
        if key[0] in self.store.made:
            return self.store.made[key[0]].made(int(key[1].rpartition("_")[2]))
        return super().get(key, default)


class BulkStore(Store):
    """An account of `transactions` balance transactions and a share of charges, over some months.

    Every charge, refund and payout has its transaction, every automatic payout equals what it
    contains, and the balance is what the transactions leave. Lists take `created` ranges, cursors
    and `payout`; other filters on the many objects are refused. It has no events.
    """

    def __init__(self, transactions: int, charges: int, start: int, now: int) -> None:
        super().__init__(now)
        self.ledger = Ledger(transactions, charges, start, now)
        self._charge = templates.charge_template()
        self._transaction = templates.transaction_template()
        self._refund = templates.refund_template()
        self.made = {
            "balance_transaction": Made(self.ledger.count, self._transaction_at),
            "charge": Made(self.ledger.charges, self._charge_at),
            "refund": Made(self.ledger.refunds, self._refund_at),
        }
        self.rendered = _Rendered(self)
        self._put_the_few()

    def all(self, object_type: str) -> Sequence[Object]:
        return self.made.get(object_type) or super().all(object_type)

    def find(self, object_type: str, id: str) -> Object | None:
        made = self.made.get(object_type)
        if made is None:
            return super().find(object_type, id)
        digits = id.removeprefix(PREFIXES[object_type])
        known = digits.isdigit() and int(digits) < len(made)
        return made[int(digits)] if known and id == id_of(object_type, int(digits)) else None

    def get(self, object_type: str, id: str) -> Object:
        found = self.find(object_type, id)
        if found is None:
            raise KeyError(id)
        return found

    def types(self) -> list[str]:
        return sorted({*super().types(), *self.made})

    def having(self, object_type: str, path: str, value: str) -> Sequence[Object]:
        if object_type in self.made:
            raise ApiError(400, f"A bulk account cannot be searched for {object_type} by {path}.")
        return super().having(object_type, path, value)

    def payout_contents(self, payout_id: str) -> Sequence[Object]:
        if super().find("payout", payout_id) is None:
            return []
        day = int(payout_id.removeprefix("po_"))
        source, own = self.ledger.contents(day), self.ledger.payout_transaction(day)
        # Of its day two days ago everything but the payout that was made then.
        skipped = self.ledger.payout_transaction(day - PAYOUT_DELAY_DAYS)
        kept = [each for each in source if each != skipped or not self.ledger.is_payout(each)]
        kept.append(own)
        return Made(len(kept), lambda place: self._transaction_at(kept[place]))

    def payout_of(self, balance_transaction_id: str) -> str | None:
        index = int(balance_transaction_id.removeprefix("txn_"))
        day = self.ledger.day_of(index) + PAYOUT_DELAY_DAYS
        if self.ledger.is_payout(index):
            day -= PAYOUT_DELAY_DAYS
        return f"po_{day:020d}" if day < self.ledger.days else None

    def _transaction_at(self, index: int) -> bytes:
        ledger = self.ledger
        charge, place = divmod(index, ledger.stride)
        created = ledger.created(index)
        available = created - created % DAY + PAYOUT_DELAY_DAYS * DAY
        kind, category, source, fee = "stripe_fee", "fee", b"null", 0
        amount = -stripe_fee(index)
        if ledger.is_payout(index):
            day = ledger.day_of(index)
            kind, category, source = "payout", "payout", b'"po_%020d"' % day
            amount, available = -ledger.payout_amount(day), created - created % DAY + DAY
        elif place == 0:
            amount = charge_amount(charge)
            kind, category, source = "charge", "charge", b'"ch_%020d"' % charge
            fee = charge_fee(amount)
        elif place == 1 and charge % REFUND_EVERY == REFUND_FIRST:
            refund, amount = charge // REFUND_EVERY, -charge_amount(charge)
            kind, category, source = "refund", "refund", b'"re_%020d"' % refund
        return self._transaction % {
            b"id": b"txn_%020d" % index, b"amount": b"%d" % amount, b"fee": b"%d" % fee,
            b"net": b"%d" % (amount - fee), b"created": b"%d" % created,
            b"available_on": b"%d" % available, b"source": source, b"type": kind.encode(),
            b"category": category.encode(),
            b"status": b"available" if available <= self.now else b"pending",
            b"fee_details": templates.FEE_DETAILS % fee if fee else b"[]",
        }  # fmt: skip

    def _charge_at(self, index: int) -> bytes:
        amount, customer = charge_amount(index), index % CUSTOMERS
        refunded = index % REFUND_EVERY == REFUND_FIRST and (
            index // REFUND_EVERY < self.ledger.refunds
        )
        transaction = index * self.ledger.stride
        return self._charge % {
            b"id": b"ch_%020d" % index, b"amount": b"%d" % amount,
            b"created": b"%d" % self.ledger.created(transaction),
            b"transaction": b"txn_%020d" % transaction, b"customer": b"cus_%06d" % customer,
            b"email": b"customer%d@example.com" % customer,
            b"refunded": b"%d" % (amount if refunded else 0),
            b"is_refunded": b"true" if refunded else b"false",
        }  # fmt: skip

    def _refund_at(self, index: int) -> bytes:
        charge = index * REFUND_EVERY + REFUND_FIRST
        transaction = charge * self.ledger.stride + 1
        return self._refund % {
            b"id": b"re_%020d" % index, b"amount": b"%d" % charge_amount(charge),
            b"charge": b"ch_%020d" % charge, b"transaction": b"txn_%020d" % transaction,
            b"created": b"%d" % self.ledger.created(transaction),
        }  # fmt: skip

    def _put_the_few(self) -> None:
        """The account, its balance, its customers and its payouts."""
        ledger = self.ledger
        self.put(
            blank("account", id=self.account_id, business_type="company", charges_enabled=True,
                  country="US", created=ledger.start, default_currency=CURRENCY,
                  details_submitted=True, payouts_enabled=True, type="standard")
        )  # fmt: skip
        waiting = ledger.day_nets[-PAYOUT_DELAY_DAYS:]
        self.put(
            {"id": "balance", "object": "balance", "livemode": False}
            | {name: [{"amount": amount, "currency": CURRENCY, "source_types": {"card": amount}}]
               for name, amount in zip(("available", "pending"), waiting, strict=True)}
        )  # fmt: skip
        for number in range(min(CUSTOMERS, ledger.charges)):
            self.put(
                blank("customer", id=f"cus_{number:06d}", created=ledger.start, livemode=False,
                      balance=0, delinquent=False, email=f"customer{number}@example.com",
                      invoice_settings={"custom_fields": None, "default_payment_method": None,
                                        "footer": None, "rendering_options": None},
                      metadata={}, preferred_locales=[], tax_exempt="none")
            )  # fmt: skip
        for day in range(PAYOUT_DELAY_DAYS, ledger.days):
            self._put_payout(day)

    def _put_payout(self, day: int) -> None:
        transaction = self.ledger.payout_transaction(day)
        arrival = self.ledger.start + (day + 1) * DAY
        self.put(
            blank("payout", id=f"po_{day:020d}", amount=self.ledger.payout_amount(day),
                  arrival_date=arrival, automatic=True,
                  balance_transaction=id_of("balance_transaction", transaction),
                  created=self.ledger.created(transaction), currency=CURRENCY,
                  description="STRIPE PAYOUT", destination="ba_1SandboxBankUSD00000000",
                  livemode=False, metadata={}, method="standard",
                  reconciliation_status="completed", source_type="card",
                  trace_id={"status": "supported", "value": f"TRACE{day:08d}"},
                  status="paid" if arrival <= self.now else "in_transit", type="bank_account")
        )  # fmt: skip
