-- The estimated items of a subscription, cut into intervals during which none of them changed.
with items as (
    select * from {{ ref('int_subscription_estimated_items') }}
),

subscriptions as (
    select id, status, trial_started_at, trial_ends_at from {{ ref('stg_stripe__subscriptions') }}
),

cuts as (
    select subscription_id, starts_at as cut_at from items
    union
    select subscription_id, ends_at as cut_at from items
),

intervals as (
    select
        subscription_id,
        cut_at as valid_from,
        lead(cut_at) over (partition by subscription_id order by cut_at) as valid_to
    from cuts
),

billed as (
    select
        intervals.subscription_id,
        intervals.valid_from,
        intervals.valid_to,
        min(items.customer_id) as customer_id,
        min(items.currency) as currency
    from intervals
    inner join items
        on
            intervals.subscription_id = items.subscription_id
            and intervals.valid_from >= items.starts_at
            and intervals.valid_to <= items.ends_at
    group by intervals.subscription_id, intervals.valid_from, intervals.valid_to
),

final as (
    select
        {{ text_key(['billed.subscription_id', "'estimated'", 'billed.valid_from']) }} as state_id,
        billed.subscription_id,
        billed.customer_id,
        billed.currency,
        case
            when subscriptions.status in ('incomplete', 'incomplete_expired')
                then subscriptions.status
            when
                billed.valid_from >= subscriptions.trial_started_at
                and billed.valid_from < subscriptions.trial_ends_at
                then 'trialing'
            else 'active'
        end as status,
        billed.valid_from,
        billed.valid_to
    from billed
    left join subscriptions on billed.subscription_id = subscriptions.id
)

select * from final
