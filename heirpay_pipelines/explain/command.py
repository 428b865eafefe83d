"""`heirpay explain`: the rows and rules behind a published figure."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date, datetime

import click

from heirpay_pipelines.duck import WarehouseError
from heirpay_pipelines.explain.churn import explain_churn
from heirpay_pipelines.explain.journal import explain_day, explain_entry, explain_month
from heirpay_pipelines.explain.mrr import explain_customer, explain_total
from heirpay_pipelines.explain.oss import explain_oss, quarter_start
from heirpay_pipelines.explain.reading import ExplainError, Published, open_published
from heirpay_pipelines.explain.recognition import explain_document, explain_recognition
from heirpay_pipelines.explain.revenue import explain_revenue
from heirpay_pipelines.explain.tax import explain_tax
from heirpay_pipelines.explain.tree import SHOWN, Node, show
from heirpay_pipelines.explain.usage import explain_usage
from heirpay_pipelines.settings import Settings
from heirpay_pipelines.text.shown import say_json


class Month(click.ParamType[date]):
    """`2026-10` as the first day of the month."""

    name = "YYYY-MM"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> date:
        try:
            return date.fromisoformat(f"{value}-01")
        except ValueError:
            self.fail(f"{value!r} is no month: write it as 2026-10.", param, ctx)


class Quarter(click.ParamType[date]):
    """`2026-Q3` as the first day of the quarter."""

    name = "YYYY-QN"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> date:
        try:
            return quarter_start(str(value))
        except ValueError:
            self.fail(f"{value!r} is no quarter: write it as 2026-Q3.", param, ctx)


AT_LEAST_ONE = click.IntRange(min=1)
month_option = click.option("--month", type=Month(), required=True, help="Such as 2026-10.")
json_option = click.option("--json", "as_json", is_flag=True, help="The same tree as JSON.")


@click.group()
def explain() -> None:
    """Where a published figure comes from, down to Stripe's object ids."""


@explain.command()
@month_option
@click.option("--customer", help="One customer (cus_...); the month's total otherwise.")
@click.option("--currency", help="Only this currency of the total.")
@click.option(
    "--limit", type=AT_LEAST_ONE, default=20, show_default=True, help="Customers line by line."
)
@json_option
def mrr(month: date, customer: str | None, currency: str | None, limit: int, as_json: bool) -> None:
    """MRR at the end of a month: subscriptions, items, prices, discounts, tax, invoice lines."""
    if customer:
        _explain(lambda published: explain_customer(published, customer, month), as_json)
    else:
        code = currency.lower() if currency else None
        _explain(lambda published: explain_total(published, month, code, limit), as_json)


@explain.command()
@month_option
@click.option("--currency", help="Only this currency.")
@json_option
def usage(month: date, currency: str | None, as_json: bool) -> None:
    """Usage MRR of a month: metered items, the billed periods of each, their invoices."""
    code = currency.lower() if currency else None
    _explain(lambda published: explain_usage(published, month, code), as_json)


@explain.command()
@month_option
@click.option("--currency", help="Only this currency.")
@click.option(
    "--limit", type=AT_LEAST_ONE, default=SHOWN, show_default=True, help="Customers of each kind."
)
@json_option
def churn(month: date, currency: str | None, limit: int, as_json: bool) -> None:
    """Churn and retention of a month: each rate's division, who moved, and why they left."""
    code = currency.lower() if currency else None
    _explain(lambda published: explain_churn(published, month, code, limit), as_json)


@explain.command()
@click.option("--date", "day", type=click.DateTime(["%Y-%m-%d"]), required=True)
@click.option("--currency", help="Only this currency.")
@click.option(
    "--limit", type=AT_LEAST_ONE, default=SHOWN, show_default=True, help="Lines of each figure."
)
@json_option
def revenue(day: datetime, currency: str | None, limit: int, as_json: bool) -> None:
    """A day's revenue: volume, refunds, disputes, fees, down to balance transactions."""
    code = currency.lower() if currency else None
    _explain(lambda published: explain_revenue(published, day.date(), code, limit), as_json)


@explain.command()
@click.option("--month", type=Month(), help="A month, such as 2026-10.")
@click.option("--document", help="One invoice, credit note or refund (in_..., cn_..., re_...).")
@click.option("--currency", help="Only this currency of the month.")
@click.option(
    "--limit", type=AT_LEAST_ONE, default=SHOWN, show_default=True, help="Lines of each figure."
)
@json_option
def recognition(
    month: date | None, document: str | None, currency: str | None, limit: int, as_json: bool
) -> None:
    """Billed, recognised and deferred revenue: a month by line, or one document by month."""
    code = currency.lower() if currency else None
    if (month is None) == (document is None):
        raise click.UsageError("Give either --month 2026-10 or --document in_...")
    if document:
        _explain(lambda published: explain_document(published, document), as_json)
    elif month:
        _explain(lambda published: explain_recognition(published, month, code, limit), as_json)


@explain.command()
@month_option
@click.option("--country", required=True, help="Two letters, such as DE; none for no country.")
@click.option("--currency", help="Only this currency.")
@click.option(
    "--limit", type=AT_LEAST_ONE, default=SHOWN, show_default=True, help="Lines of each group."
)
@json_option
def tax(month: date, country: str, currency: str | None, limit: int, as_json: bool) -> None:
    """A country's tax of a month: each group down to documents and their lines."""
    code = currency.lower() if currency else None
    place = None if country.lower() == "none" else country.upper()
    _explain(lambda published: explain_tax(published, place, month, code, limit), as_json)


@explain.command()
@click.option("--quarter", type=Quarter(), required=True, help="Such as 2026-Q3.")
@click.option("--country", help="Only this member state, such as DE.")
@click.option(
    "--limit", type=AT_LEAST_ONE, default=SHOWN, show_default=True, help="Lines of each currency."
)
@json_option
def oss(quarter: date, country: str | None, limit: int, as_json: bool) -> None:
    """A quarter of the EU One Stop Shop return: currencies, rates to euros, tax lines."""
    state = country.upper() if country else None
    _explain(lambda published: explain_oss(published, quarter, state, limit), as_json)


@explain.command()
@click.option("--entry", help="One entry (txn_...).")
@click.option("--date", "day", type=click.DateTime(["%Y-%m-%d"]), help="All entries of a day.")
@click.option("--month", type=Month(), help="All days of a month, such as 2026-10.")
@click.option("--account", help="With --month: only this account.")
@click.option(
    "--limit", type=AT_LEAST_ONE, default=SHOWN, show_default=True, help="Entries of each account."
)
@json_option
def journal(
    entry: str | None,
    day: datetime | None,
    month: date | None,
    account: str | None,
    limit: int,
    as_json: bool,
) -> None:
    """The journal: a month by account and day, a day by entry, an entry down to its balance
    transaction."""
    if [entry, day, month].count(None) != 2:
        raise click.UsageError("Give either --entry txn_..., --date 2026-10-31 or --month 2026-10.")
    if entry:
        _explain(lambda published: explain_entry(published, entry), as_json)
    elif month:
        _explain(lambda published: explain_month(published, month, account), as_json)
    elif day:
        _explain(lambda published: explain_day(published, day.date(), limit), as_json)


def _explain(reason: Callable[[Published], Node], as_json: bool) -> None:
    try:
        with open_published(Settings.load()) as published:
            node = reason(published)
    except (ExplainError, WarehouseError) as error:
        raise click.ClickException(str(error)) from None
    if as_json:
        say_json(json.dumps(node.as_dict(), indent=2, ensure_ascii=False))
    else:
        show(node)
