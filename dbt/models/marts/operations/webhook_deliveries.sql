{{ config(schema='operations') }}
-- Inbox against event log: one row per event that the endpoint received or should have received.
-- An event is expected when its type has been delivered before and it is not older than the first
-- delivery of that type: what the endpoint is not subscribed to is not missing.
with deliveries as (
    select
        event_id,
        type,
        deliveries,
        account,
        form,
        not_used,
        {{ epoch('created') }} as created_at,
        cast(substr(received_at, 1, 23) as timestamp) as received_at,
        cast(substr(replayed_at, 1, 23) as timestamp) as replayed_at
    from {{ source('state', 'webhook_deliveries') }}
),

received as (
    select * from deliveries where received_at <= {{ as_of() }}
),

events as (
    select id, type, created_at, object_id from {{ ref('stg_stripe__events') }}
),

subscribed as (
    select type, min(created_at) as since
    from received
    -- What is delivered for connected accounts, or thin, says nothing of our own event log.
    where deliveries > 0 and form = 'snapshot' and not_used is null
    group by type
),

expected as (
    select events.id, events.type, events.created_at, events.object_id
    from events
    inner join subscribed on events.type = subscribed.type
    where events.created_at >= subscribed.since
),

compared as (
    select
        coalesce(expected.id, received.event_id) as event_id,
        coalesce(expected.type, received.type) as event_type,
        coalesce(expected.created_at, received.created_at) as created_at,
        expected.object_id,
        case when received.deliveries > 0 then received.received_at end as received_at,
        received.replayed_at,
        coalesce(received.deliveries, 0) as deliveries,
        coalesce(received.form, 'snapshot') as form,
        received.account as event_account_id,
        received.not_used as not_used_because
    from expected
    full outer join received on expected.id = received.event_id
),

measured as (
    select
        compared.*,
        {{ seconds_between('created_at', 'received_at') }} as lag_seconds,
        {{ seconds_between('created_at', as_of()) }} as age_seconds
    from compared
),

final as (
    select
        event_id,
        event_type,
        created_at,
        {{ reporting_date('created_at') }} as created_on,
        object_id,
        received_at,
        replayed_at,
        deliveries,
        form,
        event_account_id,
        not_used_because,
        lag_seconds,
        case
            when lag_seconds <= {{ var('webhook_late_after_seconds', 300) }} then 'delivered'
            when received_at is not null then 'late'
            when replayed_at is not null then 'replayed'
            when age_seconds <= {{ var('webhook_missing_after_seconds', 3600) }} then 'awaited'
            else 'missing'
        end as status
    from measured
)

select * from final
