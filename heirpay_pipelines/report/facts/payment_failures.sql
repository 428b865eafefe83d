-- title: Failed payments of the last 30 days by kind of decline
-- asset: finance/failed_payments
-- rows: select * from finance.failed_payments where last_failed_at >= $day - interval 30 day order by last_failed_at desc

-- A payment counts once, whatever its attempts, by the decline of its last one.
select
    last_decline_kind as decline_kind,
    currency,
    count(*) as payments,
    sum(failures) as failures,
    sum(amount) as amount,
    sum(case when status = 'recovered' then 1 else 0 end) as recovered,
    sum(case when status = 'at_risk' then amount else 0 end) as at_risk,
    sum(case when status = 'lost' then amount else 0 end) as lost
from finance.failed_payments
where last_failed_at >= cast($day as date) - interval 30 day
group by last_decline_kind, currency
order by decline_kind, currency
