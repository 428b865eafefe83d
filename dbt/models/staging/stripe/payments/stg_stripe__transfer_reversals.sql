-- Reversals are listed on their own and, at most ten of them, within their transfer.
with transfers as (
    {{ newest('transfer') }}
),

within_transfers as (
    select {{ explode_array("payload.reversals.data") }} as reversal
    from (
        select {{ parse_json('payload', {'reversals': {'data': [{
            'id': 'varchar',
            'amount': 'bigint',
            'balance_transaction': 'json',
            'created': 'bigint',
            'currency': 'varchar',
            'source_refund': 'json',
            'transfer': 'json'
        }]}}) }} as payload
        from transfers
    ) as parsed
),

listed as (
    {{ newest('transfer_reversal') }}
),

parsed as (
    select
        id,
        created as created_at,
        {{ parse_json('payload', {
            'amount': 'bigint',
            'balance_transaction': 'json',
            'currency': 'varchar',
            'source_refund': 'json',
            'transfer': 'json'
        }) }} as payload
    from listed
),

every_place as (
    select
        id,
        created_at,
        lower(payload.currency) as currency,
        payload.amount as amount,
        {{ json_id('payload.transfer', '$') }} as transfer_id,
        {{ json_id('payload.source_refund', '$') }} as source_refund_id,
        {{ json_id('payload.balance_transaction', '$') }} as balance_transaction_id
    from parsed
    union all
    select
        reversal.id as id,
        {{ epoch('reversal.created') }} as created_at,
        lower(reversal.currency) as currency,
        reversal.amount as amount,
        {{ json_id('reversal.transfer', '$') }} as transfer_id,
        {{ json_id('reversal.source_refund', '$') }} as source_refund_id,
        {{ json_id('reversal.balance_transaction', '$') }} as balance_transaction_id
    from within_transfers
    where reversal.id is not null and reversal.id not in (select id from parsed)
),

final as (
    select
        id,
        created_at,
        currency,
        amount,
        transfer_id,
        source_refund_id,
        balance_transaction_id
    from every_place
)

select * from final
