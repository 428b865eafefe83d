with versions as (
    select * from {{ ref('stg_stripe__subscription_versions') }}
),

newest as (
    select subscription_id, max(version_number) as version_number
    from versions
    group by subscription_id
),

final as (
    select
        versions.subscription_id as id,
        versions.version_number,
        versions.observed_at,
        versions.customer_id,
        versions.status,
        versions.currency,
        versions.created_at,
        versions.started_at,
        versions.trial_started_at,
        versions.trial_ends_at,
        versions.cancel_at,
        versions.cancel_at_period_end,
        versions.canceled_at,
        versions.ended_at,
        versions.cancellation_reason,
        versions.cancellation_feedback,
        versions.collection_method,
        versions.pause_behavior,
        versions.pause_resumes_at,
        versions.latest_invoice_id,
        versions.schedule_id,
        versions.current_period_ends_at
    from versions
    inner join newest
        on
            versions.subscription_id = newest.subscription_id
            and versions.version_number = newest.version_number
)

select * from final
