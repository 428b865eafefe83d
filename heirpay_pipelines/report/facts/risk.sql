-- title: Dispute and fraud ratios of the month so far
-- asset: finance/risk_daily
-- rows: select * from finance.risk_daily order by date desc

select *
from finance.risk_daily
where date = (select max(date) from finance.risk_daily where date <= $day)
order by currency
