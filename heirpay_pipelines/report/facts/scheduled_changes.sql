-- title: Changes of MRR that schedules plan
-- asset: finance/scheduled_changes
-- rows: select * from finance.scheduled_changes order by takes_effect_on

select currency, kind, count(*) as changes, sum(mrr_change) as mrr_change,
    min(takes_effect_on) as next_change
from finance.scheduled_changes
group by currency, kind
order by currency, kind
