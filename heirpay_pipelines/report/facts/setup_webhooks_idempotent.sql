-- title: An event delivered twice is stored once
-- asset: operations/webhook_deliveries
-- rows: select * from operations.webhook_deliveries where deliveries > 1 order by created_at desc limit 20

select
    count(received_at) > 0 and count(*) = count(distinct event_id) as met,
    count(distinct event_id) || ' events in ' || coalesce(sum(deliveries), 0)
        || ' deliveries, ' || (count(*) - count(distinct event_id)) || ' stored twice' as evidence
from operations.webhook_deliveries
