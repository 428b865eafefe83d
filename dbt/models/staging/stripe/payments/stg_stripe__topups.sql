with landed as (
    {{ newest('topup') }}
),

parsed as (
    select
        id,
        created as created_at,
        {{ parse_json('payload', {
            'amount': 'bigint',
            'balance_transaction': 'json',
            'currency': 'varchar',
            'expected_availability_date': 'bigint',
            'failure_code': 'varchar',
            'statement_descriptor': 'varchar',
            'status': 'varchar',
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
        payload.status as status,
        payload.failure_code as failure_code,
        {{ json_id('payload.balance_transaction', '$') }} as balance_transaction_id,
        {{ epoch('payload.expected_availability_date') }} as expected_available_at,
        payload.statement_descriptor as statement_descriptor,
        payload.transfer_group as transfer_group
    from parsed
)

select * from final
