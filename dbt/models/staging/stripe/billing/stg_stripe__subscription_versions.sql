-- Every version of each subscription that was seen by the instant, each once and in order: the
-- history. Only keys are sorted and compared.
{% set observations = ref('stg_stripe__subscription_observations') %}

with arrived_again as (
    select version_id from {{ observations }} group by version_id having count(*) > 1
),

once as (
    select * from {{ observations }}
    where version_id not in (select version_id from arrived_again)
    union all
    select distinct * from {{ observations }}
    where version_id in (select version_id from arrived_again)
),

keys as (
    select distinct
        observations.version_id,
        observations.subscription_id,
        observations.observed_at,
        observations.source,
        observations.event_id,
        observations.ended_at,
        events.type as event_type,
        event_order.place
    from {{ observations }} as observations
    left join {{ ref('stg_stripe__events') }} as events on observations.event_id = events.id
    left join {{ ref('stg_stripe__subscription_event_order') }} as event_order
        on observations.event_id = event_order.event_id
),

-- Several versions of one second: created first, deleted last, else as each tells what was before
-- it, and what was listed after all.
placed as (
    select
        version_id,
        event_type,
        row_number() over (
            partition by subscription_id
            order by
                observed_at,
                case
                    when source = 'previous' then 0
                    when source = 'list' then 2
                    else 1
                end,
                case
                    when event_type = 'customer.subscription.created' then 0
                    when event_type = 'customer.subscription.deleted' then 2
                    else 1
                end,
                place nulls last,
                ended_at nulls first,
                event_id,
                version_id
        ) as version_number
    from keys
),

final as (
    select once.*, placed.version_number, placed.event_type
    from once
    inner join placed on once.version_id = placed.version_id
)

select * from final
