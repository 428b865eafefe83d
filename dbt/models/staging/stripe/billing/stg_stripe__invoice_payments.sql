with landed as (
    {{ newest('invoice_payment') }}
),

parsed as (
    select
        id,
        created as created_at,
        livemode,
        {{ parse_json('payload', {
            'invoice': 'json',
            'amount_paid': 'bigint',
            'amount_requested': 'bigint',
            'currency': 'varchar',
            'is_default': 'boolean',
            'status': 'varchar',
            'payment': {
                'type': 'varchar',
                'charge': 'json',
                'payment_intent': 'json'
            },
            'status_transitions': {
                'paid_at': 'bigint',
                'canceled_at': 'bigint'
            }
        }) }} as payload
    from landed
),

final as (
    select
        id,
        created_at,
        {{ json_id('payload.invoice', '$') }} as invoice_id,
        payload.payment.type as payment_type,
        {{ json_id('payload.payment.payment_intent', '$') }} as payment_intent_id,
        {{ json_id('payload.payment.charge', '$') }} as charge_id,
        lower(payload.currency) as currency,
        payload.amount_requested as amount_requested,
        payload.amount_paid as amount_paid,
        payload.status as status,
        payload.is_default as is_default,
        {{ epoch('payload.status_transitions.paid_at') }} as paid_at,
        {{ epoch('payload.status_transitions.canceled_at') }} as canceled_at
    from parsed
)

select * from final
