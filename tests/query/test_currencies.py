"""Every published amount has its currency's own decimals: none for yen, three for dinar."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from installed import Installation

AMOUNT = "DECIMAL(24,3)"
"""How marts publish money in major units; rates and exact values have other types."""
HEADLINES = (
    ("mrr_monthly", "mrr"),
    ("mrr_movements", "mrr_change"),
    ("churn_monthly", "mrr_end"),
    ("cohort_retention", "mrr_retained"),
    ("revenue_recognition", "recognised"),
    ("revenue_by_product", "billed"),
    ("payment_method_daily", "volume"),
    ("daily_revenue_by_flow", "volume"),
)


def amounts(published: Installation) -> list[tuple[object, ...]]:
    """(table, column) of every amount in a currency that stands beside it."""
    return published.rows(
        "select amounts.table_name, amounts.column_name from duckdb_columns() as amounts"
        " inner join duckdb_columns() as codes on amounts.table_oid = codes.table_oid"
        f" where amounts.schema_name = 'finance' and amounts.data_type = '{AMOUNT}'"
        " and codes.schema_name = 'finance' and codes.column_name = 'currency'"
        " and amounts.column_name not like '%\\_reporting' escape '\\' order by 1, 2"
    )


def test_no_amount_has_more_decimals_than_its_currency(published: Installation) -> None:
    found = amounts(published)
    assert len(found) > 60
    for table, column in found:
        broken = published.rows(
            f"select currency, {column} from finance.{table} inner join intermediate.currencies"
            f" using (currency) where {column} % case exponent when 0 then 1.000 when 2 then 0.010"
            " else 0.001 end <> 0 limit 5"
        )
        assert not broken, f"{table}.{column}: {broken}"


def test_yen_and_dinar_stand_in_every_headline_figure(published: Installation) -> None:
    for table, column in HEADLINES:
        rows = published.rows(
            f"select currency, max({column} % 1) from finance.{table}"
            f" where currency in ('jpy', 'kwd') and {column} <> 0 group by currency order by 1"
        )
        assert [row[0] for row in rows] == ["jpy", "kwd"], table
        assert rows[0][1] == 0, f"{table}.{column} has parts of a yen"
