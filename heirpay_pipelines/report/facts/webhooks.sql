-- title: Webhook deliveries of the last seven days
-- asset: operations/webhook_delivery_daily
-- rows: select * from operations.webhook_delivery_daily order by date desc

select
    coalesce(sum(events), 0) as events,
    coalesce(sum(delivered), 0) as delivered,
    coalesce(sum(late), 0) as late,
    case when count(missing) = count(*) then coalesce(sum(missing), 0) end as missing,
    case when count(awaited) = count(*) then coalesce(sum(awaited), 0) end as awaited,
    coalesce(sum(replayed), 0) as replayed,
    coalesce(sum(duplicates), 0) as duplicates,
    max(lag_seconds_p95) as lag_seconds_p95
from operations.webhook_delivery_daily
where date > cast($as_of_date as date) - interval 7 day
