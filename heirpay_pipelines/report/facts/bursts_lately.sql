-- title: Card testing of the last seven days
-- asset: finance/card_testing_bursts
-- rows: select * from finance.card_testing_bursts order by started_at desc

select count(*) as bursts, coalesce(sum(attempts), 0) as attempts, max(ended_at) as last_at
from finance.card_testing_bursts
where
    ended_at > cast($as_of as timestamp) - interval 7 day and ended_at <= cast($as_of as timestamp)
