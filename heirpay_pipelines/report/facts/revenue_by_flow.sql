-- title: Volume of the month by payment flow
-- asset: finance/daily_revenue_by_flow
-- rows: select * from finance.daily_revenue_by_flow where date >= $month order by date, payment_flow

select
    payment_flow,
    currency,
    sum(volume) as volume,
    sum(payments_succeeded) as payments_succeeded,
    sum(payments_failed) as payments_failed
from finance.daily_revenue_by_flow
where date >= $month and date < cast($month as date) + interval 1 month
group by payment_flow, currency
order by payment_flow, currency
