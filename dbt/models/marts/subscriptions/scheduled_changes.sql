-- What subscription schedules change and when: each coming phase against what is billed before it,
-- and the end that a schedule plans. Cancellations asked for are scheduled_churn.
with phases as (
    select * from {{ ref('int_scheduled_phases') }}
),

items as (
    select interval_id, sum(mrr) as mrr, bool_and(is_priced) as is_priced
    from {{ ref('int_item_mrr') }}
    group by interval_id
),

unknown_discounts as (
    select distinct phase_id from {{ ref('int_scheduled_discounts') }}
    where not is_known
),

-- Metered items are no part of MRR; a licensed one without a known price, or less a discount that
-- is not known, makes it unknown.
priced as (
    select
        phases.*,
        case
            when coalesce(items.is_priced, true) and unknown_discounts.phase_id is null
                then coalesce(items.mrr, 0)
        end as mrr
    from phases
    left join items on phases.phase_id = items.interval_id
    left join unknown_discounts on phases.phase_id = unknown_discounts.phase_id
),

current_intervals as (
    select * from {{ ref('int_subscription_mrr') }}
    where ends_at is null
),

planned as (
    select
        priced.schedule_id,
        priced.phase_number,
        priced.subscription_id,
        priced.customer_id,
        priced.currency,
        priced.starts_at,
        case
            when priced.phase_number > min(priced.phase_number) over schedule
                then lag(priced.mrr) over (schedule order by priced.phase_number)
            when current_intervals.is_counted then current_intervals.mrr
            else 0
        end as mrr_before,
        priced.mrr
    from priced
    left join current_intervals on priced.subscription_id = current_intervals.subscription_id
    window schedule as (partition by priced.schedule_id)
),

last_phases as (
    select
        schedule_id,
        max(phase_number) as phase_number,
        max(ends_at) as ends_at
    from {{ ref('stg_stripe__subscription_schedule_phases') }}
    group by schedule_id
),

ends as (
    select
        schedules.id as schedule_id,
        last_phases.phase_number + 1 as phase_number,
        schedules.subscription_id,
        coalesce(current_intervals.customer_id, schedules.customer_id) as customer_id,
        coalesce(planned.currency, current_intervals.currency) as currency,
        last_phases.ends_at as starts_at,
        case
            when planned.schedule_id is not null then planned.mrr
            when current_intervals.is_counted then current_intervals.mrr
            else 0
        end as mrr_before,
        cast(0 as decimal(38, 12)) as mrr
    from {{ ref('stg_stripe__subscription_schedules') }} as schedules
    inner join last_phases on schedules.id = last_phases.schedule_id
    left join current_intervals on schedules.subscription_id = current_intervals.subscription_id
    left join planned
        on
            schedules.id = planned.schedule_id
            and last_phases.phase_number = planned.phase_number
    where
        schedules.status in ('active', 'not_started')
        and schedules.end_behavior = 'cancel'
        and last_phases.ends_at > {{ as_of() }}
        and not coalesce(current_intervals.is_ending, false)
),

changes as (
    select * from planned
    union all
    select * from ends
),

final as (
    select
        schedule_id,
        phase_number,
        subscription_id,
        customer_id,
        currency,
        {{ reporting_date('starts_at') }} as takes_effect_on,
        case
            when mrr is null or mrr_before is null then 'unknown'
            when mrr = 0 then 'churn'
            when mrr_before = 0 then 'new'
            when mrr > mrr_before then 'expansion'
            else 'contraction'
        end as kind,
        {{ publish_amount('mrr_before', 'currency', 12) }} as mrr_before,
        {{ publish_amount('mrr', 'currency', 12) }} as mrr,
        {{ publish_amount('mrr - mrr_before', 'currency', 12) }} as mrr_change
    from changes
    where mrr is distinct from mrr_before or mrr is null
)

select * from final
