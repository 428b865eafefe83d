-- title: MRR movements by month
-- asset: finance/mrr_movements
-- rows: select * from finance.mrr_movements order by occurred_on desc, customer_id

select
    cast(date_trunc('month', occurred_on) as date) as month,
    movement,
    sum(mrr_change_reporting) as mrr_change_reporting,
    count(*) as movements
from finance.mrr_movements
where occurred_on >= cast($month as date) - interval 11 month
group by all
order by month, movement
