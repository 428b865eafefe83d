"""`heirpay explain` on a published night: figures to the digit, down to ids that Stripe knows."""

from __future__ import annotations

import json
import re
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from heirpay_pipelines.explain.journal import explain_month
from heirpay_pipelines.explain.oss import explain_oss
from heirpay_pipelines.explain.reading import open_published
from heirpay_pipelines.explain.tax import explain_tax

if TYPE_CHECKING:
    from installed import Installation


def explained(published: Installation, *arguments: str) -> dict[str, Any]:
    done = published.heirpay("explain", *arguments, "--json")
    assert done.returncode == 0, done.stderr
    tree: dict[str, Any] = json.loads(done.stdout)
    return tree


def amount_in(line: str) -> Decimal:
    """The last amount of a line: `… 1,335.00 eur`."""
    return Decimal(re.findall(r"(-?[\d,]+(?:\.\d+)?) [a-z]{3}\b", line)[-1].replace(",", ""))


def test_a_total_is_the_published_figure_and_the_sum_of_its_customers(
    published: Installation,
) -> None:
    tree = explained(published, "mrr", "--month", "2026-10", "--limit", "100000")
    figures = published.rows(
        "select mrr, mrr_exact, currency, active_customers from finance.mrr_monthly"
        " where month = '2026-10-01' order by currency"
    )
    assert len(figures) == 5
    for (mrr, exact, currency, customers), node in zip(figures, tree["made_of"], strict=False):
        assert node["line"].startswith(f"{mrr:,f} {currency} in finance.mrr_monthly")
        listed = node["made_of"][-1]["made_of"]
        assert len(listed) == customers
        assert sum(amount_in(child["line"]) for child in listed) == exact


def test_a_customer_is_followed_to_objects_that_stripe_knows(published: Installation) -> None:
    """The chain of the issue: customer, subscription, item, price, bill."""
    ((customer, mrr),) = published.rows(
        "select customer_id, mrr_after from finance.mrr_movements where movement = 'expansion'"
        " and occurred_on between '2026-10-01' and '2026-10-31' and currency = 'eur'"
        " order by occurred_on desc limit 1"
    )
    done = published.heirpay("explain", "mrr", "--customer", str(customer), "--month", "2026-10")
    assert done.returncode == 0, done.stderr
    assert f"{mrr:,.2f} eur at the end of 2026-10-31" in done.stdout
    ids = {
        kind: set(re.findall(rf"\b{kind}_\w+", done.stdout))
        for kind in ("sub", "si", "price", "il", "in", "evt")
    }
    for kind, table in {
        "sub": "subscriptions",
        "price": "prices",
        "il": "invoice_lines",
        "in": "invoices",
        "evt": "events",
    }.items():
        assert ids[kind], kind
        for found in ids[kind]:
            assert published.rows(f"from staging.stg_stripe__{table} where id = '{found}'"), found
    items = "from staging.stg_stripe__subscription_version_items where subscription_item_id = "
    assert ids["si"]
    for found in ids["si"]:
        assert published.rows(f"{items}'{found}'"), found


def test_usage_is_the_mean_of_billed_periods(published: Installation) -> None:
    tree = explained(published, "usage", "--month", "2026-10")
    figures = published.rows(
        "select usage_mrr, currency from finance.usage_mrr_monthly"
        " where month = '2026-10-01' order by currency"
    )
    assert figures
    for (usage_mrr, currency), node in zip(figures, tree["made_of"], strict=True):
        assert node["line"].startswith(f"{usage_mrr:,f} {currency} in")
        exponent = {"jpy": 0, "kwd": 3}.get(str(currency), 2)
        total = sum(amount_in(item["line"]) for item in node["made_of"])
        assert round(total, exponent) == usage_mrr
        bills = [line["line"] for item in node["made_of"] for line in item["made_of"]]
        assert bills
        for bill in bills:
            found = bill.rpartition(" ")[2]
            assert published.rows(f"from staging.stg_stripe__invoices where id = '{found}'"), bill


@pytest.mark.parametrize("country", ["DE", "US", "GB"])
def test_tax_is_the_published_figure(published: Installation, country: str) -> None:
    tree = explained(published, "tax", "--country", country, "--month", "2026-10")
    figures = published.rows(
        "select currency, sum(tax_amount) from finance.tax_summary"
        f" where month = '2026-10-01' and country = '{country}' group by 1 order by 1"
    )
    assert figures
    assert [amount_in(node["line"]) for node in tree["made_of"]] == [tax for _, tax in figures]


def test_churn_is_who_left_and_the_rates_are_their_divisions(published: Installation) -> None:
    tree = explained(published, "churn", "--month", "2026-10", "--currency", "usd")
    ((start, new, churned, rate, mrr_churned),) = published.rows(
        "select customers_start, customers_new, customers_churned, customer_churn_rate, mrr_churned"
        " from finance.churn_monthly where month = '2026-10-01' and currency = 'usd'"
    )
    (node, _) = tree["made_of"]
    lines = {child["line"]: child for child in node["made_of"]}
    assert (
        lines[f"customer_churn_rate {rate}"]["rule"] == f"{churned} churned ÷ ({start} + {new} new)"
    )
    left = lines[f"churn {mrr_churned:,.2f} usd of {churned} movements"]["made_of"]
    assert left
    for line in left:
        if "more" not in line["line"]:
            assert re.match(r"(in)?voluntary, sub_\w+", line["rule"]), line


def test_a_days_revenue_is_its_balance_transactions(published: Installation) -> None:
    ((day, net),) = published.rows(
        "select date, net_volume from finance.daily_revenue"
        " where currency = 'usd' and refunds <> 0 and fees <> 0 order by date desc limit 1"
    )
    tree = explained(published, "revenue", "--date", str(day), "--currency", "usd")
    node = tree["made_of"][0]
    assert amount_in(node["line"].partition("=")[0]) == net
    assert sum(amount_in(child["line"]) for child in node["made_of"]) == net
    ids = re.findall(r"txn_\w+", json.dumps(node))
    assert ids
    for found in ids:
        assert published.rows(
            f"from staging.stg_stripe__balance_transactions where id = '{found}'"
        ), found


def test_recognised_revenue_is_followed_to_a_documents_months(published: Installation) -> None:
    tree = explained(published, "recognition", "--month", "2026-10", "--currency", "eur")
    ((billed, recognised, deferred),) = published.rows(
        "select billed, recognised, deferred_end from finance.revenue_recognition"
        " where month = '2026-10-01' and currency = 'eur'"
    )
    node = tree["made_of"][0]
    figures = [amount_in(child["line"]) for child in node["made_of"]]
    assert figures == [billed, recognised, deferred]
    largest = node["made_of"][2]["made_of"][0]["line"]
    (document,) = re.findall(r"\b(?:in|cn|re)_\w+", largest.partition("(")[0])[-1:]
    lines = explained(published, "recognition", "--document", document)["made_of"]
    line = next(each for each in lines if each["made_of"][-1]["line"].startswith("still deferred"))
    parts = sum(amount_in(child["line"]) for child in line["made_of"])
    assert parts == amount_in(line["line"].partition(" on ")[0])


def test_a_day_and_an_entry_of_the_journal_balance(published: Installation) -> None:
    ((day, entry, source),) = published.rows(
        "select date, entry_id, source_object from finance.journal_entries"
        " where account_name ilike '%fee%' and category = 'charge'"
        " order by date desc, entry_id limit 1"
    )
    of_day = published.heirpay("explain", "journal", "--date", str(day), "--limit", "1000")
    assert of_day.returncode == 0, of_day.stderr
    assert f"{entry} charge {source}" in of_day.stdout
    of_entry = published.heirpay("explain", "journal", "--entry", str(entry))
    assert of_entry.returncode == 0, of_entry.stderr
    ((amount, fee),) = published.rows(
        f"select amount, fee from staging.stg_stripe__balance_transactions where id = '{entry}'"
    )
    assert f"amount {Decimal(str(amount)) / 100:,.2f}" in of_entry.stdout
    assert f"stripe_fee {Decimal(str(fee)) / 100:,.2f}" in of_entry.stdout
    assert f"comes from {source}" in of_entry.stdout


def test_every_tax_and_journal_total_is_the_sum_of_its_lines(published: Installation) -> None:
    """Each explanation holds its parts against its whole, and raises where they differ."""
    countries = published.rows("select distinct month, country from finance.tax_summary")
    quarters = published.rows("select distinct quarter, member_state from finance.tax_oss_return")
    months = published.rows(
        "select distinct date_trunc('month', date)::date from finance.journal_entries"
    )
    assert len(countries) > 50
    assert len(quarters) > 10
    assert len(months) > 12
    with open_published(published.settings) as warehouse:
        for month, country in countries:
            explain_tax(warehouse, country, month, None, 1)
        for quarter, member_state in quarters:
            explain_oss(warehouse, quarter, member_state, 1)
        for (month,) in months:
            explain_month(warehouse, month, None)


def test_a_quarter_of_the_one_stop_shop_shows_rates_and_lines(published: Installation) -> None:
    tree = explained(published, "oss", "--quarter", "2026-Q3", "--country", "FR")
    figures = published.rows(
        "select tax_amount from finance.tax_oss_return where quarter = '2026-07-01'"
        " and member_state = 'FR' order by rate, part desc, supplied_quarter"
    )
    assert figures
    for (tax,), node in zip(figures, tree["made_of"], strict=True):
        assert f": {tax:,.2f} eur tax on " in node["line"]
    documents = [line["line"] for line in tree["made_of"][0]["made_of"][0]["made_of"]]
    assert any(" in_" in line for line in documents)


@pytest.mark.parametrize(
    ("arguments", "said", "code"),
    [
        (["oss", "--quarter", "2026-Q5"], "is no quarter: write it as 2026-Q3", 2),
        (["oss", "--quarter", "2019-Q1"], "nothing for any member state in 2019-Q1", 1),
        (["journal", "--month", "2019-01"], "nothing for any account in 2019-01", 1),
        (["mrr", "--customer", "cus_x", "--month", "2026-10"], "cus_x had no MRR", 1),
        (["mrr", "--month", "2031-01"], "No MRR is published for 2031-01: months are", 1),
        (["mrr", "--month", "2026-13"], "is no month: write it as 2026-10", 2),
        (["usage", "--month", "2019-01"], "no metered price was billed by then", 1),
        (["tax", "--country", "ZZ", "--month", "2026-10"], "nothing for ZZ in 2026-10", 1),
        (["journal", "--entry", "txn_x"], "has no entry txn_x", 1),
        (["journal"], "Give either --entry", 2),
        (["churn", "--month", "2019-01"], "finance.churn_monthly has nothing for 2019-01", 1),
        (["revenue", "--date", "2019-01-01"], "has nothing for 2019-01-01", 1),
        (["recognition", "--month", "2019-01"], "has nothing for 2019-01", 1),
        (["recognition", "--document", "in_x"], "in_x bills no revenue", 1),
        (["recognition"], "Give either --month", 2),
    ],
)
def test_what_cannot_be_explained_says_why(
    published: Installation, arguments: list[str], said: str, code: int
) -> None:
    done = published.heirpay("explain", *arguments)
    assert (done.returncode, said in done.stderr) == (code, True), done.stderr
