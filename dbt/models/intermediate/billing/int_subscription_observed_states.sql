-- The stretches during which a subscription was seen to be in one state: from the version that
-- showed the state until the next version.
with versions as (
    select
        *,
        lag(observed_at) over (
            partition by subscription_id order by version_number
        ) as seen_before_at,
        lag(status) over (partition by subscription_id order by version_number) as status_before
    from {{ ref('stg_subscription_versions') }}
),

-- A nightly observation comes after the fact; where the object itself dates the change between
-- two observations, that date counts.
dated as (
    select
        *,
        case
            when
                ended_at is not null
                and ended_at <= observed_at
                and (seen_before_at is null or ended_at > seen_before_at)
                then ended_at
            when
                source = 'list'
                and status_before = 'trialing'
                and status <> 'trialing'
                and trial_ends_at > seen_before_at
                and trial_ends_at <= observed_at
                then trial_ends_at
            when
                source = 'list'
                and status = 'paused'
                and paused_at <= observed_at
                and (seen_before_at is null or paused_at > seen_before_at)
                then paused_at
            else observed_at
        end as valid_from
    from versions
),

spans as (
    select
        *,
        lead(valid_from) over (partition by subscription_id order by version_number) as valid_to
    from dated
),

final as (
    select
        {{ text_key(['subscription_id', "'observed'", 'version_number']) }} as state_id,
        subscription_id,
        version_number,
        customer_id,
        currency,
        status,
        pause_behavior,
        pause_resumes_at,
        cancel_at_period_end or cancel_at is not null as is_ending,
        'observed' as basis,
        valid_from,
        valid_to
    from spans
    where valid_to is null or valid_to > valid_from
)

select * from final
