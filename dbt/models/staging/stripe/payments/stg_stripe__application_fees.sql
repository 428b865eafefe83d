with landed as (
    {{ newest('application_fee') }}
),

parsed as (
    select
        id,
        created as created_at,
        {{ parse_json('payload', {
            'account': 'json',
            'amount': 'bigint',
            'amount_refunded': 'bigint',
            'balance_transaction': 'json',
            'charge': 'json',
            'currency': 'varchar',
            'originating_transaction': 'json',
            'refunded': 'boolean',
            'refunds': {'data': [{
                'id': 'varchar',
                'amount': 'bigint',
                'balance_transaction': 'json',
                'created': 'bigint',
                'currency': 'varchar'
            }]}
        }) }} as payload
    from landed
),

final as (
    select
        id,
        created_at,
        lower(payload.currency) as currency,
        payload.amount as amount,
        coalesce(payload.amount_refunded, 0) as amount_refunded,
        coalesce(payload.refunded, false) as is_refunded,
        {{ json_id('payload.account', '$') }} as account_id,
        {{ json_id('payload.charge', '$') }} as charge_id,
        {{ json_id('payload.originating_transaction', '$') }} as originating_transaction_id,
        {{ json_id('payload.balance_transaction', '$') }} as balance_transaction_id,
        payload.refunds.data as refunds
    from parsed
)

select * from final
