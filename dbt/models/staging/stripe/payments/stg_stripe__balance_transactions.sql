-- The biggest table: its payload is read once, the fees are exploded from the parsed list.
with landed as (
    {{ newest('balance_transaction') }}
),

parsed as (
    select
        id,
        created as created_at,
        {{ parse_json('payload', {
            'amount': 'bigint',
            'available_on': 'bigint',
            'balance_type': 'varchar',
            'currency': 'varchar',
            'exchange_rate': 'decimal(24, 12)',
            'fee': 'bigint',
            'fee_details': [{
                'amount': 'bigint',
                'application': 'varchar',
                'currency': 'varchar',
                'type': 'varchar'
            }],
            'net': 'bigint',
            'reporting_category': 'varchar',
            'source': 'json',
            'status': 'varchar',
            'type': 'varchar'
        }) }} as payload
    from landed
),

final as (
    select
        id,
        created_at,
        {{ epoch('payload.available_on') }} as available_at,
        lower(payload.currency) as currency,
        payload.amount as amount,
        payload.fee as fee,
        payload.net as net,
        payload.reporting_category as reporting_category,
        payload.type as type,
        payload.status as status,
        coalesce(payload.balance_type, 'payments') as balance_type,
        {{ json_id('payload.source', '$') }} as source_id,
        payload.exchange_rate as exchange_rate,
        payload.fee_details as fee_details
    from parsed
)

select * from final
