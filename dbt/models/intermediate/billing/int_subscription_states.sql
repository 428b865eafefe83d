-- The timeline of every subscription: observed where it was seen, estimated before.
with observed as (
    select * from {{ ref('int_subscription_observed_states') }}
),

estimated as (
    select * from {{ ref('int_subscription_estimated_states') }}
),

final as (
    select
        state_id,
        subscription_id,
        customer_id,
        currency,
        status,
        pause_behavior,
        pause_resumes_at,
        is_ending,
        basis,
        valid_from,
        valid_to
    from observed
    union all
    select
        state_id,
        subscription_id,
        customer_id,
        currency,
        status,
        null as pause_behavior,
        null as pause_resumes_at,
        false as is_ending,
        'estimated' as basis,
        valid_from,
        valid_to
    from estimated
)

select * from final
