-- One row per item of each phase: what the subscription is planned to be.
with landed as (
    {{ newest('subscription_schedule') }}
),

parsed as (
    select
        id,
        {{ parse_json('payload', {
            'phases': [{
                'start_date': 'bigint',
                'end_date': 'bigint',
                'trial_end': 'bigint',
                'currency': 'varchar',
                'coupon': 'json',
                'discounts': ['json'],
                'items': [{
                    'price': 'json', 'plan': 'json', 'quantity': 'bigint', 'discounts': ['json']
                }]
            }]
        }) }} as payload
    from landed
),

phases as (
    select id, {{ explode_array('payload.phases') }} as phase from parsed
),

items as (
    select id, phase, {{ explode_array('phase.items') }} as item from phases
),

final as (
    select
        id as schedule_id,
        dense_rank() over (partition by id order by phase.start_date) as phase_number,
        row_number() over (
            partition by id, phase.start_date order by cast(item as varchar)
        ) as item_number,
        {{ epoch('phase.start_date') }} as starts_at,
        {{ epoch('phase.end_date') }} as ends_at,
        {{ epoch('phase.trial_end') }} as trial_ends_at,
        lower(phase.currency) as currency,
        coalesce({{ json_id('item.price', '$') }}, {{ json_id('item.plan', '$') }}) as price_id,
        item.quantity as quantity,
        item.discounts as item_discounts,
        phase.discounts as phase_discounts,
        {{ json_id('phase.coupon', '$') }} as phase_coupon_id
    from items
)

select * from final
