-- title: Types of events that arrived in seven days
-- asset: operations/webhook_deliveries
-- rows: select event_type, count(received_at) from operations.webhook_deliveries group by event_type

select event_type, count(received_at) as received
from operations.webhook_deliveries
where
    created_at > cast($as_of as timestamp) - interval 7 day
    and created_at <= cast($as_of as timestamp)
group by event_type
order by event_type
