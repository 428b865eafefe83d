-- title: Open breaks by kind
-- asset: finance/reconciliation_breaks
-- rows: select kind, currency, count(*), sum(amount) from finance.reconciliation_breaks group by all

select
    kind,
    currency,
    count(*) as breaks,
    sum(abs(amount)) as amount,
    sum(case when first_seen_on >= $day then 1 else 0 end) as new_breaks,
    max(age_days) as oldest_days
from finance.reconciliation_breaks
group by kind, currency
order by breaks desc, kind, currency
