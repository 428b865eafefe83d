with landed as (
    {{ newest('refund') }}
),

parsed as (
    select
        id,
        created as created_at,
        {{ parse_json('payload', {
            'amount': 'bigint',
            'currency': 'varchar',
            'balance_transaction': 'json',
            'charge': 'json',
            'failure_balance_transaction': 'json',
            'failure_reason': 'varchar',
            'payment_intent': 'json',
            'reason': 'varchar',
            'source_transfer_reversal': 'json',
            'status': 'varchar',
            'transfer_reversal': 'json'
        }) }} as payload
    from landed
),

final as (
    select
        id,
        created_at,
        lower(payload.currency) as currency,
        payload.amount as amount,
        payload.status as status,
        payload.reason as reason,
        payload.failure_reason as failure_reason,
        {{ json_id('payload.charge', '$') }} as charge_id,
        {{ json_id('payload.payment_intent', '$') }} as payment_intent_id,
        {{ json_id('payload.balance_transaction', '$') }} as balance_transaction_id,
        {{ json_id('payload.failure_balance_transaction', '$') }} as failure_balance_transaction_id,
        {{ json_id('payload.transfer_reversal', '$') }} as transfer_reversal_id,
        {{ json_id('payload.source_transfer_reversal', '$') }} as source_transfer_reversal_id
    from parsed
)

select * from final
