with subscriptions as (
    select * from {{ ref('stg_stripe__subscriptions') }}
    where trial_started_at is not null and trial_started_at <= {{ as_of() }}
),

-- A trial converted when its subscription counted afterwards, however the trial ended.
counted as (
    select subscription_id, max(coalesce(ends_at, {{ as_of() }})) as counted_until
    from {{ ref('int_subscription_mrr') }}
    where is_counted and mrr_list > 0
    group by subscription_id
),

trials as (
    select
        {{ month_of(reporting_date('subscriptions.trial_started_at')) }} as trial_month,
        subscriptions.currency,
        subscriptions.status = 'trialing' as is_running,
        counted.subscription_id is not null
        and counted.counted_until > subscriptions.trial_started_at as is_converted
    from subscriptions
    left join counted on subscriptions.id = counted.subscription_id
),

cohorts as (
    select
        trial_month,
        currency,
        count(*) as trials_started,
        count(*) filter (where is_converted) as trials_converted,
        count(*) filter (where is_running and not is_converted) as trials_running,
        count(*) filter (where not is_running and not is_converted) as trials_lost
    from trials
    group by trial_month, currency
),

final as (
    select
        trial_month,
        currency,
        trials_started,
        trials_running,
        trials_converted,
        trials_lost,
        {{ rate('trials_converted', 'trials_converted + trials_lost', 0, 0) }} as conversion_rate
    from cohorts
)

select * from final
