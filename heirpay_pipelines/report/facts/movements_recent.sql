-- title: Customers whose MRR moved since the day before
-- asset: finance/mrr_movements
-- rows: select * from finance.mrr_movements where occurred_on > $day_before order by abs(mrr_change_reporting) desc nulls last

select
    occurred_on, customer_id, currency, movement, mrr_before, mrr_after, mrr_change,
    mrr_change_reporting
from finance.mrr_movements
where occurred_on > $day_before
order by abs(mrr_change_reporting) desc nulls last, customer_id
limit 10
