-- title: MRR movements of the month
-- asset: finance/mrr_movements
-- rows: select * from finance.mrr_movements where occurred_on >= $month order by abs(mrr_change_reporting) desc

select
    movement,
    currency,
    sum(mrr_change) as mrr_change,
    sum(mrr_change_reporting) as mrr_change_reporting,
    sum(case when occurred_on > $day_before then mrr_change_reporting else 0 end)
        as change_since_reporting,
    count(*) as movements
from finance.mrr_movements
where occurred_on >= $month and occurred_on < cast($month as date) + interval 1 month
group by all
order by movement, currency
