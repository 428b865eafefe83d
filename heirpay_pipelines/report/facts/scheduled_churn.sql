-- title: Cancellations already asked for
-- asset: finance/scheduled_churn
-- rows: select * from finance.scheduled_churn order by ends_on

select currency, count(*) as subscriptions, sum(mrr) as mrr, min(ends_on) as next_end
from finance.scheduled_churn
group by currency
order by currency
