-- What a subscription was, stretch by stretch of a month, and which version or bill says so.
select
    stretches.starts_at,
    stretches.ends_at,
    stretches.status,
    stretches.basis,
    stretches.mrr,
    versions.source,
    versions.event_id,
    versions.event_type,
    versions.observed_at
from intermediate.int_subscription_mrr as stretches
inner join intermediate.int_subscription_intervals as states
    on stretches.stretch_id = states.stretch_id
left join intermediate.int_subscription_observed_states as observed
    on states.state_id = observed.state_id
left join staging.stg_stripe__subscription_versions as versions
    on
        observed.subscription_id = versions.subscription_id
        and observed.version_number = versions.version_number
where
    stretches.subscription_id = $subscription
    and cast(stretches.starts_at as date) <= $as_of_date
    and (stretches.ends_at is null or stretches.ends_at > $month)
order by stretches.starts_at
