-- title: Net volume of the last complete day and the day before, by part
-- asset: finance/daily_revenue
-- rows: select * from finance.daily_revenue where date >= $day_before order by date, currency

with parts as (
    unpivot (
        select
            date, currency, gross_volume, refunds, disputes, dispute_reversals, fees, other
        from finance.daily_revenue
        where date in ($day_before, $day)
    ) on gross_volume, refunds, disputes, dispute_reversals, fees, other
    into name part value amount
)

select
    currency,
    part,
    sum(case when date = $day then amount else 0 end) as amount,
    sum(case when date = $day_before then amount else 0 end) as amount_before,
    concat(
        'heirpay explain revenue --date ', strftime(cast($day as date), '%Y-%m-%d'),
        ' --currency ', currency
    ) as explain
from parts
group by currency, part
order by currency, part
