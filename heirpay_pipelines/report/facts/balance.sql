-- title: Balance against Stripe's own
-- asset: finance/balance_reconciliation
-- rows: select * from finance.balance_reconciliation where stripe_closing_balance is not null order by date desc

with newest as (
    select
        *,
        row_number() over (partition by currency order by date desc) as place,
        lead(difference) over (partition by currency order by date desc) as difference_before
    from finance.balance_reconciliation
    where stripe_closing_balance is not null and date <= $as_of_date
)

select
    date, currency, opening_balance, activity, payouts, closing_balance, stripe_closing_balance,
    difference, difference_before
from newest
where place = 1
order by currency
