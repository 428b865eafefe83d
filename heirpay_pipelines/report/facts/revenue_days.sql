-- title: Net volume by day
-- asset: finance/daily_revenue
-- rows: select * from finance.daily_revenue where date > $day - interval 60 day order by date desc, currency

select date, currency, gross_volume, refunds, disputes, dispute_reversals, fees, other, net_volume
from finance.daily_revenue
where date > cast($day as date) - interval 60 day and date <= $day
order by date, currency
