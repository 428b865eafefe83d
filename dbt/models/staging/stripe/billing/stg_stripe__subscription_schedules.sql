with landed as (
    {{ newest('subscription_schedule') }}
),

parsed as (
    select
        id,
        created as created_at,
        livemode,
        {{ parse_json('payload', {
            'customer': 'json',
            'subscription': 'json',
            'released_subscription': 'varchar',
            'status': 'varchar',
            'end_behavior': 'varchar',
            'current_phase': {
                'start_date': 'bigint',
                'end_date': 'bigint'
            },
            'canceled_at': 'bigint',
            'completed_at': 'bigint',
            'released_at': 'bigint'
        }) }} as payload
    from landed
),

final as (
    select
        id,
        created_at,
        {{ json_id('payload.customer', '$') }} as customer_id,
        coalesce(
            {{ json_id('payload.subscription', '$') }},
            payload.released_subscription
        ) as subscription_id,
        payload.status as status,
        payload.end_behavior as end_behavior,
        {{ epoch('payload.current_phase.start_date') }} as current_phase_starts_at,
        {{ epoch('payload.current_phase.end_date') }} as current_phase_ends_at,
        {{ epoch('payload.canceled_at') }} as canceled_at,
        {{ epoch('payload.completed_at') }} as completed_at,
        {{ epoch('payload.released_at') }} as released_at
    from parsed
)

select * from final
