{{ config(schema='operations') }}
-- Delivery per day: how much came, how late, how much never.
with deliveries as (
    select created_on, status, deliveries, lag_seconds from {{ ref('webhook_deliveries') }}
),

final as (
    select
        created_on as date,
        count(*) as events,
        sum(case when status = 'delivered' then 1 else 0 end) as delivered,
        sum(case when status = 'late' then 1 else 0 end) as late,
        -- Without the event log nobody knows what should have come.
        case
            when not {{ is_unread('event', 'created_on') }}
                then sum(case when status = 'missing' then 1 else 0 end)
        end as missing,
        case
            when not {{ is_unread('event', 'created_on') }}
                then sum(case when status = 'awaited' then 1 else 0 end)
        end as awaited,
        sum(case when status = 'replayed' then 1 else 0 end) as replayed,
        sum(case when deliveries > 1 then deliveries - 1 else 0 end) as duplicates,
        cast(percentile_cont(0.5) within group (order by lag_seconds) as decimal(18, 3))
            as lag_seconds_p50,
        cast(percentile_cont(0.95) within group (order by lag_seconds) as decimal(18, 3))
            as lag_seconds_p95,
        cast(percentile_cont(0.99) within group (order by lag_seconds) as decimal(18, 3))
            as lag_seconds_p99
    from deliveries
    group by created_on
)

select * from final
