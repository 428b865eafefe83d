-- In which order events of one subscription and one second came: what one says was before it is
-- what another one shows. Where several orders fit (a change and its way back), what was known
-- before and after that second decides. Few events share a second: only their payloads are read.
{% set compared = {
    'status': 'varchar',
    'cancel_at': 'bigint',
    'cancel_at_period_end': 'boolean',
    'pause_collection': {'behavior': 'varchar', 'resumes_at': 'bigint'},
    'items': {'data': [{'id': 'varchar', 'quantity': 'bigint', 'price': {'id': 'varchar'}}]}
} %}
with recursive seconds as (
    select object_id, observed_at, count(*) as events
    from {{ ref('stg_stripe__event_objects') }}
    where object_type = 'subscription'
    group by object_id, observed_at
    having count(*) > 1
),

tied as (
    select
        changes.event_id,
        changes.object_id,
        changes.observed_at,
        seconds.events,
        events.type,
        changes.payload,
        {{ parse_json('changes.payload', compared) }} as state,
        case
            when changes.previous_attributes not in ('{}', 'null') then changes.previous_attributes
        end as previous_attributes
    from {{ ref('stg_stripe__event_objects') }} as changes
    inner join seconds
        on
            changes.object_id = seconds.object_id
            and changes.observed_at = seconds.observed_at
    left join {{ ref('stg_stripe__events') }} as events on changes.event_id = events.id
    where changes.object_type = 'subscription'
),

-- Which event can come right after which. One that says nothing of what was before it shows what
-- the one before it shows.
pairs as (
    select
        earlier.object_id,
        earlier.observed_at,
        earlier.event_id as earlier_id,
        later.event_id as later_id
    from tied as earlier
    inner join tied as later
        on
            earlier.object_id = later.object_id
            and earlier.observed_at = later.observed_at
            and earlier.event_id <> later.event_id
    where
        coalesce(later.type <> 'customer.subscription.created', true)
        and coalesce(earlier.type <> 'customer.subscription.deleted', true)
        and (
            (
                later.previous_attributes is not null
                and {{ json_holds('earlier.payload', 'later.previous_attributes') }}
            )
            or (later.previous_attributes is null and earlier.state = later.state)
            or later.type = 'customer.subscription.deleted'
        )
),

-- All orders of up to five events are tried; of more, one from each first event.
chains as (
    select
        object_id,
        observed_at,
        events,
        event_id as first_id,
        event_id as last_id,
        concat(',', event_id, ',') as path,
        1 as length
    from tied

    union all

    select
        object_id,
        observed_at,
        events,
        first_id,
        later_id as last_id,
        concat(path, later_id, ',') as path,
        length + 1 as length
    from (
        select
            chains.*,
            pairs.later_id,
            row_number() over (
                partition by chains.object_id, chains.observed_at, chains.path
                order by pairs.later_id
            ) as place
        from chains
        inner join pairs
            on
                chains.object_id = pairs.object_id
                and chains.observed_at = pairs.observed_at
                and chains.last_id = pairs.earlier_id
        where position(concat(',', pairs.later_id, ',') in chains.path) = 0
    ) as grown
    where place = 1 or events <= 5
),

-- What is known of the same subscriptions at other times.
others as (
    select
        landed.id as object_id,
        landed.observed_at,
        true as is_listed,
        landed.payload,
        cast(null as varchar) as previous_attributes
    from {{ source('landing', 'subscription') }} as landed
    where
        {{ visible_landing() }}
        and landed.source = 'list'
        and landed.id in (select object_id from seconds)
    union all
    select object_id, observed_at, false as is_listed, payload, previous_attributes
    from {{ ref('stg_stripe__event_objects') }}
    where object_type = 'subscription' and object_id in (select object_id from seconds)
),

before_second as (
    select
        seconds.object_id,
        seconds.observed_at,
        others.payload,
        row_number() over (
            partition by seconds.object_id, seconds.observed_at order by others.observed_at desc
        ) as place
    from seconds
    inner join others
        on
            seconds.object_id = others.object_id
            and seconds.observed_at > others.observed_at
),

after_second as (
    select
        seconds.object_id,
        seconds.observed_at,
        others.previous_attributes,
        {{ parse_json('others.payload', compared) }} as state,
        row_number() over (
            partition by seconds.object_id, seconds.observed_at
            order by others.observed_at, others.is_listed
        ) as place
    from seconds
    inner join others
        on
            seconds.object_id = others.object_id
            and (
                seconds.observed_at < others.observed_at
                or (seconds.observed_at = others.observed_at and others.is_listed)
            )
),

ranked as (
    select
        chains.path,
        chains.object_id,
        chains.observed_at,
        chains.length = chains.events as is_whole,
        row_number() over (
            partition by chains.object_id, chains.observed_at
            order by
                chains.length desc,
                coalesce(
                    case
                        when after_second.previous_attributes not in ('{}', 'null')
                            then {{ json_holds(
                                'lasts.payload', 'after_second.previous_attributes'
                            ) }}
                        else after_second.state = lasts.state
                    end, false
                ) desc,
                coalesce(
                    {{ json_holds('before_second.payload', 'firsts.previous_attributes') }}, false
                ) desc,
                coalesce(firsts.type = 'customer.subscription.created', false) desc,
                chains.path
        ) as place
    from chains
    inner join tied as firsts on chains.first_id = firsts.event_id
    inner join tied as lasts on chains.last_id = lasts.event_id
    left join before_second  -- noqa: ST11
        on
            chains.object_id = before_second.object_id
            and chains.observed_at = before_second.observed_at
            and before_second.place = 1
    left join after_second
        on
            chains.object_id = after_second.object_id
            and chains.observed_at = after_second.observed_at
            and after_second.place = 1
),

final as (
    select
        tied.event_id,
        tied.object_id as subscription_id,
        cast(nullif(position(concat(',', tied.event_id, ',') in ranked.path), 0) as bigint)
            as place,
        ranked.is_whole
    from tied
    inner join ranked
        on
            tied.object_id = ranked.object_id
            and tied.observed_at = ranked.observed_at
            and ranked.place = 1
)

select * from final
