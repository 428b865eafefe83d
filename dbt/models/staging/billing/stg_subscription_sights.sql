-- Every sight of each subscription by the instant, opened: from lists and from events, and what was
-- before the first known change. The same version may have arrived twice. Payloads stream through
-- here; what has to be sorted or compared is keys alone.
{% set landed = source('landing', 'subscription') %}

-- A first pull lands the event log of 30 days, and of each object only what was listed.
with from_events as (
    select object_id as id, observed_at, 'event' as source, event_id, payload
    from {{ ref('stg_event_objects') }}
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
    select id, observed_at, source, event_id from from_events
),

-- The first that is known of a subscription may be a change: its event also says what was before
-- it. Changes of one second have no order: of those, all do, unless two changed the same field.
first_seen as (
    select id, observed_at, event_id
    from (
        select
            id,
            observed_at,
            event_id,
            rank() over (partition by id order by observed_at) as place
        from keys
    ) as ranked
    where place = 1
),

first_changes as (
    select
        first_seen.id,
        first_seen.observed_at as changed_at,
        first_seen.event_id,
        changes.payload,
        nullif(nullif(changes.previous_attributes, '{}'), 'null') as previous_attributes
    from first_seen
    left join {{ ref('stg_event_objects') }} as changes on first_seen.event_id = changes.event_id
),

overlapping as (
    select id
    from (
        select id, {{ explode_array(json_keys_of('previous_attributes')) }} as field
        from first_changes
        where previous_attributes is not null
    ) as fields
    group by id, field
    having count(*) > 1
),

before_first as (
    select
        id,
        changed_at,
        {{ json_patched_by('min(payload)', 'previous_attributes') }} as payload
    from first_changes
    where id not in (select id from overlapping)
    group by id, changed_at
    having count(*) = count(previous_attributes)
),

every_sight as (
    select id, observed_at, cast(null as timestamp) as changed_at, source, event_id, payload
    from {{ landed }}
    where {{ visible_landing() }}
    union all
    select id, observed_at, cast(null as timestamp) as changed_at, source, event_id, payload
    from from_events
    union all
    select
        id,
        {{ epoch(json_int('payload', '$.created')) }} as observed_at,
        changed_at,
        'previous' as source,
        cast(null as varchar) as event_id,
        payload
    from before_first
),

parsed as (
    select
        id,
        observed_at,
        changed_at,
        source,
        event_id,
        md5({{ text_key(['id', 'observed_at', 'source', 'event_id', 'payload']) }}) as version_id,
        {{ parse_json('payload', {
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
            'cancellation_details': {
                'reason': 'varchar',
                'feedback': 'varchar'
            },
            'collection_method': 'varchar',
            'pause_collection': {
                'behavior': 'varchar',
                'resumes_at': 'bigint'
            },
            'status_details': {
                'paused': {
                    'transitioned_at': 'bigint'
                }
            },
            'latest_invoice': 'json',
            'schedule': 'json',
            'billing_cycle_anchor': 'bigint',
            'current_period_start': 'bigint',
            'current_period_end': 'bigint',
            'discount': 'json',
            'discounts': ['json'],
            'plan': {
                'currency': 'varchar'
            },
            'items': {
                'data': [{
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
                }],
                'has_more': 'boolean'
            }
        }) }} as payload
    from every_sight
),

final as (
    select
        version_id,
        id as subscription_id,
        observed_at,
        changed_at,
        source,
        event_id,
        {{ json_id('payload.customer', '$') }} as customer_id,
        payload.status as status,
        lower(coalesce(payload.currency, payload.plan.currency)) as currency,
        {{ epoch('payload.created') }} as created_at,
        {{ epoch('payload.start_date') }} as started_at,
        {{ epoch('payload.trial_start') }} as trial_started_at,
        {{ epoch('payload.trial_end') }} as trial_ends_at,
        {{ epoch('payload.cancel_at') }} as cancel_at,
        coalesce(payload.cancel_at_period_end, false) as cancel_at_period_end,
        {{ epoch('payload.canceled_at') }} as canceled_at,
        {{ epoch('payload.ended_at') }} as ended_at,
        payload.cancellation_details.reason as cancellation_reason,
        payload.cancellation_details.feedback as cancellation_feedback,
        payload.collection_method as collection_method,
        payload.pause_collection.behavior as pause_behavior,
        {{ epoch('payload.pause_collection.resumes_at') }} as pause_resumes_at,
        {{ epoch('payload.status_details.paused.transitioned_at') }} as paused_at,
        {{ json_id('payload.latest_invoice', '$') }} as latest_invoice_id,
        {{ json_id('payload.schedule', '$') }} as schedule_id,
        {{ epoch('coalesce(payload.current_period_end, '
            ~ first_of('payload.items.data') ~ '.current_period_end)') }} as current_period_ends_at,
        -- The older shape has one `discount`, the newer a list of ids or objects.
        coalesce(payload.discounts, {{ array_of('payload.discount') }}) as discounts,
        payload.items.data as items
    from parsed
    -- An event that carries a truncated list of items is no whole version; pull fetches it again.
    where not coalesce(payload.items.has_more, false) or source = 'list'
)

select * from final
