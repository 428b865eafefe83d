-- title: Bursts of card testing
-- asset: finance/card_testing_bursts
-- rows: select * from finance.card_testing_bursts order by started_at desc

select
    started_on, currency, attempts, failed, cards, succeeded, amount_taken, amount_not_refunded,
    burst_id
from finance.card_testing_bursts
order by started_at desc, burst_id
limit 10
