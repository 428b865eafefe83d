-- title: Payouts by state
-- asset: finance/payout_reconciliation
-- rows: select * from finance.payout_reconciliation where status <> 'reconciled' order by arrival_date desc

select
    status,
    currency,
    count(*) as payouts,
    sum(payout_amount) as payout_amount,
    sum(difference) as difference
from finance.payout_reconciliation
group by status, currency
order by status, currency
