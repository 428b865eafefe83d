-- Every observation of each subscription by the instant, opened: from lists and from events, and
-- what was before the first known change. The same version may have arrived twice. Payloads stream
-- through here; what has to be sorted or compared is keys alone.
{% set landed = source('landing', 'subscription') %}
{% set shape = {
    'customer': 'json',
    'status': 'varchar',
    'currency': 'varchar',
    'created': 'bigint',
    'start_date': 'bigint',
    'trial_start': 'bigint',
    'trial_end': 'bigint',
    'cancel_at': 'bigint',
    'cancel_at_period_end': 'boolean',
    'canceled_at': 'bigint',
    'ended_at': 'bigint',
    'cancellation_details': 'json',
    'collection_method': 'varchar',
    'pause_collection': 'json',
    'status_details': 'json',
    'latest_invoice': 'json',
    'schedule': 'json',
    'current_period_end': 'bigint',
    'discount': 'json',
    'discounts': 'json',
    'plan': 'json',
    'items': {
        'data': 'json',
        'has_more': 'boolean'
    }
} %}
{% set objects = [
    'cancellation_details', 'discount', 'pause_collection', 'plan', 'status_details'
] %}
{% set item = {
    'id': 'varchar',
    'quantity': 'bigint',
    'price': {
        'currency': 'varchar',
        'billing_scheme': 'varchar',
        'unit_amount': 'decimal(38, 12)',
        'unit_amount_decimal': 'decimal(38, 12)',
        'tiers_mode': 'varchar',
        'tax_behavior': 'varchar',
        'recurring': {
            'interval': 'varchar',
            'interval_count': 'bigint',
            'usage_type': 'varchar',
            'meter': 'varchar'
        },
        'transform_quantity': {
            'divide_by': 'bigint',
            'round': 'varchar'
        },
        'id': 'varchar'
    },
    'plan': {
        'currency': 'varchar',
        'billing_scheme': 'varchar',
        'amount': 'decimal(38, 12)',
        'amount_decimal': 'decimal(38, 12)',
        'tiers_mode': 'varchar',
        'interval': 'varchar',
        'interval_count': 'bigint',
        'usage_type': 'varchar',
        'meter': 'varchar',
        'transform_usage': {
            'divide_by': 'bigint',
            'round': 'varchar'
        },
        'id': 'varchar'
    },
    'discounts': ['json'],
    'current_period_start': 'bigint',
    'current_period_end': 'bigint',
    'created': 'bigint'
} %}

-- A first pull lands the event log of 30 days, and of each object only what was listed.
with events_alone as (
    select event_id from {{ ref('stg_stripe__event_objects') }}
    where
        object_type = 'subscription'
        and event_id not in (
            select event_id from {{ landed }}
            where {{ visible_landing() }} and event_id is not null
        )
),

keys as (
    select distinct id, observed_at, source, event_id
    from {{ landed }}
    where {{ visible_landing() }}
    union all
    select object_id as id, observed_at, 'event' as source, event_id
    from {{ ref('stg_stripe__event_objects') }}
    where event_id in (select event_id from events_alone)
),

-- The first that is known of a subscription may be a change: its event also says what was before
-- it; of several in one second the one from which the others follow. Two of which neither follows
-- from the other (a renewal and its invoice) both do, unless they changed the same field.
ranked as (
    select
        keys.id,
        keys.observed_at,
        keys.event_id,
        coalesce(event_order.is_whole, false) as is_ordered,
        rank() over (partition by keys.id order by keys.observed_at) as place,
        row_number() over (
            partition by keys.id, keys.observed_at
            order by event_order.place nulls last, keys.event_id
        ) as number,
        count(*) over (partition by keys.id, keys.observed_at) as observations,
        count(keys.event_id) over (partition by keys.id, keys.observed_at) as events
    from keys
    left join {{ ref('stg_stripe__subscription_event_order') }} as event_order
        on keys.event_id = event_order.event_id
),

first_seen as (
    select id, event_id, number, case when is_ordered then 1 else events end as events
    from ranked
    where place = 1 and observations = events and (is_ordered or events <= 2)
),

second_changes as (
    select first_seen.id, changes.previous_attributes
    from first_seen
    inner join {{ ref('stg_stripe__event_objects') }} as changes
        on first_seen.event_id = changes.event_id
    where first_seen.number = 2 and first_seen.events = 2
),

-- Keys and changes alone: a join that is left of payloads would keep them all in memory.
firsts as (
    select first_seen.event_id, second_changes.previous_attributes as second_patch
    from first_seen
    left join second_changes on first_seen.id = second_changes.id
    where
        first_seen.number = 1
        and (
            first_seen.events = 1
            or second_changes.previous_attributes not in ('{}', 'null')
        )
),

-- Each event is met once: for what it carries, for what was before it, or for both.
wanted as (
    select event_id, false as is_before, cast(null as varchar) as second_patch from events_alone
    union all
    select event_id, true as is_before, second_patch from firsts
),

told as (
    select
        changes.object_id as id,
        changes.observed_at,
        changes.event_id,
        changes.payload,
        wanted.is_before,
        case when wanted.is_before then changes.previous_attributes end as patch,
        wanted.second_patch
    from {{ ref('stg_stripe__event_objects') }} as changes
    inner join wanted on changes.event_id = wanted.event_id
    where
        not wanted.is_before
        or (
            changes.previous_attributes not in ('{}', 'null')
            and (
                wanted.second_patch is null
                or not {{ have_common_fields(
                    'changes.previous_attributes', 'wanted.second_patch'
                ) }}
            )
        )
),

every_observation as (
    select
        id,
        observed_at,
        cast(null as timestamp) as changed_at,
        source,
        event_id,
        payload,
        cast(null as varchar) as patch,
        cast(null as varchar) as second_patch
    from {{ landed }}
    where {{ visible_landing() }}
    union all
    select
        id,
        case
            when is_before then {{ epoch(json_int('payload', '$.created')) }} else observed_at
        end as observed_at,
        case when is_before then observed_at end as changed_at,
        case when is_before then 'previous' else 'event' end as source,
        case when not is_before then event_id end as event_id,
        payload,
        patch,
        second_patch
    from told
),

read as (
    select
        id,
        observed_at,
        changed_at,
        source,
        event_id,
        {{ json_names('patch') }} as names,
        {{ json_names('second_patch') }} as second_names,
        md5({{ text_key([
            'id', 'observed_at', 'source', 'event_id', 'payload', 'patch', 'second_patch'
        ]) }}) as version_id,
        {{ parse_json('payload', shape) }} as stated,
        {{ parse_json('patch', shape) }} as changed,
        {{ parse_json('second_patch', shape) }} as second_changed
    from every_observation
),

before_one as (
    select
        id,
        observed_at,
        changed_at,
        source,
        event_id,
        version_id,
        second_names,
        second_changed,
        {%- for name in shape if name != 'items' %}
        {{ json_overlaid(
            name, 'stated.' ~ name, 'names', 'changed.' ~ name, name in objects
        ) }} as {{ name }},
        {%- endfor %}
        -- Stripe's lists are stated whole.
        coalesce(changed.items.has_more, stated.items.has_more) as has_more_items,
        coalesce(changed.items.data, stated.items.data) as items
    from read
),

parsed as (
    select
        id,
        observed_at,
        changed_at,
        source,
        event_id,
        version_id,
        {%- for name in shape if name != 'items' %}
        {{ json_overlaid(
            name, name, 'second_names', 'second_changed.' ~ name, name in objects
        ) }} as {{ name }},
        {%- endfor %}
        coalesce(second_changed.items.has_more, has_more_items) as has_more_items,
        coalesce(second_changed.items.data, items) as items
    from before_one
),

opened as (
    select
        version_id,
        id,
        observed_at,
        changed_at,
        source,
        event_id,
        customer,
        status,
        currency,
        created,
        start_date,
        trial_start,
        trial_end,
        cancel_at,
        cancel_at_period_end,
        canceled_at,
        ended_at,
        collection_method,
        latest_invoice,
        schedule,
        current_period_end,
        discount,
        {{ parse_json('items', [item]) }} as items,
        {{ parse_json('discounts', ['json']) }} as discounts,
        {{ parse_json('plan', {'currency': 'varchar'}) }} as plan,
        {{ parse_json('cancellation_details', {
            'reason': 'varchar', 'feedback': 'varchar'
        }) }} as cancellation,
        {{ parse_json('pause_collection', {
            'behavior': 'varchar', 'resumes_at': 'bigint'
        }) }} as pause,
        {{ parse_json('status_details', {
            'paused': {'transitioned_at': 'bigint'}
        }) }} as details
    from parsed
    -- An event that carries a truncated list of items is no whole version; pull fetches it again.
    where not coalesce(has_more_items, false) or source = 'list'
),

final as (
    select
        version_id,
        id as subscription_id,
        observed_at,
        changed_at,
        source,
        event_id,
        {{ json_id('customer', '$') }} as customer_id,
        status,
        lower(coalesce(currency, plan.currency)) as currency,
        {{ epoch('created') }} as created_at,
        {{ epoch('start_date') }} as started_at,
        {{ epoch('trial_start') }} as trial_started_at,
        {{ epoch('trial_end') }} as trial_ends_at,
        {{ epoch('cancel_at') }} as cancel_at,
        coalesce(cancel_at_period_end, false) as cancel_at_period_end,
        {{ epoch('canceled_at') }} as canceled_at,
        {{ epoch('ended_at') }} as ended_at,
        cancellation.reason as cancellation_reason,
        cancellation.feedback as cancellation_feedback,
        collection_method,
        pause.behavior as pause_behavior,
        {{ epoch('pause.resumes_at') }} as pause_resumes_at,
        {{ epoch('details.paused.transitioned_at') }} as paused_at,
        {{ json_id('latest_invoice', '$') }} as latest_invoice_id,
        {{ json_id('schedule', '$') }} as schedule_id,
        {{ epoch('coalesce(current_period_end, '
            ~ first_of('items') ~ '.current_period_end)') }} as current_period_ends_at,
        -- The older shape has one `discount`, the newer a list of ids or objects.
        coalesce(discounts, {{ array_of('discount') }}) as discounts,
        items
    from opened
)

select * from final
