-- Subscriptions that count today and whose end is planned.
with current_intervals as (
    select * from {{ ref('int_subscription_mrr') }}
    where ends_at is null and is_counted and is_ending and mrr > 0
),

subscriptions as (
    select * from {{ ref('stg_stripe__subscriptions') }}
),

final as (
    select
        intervals.subscription_id,
        intervals.customer_id,
        intervals.currency,
        {{ publish_amount('intervals.mrr', 'intervals.currency', 12) }} as mrr,
        {{ reporting_date(
            "coalesce(subscriptions.cancel_at, subscriptions.current_period_ends_at)"
        ) }} as ends_on,
        {{ reporting_date('subscriptions.canceled_at') }} as asked_on,
        subscriptions.cancellation_reason,
        subscriptions.cancellation_feedback
    from current_intervals as intervals
    inner join subscriptions on intervals.subscription_id = subscriptions.id
)

select * from final
