with landed as (
    {{ newest('transfer') }}
),

parsed as (
    select
        id,
        created as created_at,
        {{ parse_json('payload', {
            'amount': 'bigint',
            'amount_reversed': 'bigint',
            'balance_transaction': 'json',
            'currency': 'varchar',
            'destination': 'json',
            'destination_payment': 'json',
            'reversed': 'boolean',
            'source_transaction': 'json',
            'source_type': 'varchar',
            'transfer_group': 'varchar'
        }) }} as payload
    from landed
),

final as (
    select
        id,
        created_at,
        lower(payload.currency) as currency,
        payload.amount as amount,
        coalesce(payload.amount_reversed, 0) as amount_reversed,
        coalesce(payload.reversed, false) as is_reversed,
        {{ json_id('payload.destination', '$') }} as destination_account_id,
        {{ json_id('payload.destination_payment', '$') }} as destination_payment_id,
        {{ json_id('payload.source_transaction', '$') }} as source_charge_id,
        {{ json_id('payload.balance_transaction', '$') }} as balance_transaction_id,
        payload.source_type as source_type,
        payload.transfer_group as transfer_group
    from parsed
)

select * from final
