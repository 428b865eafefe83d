-- title: Webhooks arrive
-- asset: operations/webhook_deliveries
-- rows: select * from operations.webhook_deliveries order by created_at desc limit 20

select
    count(received_at) > 0 as met,
    count(received_at) || ' of ' || count(*) || ' events of the last seven days were delivered'
        as evidence
from operations.webhook_deliveries
where created_on > cast($as_of_date as date) - interval 7 day
