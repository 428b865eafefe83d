-- Phases of subscription schedules that are still to come, each from the instant on which it
-- changes what is billed: its start, or the end of the trial that it begins with. A subscription
-- whose end comes first does not live to see them.
with schedules as (
    select * from {{ ref('stg_stripe__subscription_schedules') }}
    where status in ('active', 'not_started')
),

phases as (
    select
        schedule_id,
        phase_number,
        max(currency) as currency,
        case
            when max(trial_ends_at) > starts_at then max(trial_ends_at) else starts_at
        end as starts_at,
        ends_at
    from {{ ref('stg_stripe__subscription_schedule_phases') }}
    where starts_at > {{ as_of() }}
    group by schedule_id, phase_number, starts_at, ends_at
),

subscriptions as (
    select
        id,
        customer_id,
        currency,
        ended_at,
        case
            when cancel_at is not null then cancel_at
            when cancel_at_period_end then current_period_ends_at
        end as ends_at
    from {{ ref('stg_stripe__subscriptions') }}
),

final as (
    select
        {{ text_key(['phases.schedule_id', 'phases.phase_number']) }} as phase_id,
        phases.schedule_id,
        phases.phase_number,
        schedules.subscription_id,
        coalesce(subscriptions.customer_id, schedules.customer_id) as customer_id,
        coalesce(subscriptions.currency, phases.currency) as currency,
        phases.starts_at
    from phases
    inner join schedules on phases.schedule_id = schedules.id
    left join subscriptions on schedules.subscription_id = subscriptions.id
    where
        subscriptions.ended_at is null
        and coalesce(phases.starts_at < phases.ends_at, true)
        and coalesce(phases.starts_at < subscriptions.ends_at, true)
)

select * from final
