-- title: Currencies in which customers paid, the last 90 days
-- asset: staging/stg_stripe__charges
-- rows: select currency, count(*) from staging.stg_stripe__charges where status = 'succeeded' group by currency

select currency, count(*) as payments
from staging.stg_stripe__charges
where
    status = 'succeeded' and created_at > cast($as_of as timestamp) - interval 90 day
    and created_at <= cast($as_of as timestamp)
group by currency
order by currency
