-- title: Customers who churned since the day before
-- asset: finance/mrr_movements
-- rows: select * from finance.mrr_movements where movement = 'churn' and occurred_on > $day_before

select count(*) as customers
from finance.mrr_movements
where movement = 'churn' and occurred_on > $day_before
    and occurred_on < cast($month as date) + interval 1 month
