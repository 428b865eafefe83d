-- What a subscription was, interval by interval of a month, and which version or bill says so.
select
    intervals.starts_at,
    intervals.ends_at,
    intervals.status,
    intervals.basis,
    intervals.mrr,
    versions.source,
    versions.event_id,
    versions.event_type,
    versions.observed_at
from intermediate.int_subscription_mrr as intervals
inner join intermediate.int_subscription_intervals as states
    on intervals.interval_id = states.interval_id
left join intermediate.int_subscription_observed_states as observed
    on states.state_id = observed.state_id
left join staging.stg_stripe__subscription_versions as versions
    on
        observed.subscription_id = versions.subscription_id
        and observed.version_number = versions.version_number
where
    intervals.subscription_id = $subscription
    and cast(intervals.starts_at as date) <= $as_of_date
    and (intervals.ends_at is null or intervals.ends_at > $month)
order by intervals.starts_at
