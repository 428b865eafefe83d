-- Lines of bank statements: written by the land step from files, not by Stripe.
with landed as (
    {{ newest('bank_transaction') }}
),

parsed as (
    select
        id,
        observed_at,
        {{ parse_json('payload', {
            'account': 'varchar',
            'amount': 'bigint',
            'booking_date': 'varchar',
            'currency': 'varchar',
            'description': 'varchar',
            'file_name': 'varchar',
            'file_sha256': 'varchar',
            'format': 'varchar',
            'is_final': 'boolean',
            'reference': 'varchar',
            'statement_id': 'varchar',
            'value_date': 'varchar'
        }) }} as payload
    from landed
),

final as (
    select
        id,
        observed_at,
        payload.account as bank_account,
        payload.statement_id as statement_id,
        payload.file_name as file_name,
        payload.file_sha256 as file_sha256,
        payload.format as format,
        try_cast(payload.booking_date as date) as booked_on,
        coalesce(try_cast(payload.value_date as date), try_cast(payload.booking_date as date))
            as value_date,
        lower(payload.currency) as currency,
        payload.amount as amount,
        payload.reference as reference,
        payload.description as description,
        coalesce(payload.is_final, true) as is_final
    from parsed
)

select * from final
