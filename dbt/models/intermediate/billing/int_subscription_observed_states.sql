-- The intervals during which a subscription was seen to be in one state: from the version that
-- showed the state until the next version.
with logs as (
    select as_of as read_at, min({{ instant('covered_from') }}) as covered_from
    from {{ source('landing', 'coverage') }}
    where object_name = 'event' and status = 'complete' and covered_from is not null
    group by as_of
),

-- Events that carry no whole version, and discounts that come and go by themselves: since the
-- newest of them, at the earliest, a subscription is as it was listed.
changes as (
    select object_id as changed_id, observed_at as changed_at
    from {{ ref('stg_stripe__event_objects') }}
    where object_type = 'subscription'
    union all
    select customer_id as changed_id, ends_at as changed_at
    from {{ ref('stg_stripe__discounts') }}
    where ends_at is not null
    union all
    select discounts.customer_id as changed_id, events.created_at as changed_at
    from {{ ref('stg_stripe__events') }} as events
    inner join {{ ref('stg_stripe__discounts') }} as discounts on events.object_id = discounts.id
    where events.type like 'customer.discount.%'
),

-- What was listed was so when it was read; what an event says was before it, until that event.
first_known as (
    select
        subscription_id,
        customer_id,
        source,
        coalesce(changed_at, observed_at) as known_at
    from {{ ref('stg_stripe__subscription_versions') }}
    where version_number = 1 and source in ('list', 'previous')
),

first_covered as (
    select
        first_known.subscription_id,
        first_known.customer_id,
        first_known.source,
        first_known.known_at,
        min(logs.covered_from) as covered_from
    from first_known
    inner join logs
        on
            first_known.known_at = logs.read_at
            or (first_known.source = 'previous' and first_known.known_at < logs.read_at)
    group by all
),

changeable as (
    select *, subscription_id as changed_id from first_covered
    union all
    select *, customer_id as changed_id from first_covered
),

-- The newest change before it was known. (A left join by anything but equalities would compare
-- every row with every other.)
changed_before as (
    select
        changeable.subscription_id,
        max(changes.changed_at) as changed_at
    from changeable
    inner join changes on changeable.changed_id = changes.changed_id
    where
        changeable.known_at > changes.changed_at
        or (changeable.source = 'list' and changeable.known_at = changes.changed_at)
    group by changeable.subscription_id
),

first_since as (
    select
        first_covered.subscription_id,
        cast(1 as bigint) as version_number,
        first_covered.covered_from,
        changed_before.changed_at
    from first_covered
    left join changed_before on first_covered.subscription_id = changed_before.subscription_id
),

versions as (
    select
        *,
        coalesce(changed_at, observed_at) as known_at,
        lag(observed_at) over (
            partition by subscription_id order by version_number
        ) as seen_before_at,
        lag(status) over (partition by subscription_id order by version_number) as status_before
    from {{ ref('stg_stripe__subscription_versions') }}
),

-- A nightly observation comes after the fact; where the object itself dates the change between
-- two observations, that date counts. Of what was listed first and is in no event, the event log
-- says that it has been so for as long as the log reaches back.
dated as (
    select
        versions.*,
        case
            when
                versions.ended_at is not null
                and versions.ended_at <= versions.observed_at
                and (versions.seen_before_at is null or versions.ended_at > versions.seen_before_at)
                then versions.ended_at
            when
                versions.source = 'list'
                and versions.status_before = 'trialing'
                and versions.status <> 'trialing'
                and versions.trial_ends_at > versions.seen_before_at
                and versions.trial_ends_at <= versions.observed_at
                then versions.trial_ends_at
            when
                versions.source = 'list'
                and versions.status = 'paused'
                and versions.paused_at <= versions.observed_at
                and (
                    versions.seen_before_at is null
                    or versions.paused_at > versions.seen_before_at
                )
                then versions.paused_at
            when first_since.covered_from is not null
                then least(
                    versions.known_at,
                    greatest(
                        first_since.covered_from,
                        first_since.changed_at,
                        versions.created_at,
                        case
                            when
                                versions.trial_ends_at <= versions.known_at
                                and versions.status <> 'trialing'
                                then versions.trial_ends_at
                        end
                    )
                )
            else versions.known_at
        end as valid_from
    from versions
    left join first_since
        on
            versions.subscription_id = first_since.subscription_id
            and versions.version_number = first_since.version_number
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
