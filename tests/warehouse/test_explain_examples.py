"""Explanations of the worked examples: each figure, and what it is said to come from."""

from __future__ import annotations

from datetime import date

import pytest
from landing_harness import Warehouse

from heirpay_pipelines.explain.mrr import explain_customer, explain_total
from heirpay_pipelines.explain.reading import ExplainError, Published
from heirpay_pipelines.explain.tree import Node

OCTOBER = date(2026, 10, 1)


def lines(node: Node) -> list[str]:
    rule = [f"{node.line} [{node.rule}]"] if node.rule else [node.line]
    return rule + [line for child in node.made_of for line in lines(child)]


def explained(warehouse: Warehouse, name: str, month: date = OCTOBER) -> str:
    with warehouse.open() as connection:
        return "\n".join(lines(explain_customer(Published(connection), f"cus_{name}", month)))


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("yearly_790", ["65.83 usd at", "[790.00 a period x 1 ÷ 12]", "every year = 790.00 usd"]),
        ("quarterly_90", ["30.00 usd at", "[90.00 a period ÷ 3 months]", "every 3 months"]),
        ("weekly_10", ["43.33 usd at", "43.33333333333333 usd [10.00 a period x 52 ÷ 12]"]),
        ("daily_1", ["30.42 usd at", "[1.00 a period x 365 ÷ 12]"]),
        ("decimal", ["1.25 usd at", "0.00125 usd each, quantity 1000"]),
        ("yen", ["1,000 jpy at", "1,000 jpy each"]),
        ("dinar", ["12.345 kwd at"]),
        ("packages_up", ["30.00 usd at", "in packages of 10 rounded up"]),
        ("graduated_6", ["41.50 usd at", "graduated tiers", "6 to 10: 6.50 usd each", "over 10"]),
        ("volume_6", ["39.00 usd at", "volume tiers"]),
        ("stacked", ["81.00 usd at", "before any discount: 100.00", "di_a", "less 10%, forever"]),
        ("several_items", ["20.00 usd at", "si_several_items_0", "si_several_items_1"]),
    ],
)
def test_what_a_figure_comes_from(worked_examples: Warehouse, name: str, said: list[str]) -> None:
    text = explained(worked_examples, name)
    for words in [*said, f"sub_{name}", f"si_{name}_0", "customer.subscription.created evt_"]:
        assert words in text, text


def test_percentages_are_told_before_fixed_amounts(worked_examples: Warehouse) -> None:
    text = explained(worked_examples, "percent_before_fixed")
    assert text.index("less 50%") < text.index("less 10.00 usd")


def test_every_shape_of_price_and_timeline_is_explained(worked_examples: Warehouse) -> None:
    asked = worked_examples.rows(
        "select intervals.status, max(intervals.customer_id)"
        " from intermediate.int_subscription_intervals as intervals"
        " left join intermediate.int_subscription_state_items as items using (state_id)"
        " inner join intermediate.int_customer_mrr_daily as ledger using (customer_id)"
        " group by intervals.status, intervals.is_ending, items.currency, items.billing_scheme,"
        " items.tiers_mode, items.recurring_interval, items.interval_count, items.tax_behavior"
    )
    assert {status for status, _ in asked} >= {"active", "past_due", "trialing", "canceled"}
    with worked_examples.open() as connection:
        for customer in {customer for _, customer in asked}:
            assert explain_customer(Published(connection), customer, OCTOBER).made_of


def test_a_total_is_the_published_one_and_its_customers_add_up(worked_examples: Warehouse) -> None:
    with worked_examples.open() as connection:
        for month, currency, mrr in worked_examples.rows(
            "select month, currency, mrr from finance.mrr_monthly"
        ):
            (total, _) = explain_total(Published(connection), month, currency, 1).made_of
            assert total.line.startswith(f"{mrr:,f} {currency} in finance.mrr_monthly")


def test_rows_that_disagree_are_not_explained_away(
    worked_examples: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    with worked_examples.open() as connection:
        published = Published(connection)
        honest = published.rows

        def forged(name: str, **parameters: object) -> list[dict[str, object]]:
            return honest(name, **parameters)[1:] if name == "items" else honest(name, **parameters)

        monkeypatch.setattr(published, "rows", forged)
        with pytest.raises(ExplainError, match="the items of sub_several_items add up to"):
            explain_customer(published, "cus_several_items", OCTOBER)


@pytest.mark.parametrize(
    ("customer", "month", "said"),
    [
        ("cus_nobody", OCTOBER, "cus_nobody had no MRR by the end of 2026-10"),
        ("cus_free", date(2027, 1, 1), "No MRR is published for 2027-01: months are 2"),
    ],
)
def test_what_cannot_be_explained_says_why(
    worked_examples: Warehouse, customer: str, month: date, said: str
) -> None:
    with worked_examples.open() as connection, pytest.raises(ExplainError, match=said):
        explain_customer(Published(connection), customer, month)
