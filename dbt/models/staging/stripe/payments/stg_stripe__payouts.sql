with landed as (
    {{ newest('payout') }}
),

parsed as (
    select
        id,
        created as created_at,
        {{ parse_json('payload', {
            'amount': 'bigint',
            'arrival_date': 'bigint',
            'automatic': 'boolean',
            'balance_transaction': 'json',
            'currency': 'varchar',
            'destination': 'json',
            'failure_balance_transaction': 'json',
            'failure_code': 'varchar',
            'method': 'varchar',
            'original_payout': 'json',
            'reconciliation_status': 'varchar',
            'reversed_by': 'json',
            'source_type': 'varchar',
            'statement_descriptor': 'varchar',
            'status': 'varchar',
            'trace_id': {'status': 'varchar', 'value': 'varchar'},
            'type': 'varchar'
        }) }} as payload
    from landed
),

final as (
    select
        id,
        created_at,
        -- Stripe states the bank's date as midnight UTC: a date, not an instant.
        cast({{ epoch('payload.arrival_date') }} as date) as arrival_date,
        lower(payload.currency) as currency,
        payload.amount as amount,
        payload.status as status,
        payload.type as type,
        payload.method as method,
        coalesce(payload.automatic, false) as is_automatic,
        payload.reconciliation_status as reconciliation_status,
        {{ json_id('payload.balance_transaction', '$') }} as balance_transaction_id,
        {{ json_id('payload.failure_balance_transaction', '$') }} as failure_balance_transaction_id,
        payload.failure_code as failure_code,
        {{ json_id('payload.original_payout', '$') }} as original_payout_id,
        {{ json_id('payload.reversed_by', '$') }} as reversed_by_payout_id,
        {{ json_id('payload.destination', '$') }} as destination_id,
        payload.source_type as source_type,
        payload.statement_descriptor as statement_descriptor,
        payload.trace_id.status as trace_id_status,
        payload.trace_id.value as trace_id
    from parsed
)

select * from final
