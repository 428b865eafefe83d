-- title: Disputes by reason
-- asset: finance/disputes
-- rows: select * from finance.disputes order by opened_at desc

select
    reason,
    currency,
    count(*) as disputes,
    sum(amount) as amount,
    sum(case when outcome = 'won' then 1 else 0 end) as won,
    sum(case when outcome = 'lost' then 1 else 0 end) as lost
from finance.disputes
group by reason, currency
order by disputes desc, reason, currency
