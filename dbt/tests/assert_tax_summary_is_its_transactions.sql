-- The summary's tax is that of the transactions, per month and currency.
with summary as (
    select month, currency, sum(tax_amount) as tax_amount
    from {{ ref('tax_summary') }}
    group by month, currency
),

transactions as (
    select {{ month_of('occurred_on') }} as month, currency, sum(tax_amount) as tax_amount
    from {{ ref('tax_transactions') }}
    group by {{ month_of('occurred_on') }}, currency
)

select coalesce(summary.month, transactions.month) as month
from summary
full outer join transactions
    on summary.month = transactions.month and summary.currency = transactions.currency
where summary.tax_amount is distinct from transactions.tax_amount
