"""Strikes 1 and 2 of transaction failures: lists that a person, or Stripe's retries, act on.

The pipeline holds a read-only key, so it moves no money itself: what it does is to say exactly
which payments, when, by which way, and how much is at risk.
"""

from __future__ import annotations

import json
from typing import Any

from heirpay_pipelines.incidents.facts import Attempt, Night
from heirpay_pipelines.incidents.incidents import Incident
from heirpay_pipelines.incidents.observe.fraud import CARD_TESTING
from heirpay_pipelines.incidents.solutions.blocking import propose_blocking
from heirpay_pipelines.incidents.warehouse import as_of, rows

OF_FAILED_PAYMENTS = ("payments:", "risk:unknown_codes")
MAX_ITEMS = 1_000  # a longer list is not worked through by hand; the query behind it gives all

# Earliest sensible retry after the failure. Lack of funds changes with pay day, an issuer's
# outage within the hour; the networks' limits are in `retry_allowed` already.
RETRIES = """
select charge_id, payment_intent_id, customer_id, amount, currency, decline_code,
    greatest(cast($as_of as timestamp), occurred_at + case
        when decline_kind = 'technical' then interval 1 hour
        when decline_code = 'insufficient_funds' then interval 3 day
        else interval 1 day end) as retry_not_before
from failed
where retry_allowed and recovered_at is null and not is_card_testing
order by amount desc, charge_id
"""
# Another method of the customer that can be charged: not the one that failed, nor the same card
# under another id, nor one whose month is over.
OTHER_METHODS = """
select failed.customer_id, failed.charge_id, failed.amount, failed.currency,
    list(distinct methods.id order by methods.id) as payment_methods
from failed
inner join staging.stg_stripe__payment_methods as methods
on failed.customer_id = methods.customer_id
    and methods.id is distinct from failed.payment_method_id
left join staging.stg_stripe__payment_methods as used on failed.payment_method_id = used.id
where failed.recovered_at is null
    and (methods.fingerprint is null or methods.fingerprint is distinct from used.fingerprint)
    and (methods.expiry_year is null
        or make_date(methods.expiry_year, methods.expiry_month, 1) + interval 1 month
        > cast($as_of as timestamp))
group by all
order by failed.amount desc, failed.charge_id
"""
BY_CODE = """
select decline_code, decline_kind, currency, count(*) as failures, sum(amount) as amount,
    case
        when not bool_or(retry_allowed) then 'do not retry: ask for another payment method'
        when decline_kind = 'technical' then 'retry within the day'
        when decline_kind = 'fraud' then 'review before any retry'
        else 'retry as scheduled, tell the customer after the second failure'
    end as handling
from failed
group by decline_code, decline_kind, currency
order by amount desc, decline_code
"""
BACKUP = """
select charge_id, payment_intent_id, customer_id, amount, currency, decline_code
from failed
where decline_kind in ('technical', 'hard') and recovered_at is null
order by amount desc, charge_id
"""
NOTIFY = """
select customer_id, currency, count(*) as failures, sum(amount) as amount,
    max(occurred_at) as last_failed_at
from failed
where customer_id is not null and recovered_at is null
group by customer_id, currency
order by failures desc, amount desc, customer_id
"""


def retryable_and_when(night: Night, incident: Incident) -> Attempt:
    """Which failed payments may be retried by the networks' rules, and from when."""
    return _list(night, incident, RETRIES, "payments may be retried")


def other_methods_on_file(night: Night, incident: Incident) -> Attempt:
    """Failed payments whose customer has other payment methods on file."""
    return _list(night, incident, OTHER_METHODS, "payments have other methods on file")


def handling_by_decline_code(night: Night, incident: Incident) -> Attempt:
    """What to do with each decline code that occurs; of card testing, which cards to block."""
    if incident["scope"] == CARD_TESTING:
        return propose_blocking(night)
    return _list(night, incident, BY_CODE, "decline codes have their handling")


def backup_route(night: Night, incident: Incident) -> Attempt:
    """Payments that another gateway could take, with the money at risk."""
    return _list(night, incident, BACKUP, "payments could go by a backup route")


def customer_notification_list(night: Night, incident: Incident) -> Attempt:
    """Customers to notify, those who failed most often first."""
    return _list(night, incident, NOTIFY, "customers to notify")


def manual_processing(night: Night, incident: Incident) -> Attempt:
    """Every row concerned, with the money at risk; also for reconciliation breaks."""
    query = json.loads(incident["evidence"]).get("rows")
    if not query:
        return Attempt("not_applicable", "no rows stand behind this incident")
    return _result(night, query, "rows to process by hand")


def _list(night: Night, incident: Incident, sql: str, what: str) -> Attempt:
    if not incident["scope"].startswith(OF_FAILED_PAYMENTS):
        return Attempt("not_applicable", f"{incident['subject']} are no failed payments")
    query = json.loads(incident["evidence"])["rows"]
    return _result(night, f"with failed as ({query}) {sql}", what)


def _result(night: Night, sql: str, what: str) -> Attempt:
    parameters = {"as_of": as_of(night)} if "$as_of" in sql else {}
    found = rows(night, f"select * from ({sql}) limit {MAX_ITEMS + 1}", parameters)
    more = f" (the first {MAX_ITEMS} are listed)" if len(found) > MAX_ITEMS else ""
    count = f"over {MAX_ITEMS}" if more else str(len(found))
    return Attempt("done", f"{count} {what}{more}", tuple(map(_plain, found[:MAX_ITEMS])))


def _plain(row: dict[str, Any]) -> dict[str, Any]:
    """Decimals and instants as text: a work list is JSON, and money in it stays exact."""
    return {
        name: value if value is None or isinstance(value, (int, str, list)) else str(value)
        for name, value in row.items()
    }
