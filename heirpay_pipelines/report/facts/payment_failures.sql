-- title: Failed payments of the last 30 days by kind of decline
-- asset: finance/payment_failures
-- rows: select * from finance.payment_failures where occurred_at >= $day - interval 30 day order by occurred_at desc

select
    decline_kind,
    currency,
    count(*) as failures,
    sum(amount) as amount,
    sum(case when recovered_at is not null then 1 else 0 end) as recovered,
    sum(case when recovered_at is null then amount else 0 end) as at_risk
from finance.payment_failures
where occurred_at >= cast($day as date) - interval 30 day
group by decline_kind, currency
order by decline_kind, currency
