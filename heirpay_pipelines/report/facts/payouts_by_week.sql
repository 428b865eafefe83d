-- title: Payouts by week of arrival and state
-- asset: finance/payout_reconciliation
-- rows: select * from finance.payout_reconciliation order by arrival_date desc

select
    cast(date_trunc('week', arrival_date) as date) as week,
    status,
    count(*) as payouts
from finance.payout_reconciliation
where arrival_date > cast($as_of_date as date) - interval 13 week
group by all
order by week, status
