-- What is priced item by item: each counted interval of a subscription's timeline, and each phase
-- that its schedule plans.
with counted as (
    select interval_id, state_id, subscription_id, currency, starts_at
    from {{ ref('int_subscription_intervals') }}
    where is_counted
),

planned as (
    select phase_id as interval_id, phase_id as state_id, subscription_id, currency, starts_at
    from {{ ref('int_scheduled_phases') }}
),

final as (
    select * from counted
    union all
    select * from planned
)

select * from final
