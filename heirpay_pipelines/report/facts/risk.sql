-- title: Dispute and fraud ratios of the month so far
-- asset: finance/risk_daily
-- rows: select * from finance.risk_daily order by date desc

-- Every figure is of the month from its first day to the date.
with month as (
    select
        *,
        sum(volume) over (
            partition by currency, date_trunc('month', date) order by date
            rows between unbounded preceding and current row
        ) as month_volume
    from finance.risk_daily
    where date >= date_trunc('month', cast($day as date)) and date <= $day
)

select *
from month
where date = (select max(date) from month)
order by currency
