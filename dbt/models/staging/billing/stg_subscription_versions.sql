-- Every version of each subscription that was seen by the instant, from lists and from events, and
-- the one before the first known change.
with landed as (
    select id, observed_at, source, event_id, payload
    from {{ source('landing', 'subscription') }}
    where observed_at <= {{ as_of() }} and (created is null or created <= {{ as_of() }})
),

-- A first pull lands the event log of 30 days, and of each object only what was listed.
from_events as (
    select object_id as id, observed_at, 'event' as source, event_id, payload
    from {{ ref('stg_event_objects') }}
    where
        object_type = 'subscription'
        and event_id not in (
            select event_id from landed
            where event_id is not null
        )
),

seen as (
    select distinct *, cast(null as timestamp) as changed_at from landed
    union all
    select *, cast(null as timestamp) as changed_at from from_events
),

-- The first that is known of a subscription may be a change: its event also says what was before
-- it. Two changes of one second have no order: of those, none does.
first_seen as (
    select
        id,
        event_id,
        observed_at,
        rank() over (partition by id order by observed_at) as place,
        count(*) over (partition by id, observed_at) as of_this_second
    from seen
),

before_first as (
    select
        first_seen.id,
        first_seen.observed_at as changed_at,
        {{ json_patched('changes.payload', 'changes.previous_attributes') }} as payload
    from first_seen
    inner join {{ ref('stg_event_objects') }} as changes on first_seen.event_id = changes.event_id
    where
        first_seen.place = 1
        and first_seen.of_this_second = 1
        and changes.previous_attributes not in ('{}', 'null')
),

every_version as (
    select * from seen
    union all
    select
        id,
        {{ epoch(json_int('payload', '$.created')) }} as observed_at,
        'previous' as source,
        cast(null as varchar) as event_id,
        payload,
        changed_at
    from before_first
),

events as (
    select id, type, created_at from {{ ref('stg_events') }}
),

parsed as (
    select
        seen.id,
        seen.observed_at,
        seen.changed_at,
        seen.source,
        seen.event_id,
        md5(seen.payload) as fingerprint,
        events.type as event_type,
        {{ parse_json('seen.payload', {
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
    from every_version as seen
    left join events on seen.event_id = events.id
),

-- An event that carries a truncated list of items is no whole version; pull fetches it again.
whole as (
    select * from parsed
    where not coalesce(payload.items.has_more, false) or source = 'list'
),

-- Several versions of one second: created first, deleted last, and what was listed after all.
final as (
    select
        id as subscription_id,
        row_number() over (
            partition by id
            order by
                observed_at,
                case
                    when source = 'previous' then 0
                    when source = 'list' then 2
                    else 1
                end,
                case
                    when event_type = 'customer.subscription.created' then 0
                    when event_type = 'customer.subscription.deleted' then 2
                    else 1
                end,
                payload.ended_at nulls first,
                event_id,
                fingerprint
        ) as version_number,
        observed_at,
        changed_at,
        source,
        event_id,
        event_type,
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
    from whole
)

select * from final
