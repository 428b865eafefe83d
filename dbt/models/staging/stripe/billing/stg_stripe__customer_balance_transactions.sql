with landed as (
    {{ newest('customer_balance_transaction') }}
),

parsed as (
    select
        id,
        created as created_at,
        livemode,
        {{ parse_json('payload', {
            'amount': 'bigint',
            'currency': 'varchar',
            'ending_balance': 'bigint',
            'type': 'varchar',
            'customer': 'json',
            'invoice': 'json',
            'credit_note': 'json'
        }) }} as payload
    from landed
),

final as (
    select
        id,
        created_at,
        {{ json_id('payload.customer', '$') }} as customer_id,
        payload.type as type,
        lower(payload.currency) as currency,
        payload.amount as amount,
        payload.ending_balance as ending_balance,
        {{ json_id('payload.invoice', '$') }} as invoice_id,
        {{ json_id('payload.credit_note', '$') }} as credit_note_id
    from parsed
)

select * from final
