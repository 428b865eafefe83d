-- title: Webhooks arrive
-- asset: operations/webhook_deliveries
-- rows: select * from operations.webhook_deliveries order by created_at desc limit 20

-- The last day on which anything happened that should have come, an hour left for its way: an
-- endpoint that died days ago does not receive, whatever it received before.
with happened as (
    select * from operations.webhook_deliveries
    where
        created_at <= cast($as_of as timestamp) - interval 1 hour
        and created_at > cast($as_of as timestamp) - interval 7 day
),

newest as (
    select * from happened
    where created_at > (select max(created_at) from happened) - interval 24 hour
)

select
    case when count(*) > 0 then count(received_at) * 2 >= count(*) else false end as met,
    case when count(*) = 0 then 'no event of the last seven days was delivered or expected'
        else count(received_at) || ' of ' || count(*) || ' events of the 24 hours up to '
            || cast(max(created_at) as varchar) || ' were delivered, the last at '
            || coalesce(cast(max(received_at) as varchar), 'no time') end as evidence
from newest
