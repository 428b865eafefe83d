-- Every sight of each subscription by the instant, opened: from lists and from events, and what was
-- before the first known change. The same version may have arrived twice. Payloads stream through
-- here; what has to be sorted or compared is keys alone.
{% set landed = source('landing', 'subscription') %}

-- A first pull lands the event log of 30 days, and of each object only what was listed.
with events_alone as (
    select event_id from {{ ref('stg_event_objects') }}
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
    from {{ ref('stg_event_objects') }}
    where event_id in (select event_id from events_alone)
),

-- The first that is known of a subscription may be a change: its event also says what was before
-- it. Two changes of one second (a renewal and its invoice) have no order: both do, unless they
-- changed the same field.
ranked as (
    select
        id,
        observed_at,
        event_id,
        rank() over (partition by id order by observed_at) as place,
        row_number() over (partition by id, observed_at order by event_id) as number,
        count(*) over (partition by id, observed_at) as sights,
        count(event_id) over (partition by id, observed_at) as events
    from keys
),

first_seen as (
    select id, observed_at, event_id, number, events from ranked
    where place = 1 and sights = events and events <= 2
),

second_changes as (
    select first_seen.id, changes.previous_attributes
    from first_seen
    inner join {{ ref('stg_event_objects') }} as changes on first_seen.event_id = changes.event_id
    where first_seen.number = 2
),

before_first as (
    select
        first_seen.id,
        first_seen.observed_at as changed_at,
        case
            when first_seen.events = 1
                then {{ json_patched('changes.payload', 'changes.previous_attributes') }}
            else {{ json_patched(
                json_patched('changes.payload', 'changes.previous_attributes'),
                'second_changes.previous_attributes'
            ) }}
        end as payload
    from first_seen
    inner join {{ ref('stg_event_objects') }} as changes on first_seen.event_id = changes.event_id
    left join second_changes on first_seen.id = second_changes.id
    where
        first_seen.number = 1
        and changes.previous_attributes not in ('{}', 'null')
        and (
            first_seen.events = 1
            or (
                second_changes.previous_attributes not in ('{}', 'null')
                and not {{ have_common_fields(
                    'changes.previous_attributes', 'second_changes.previous_attributes'
                ) }}
            )
        )
),

every_sight as (
    select id, observed_at, cast(null as timestamp) as changed_at, source, event_id, payload
    from {{ landed }}
    where {{ visible_landing() }}
    union all
    select
        object_id as id,
        observed_at,
        cast(null as timestamp) as changed_at,
        'event' as source,
        event_id,
        payload
    from {{ ref('stg_event_objects') }}
    where event_id in (select event_id from events_alone)
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
