-- Bank statements: written by the land step from files, not by Stripe. Minor units.
with landed as (
    {{ newest('bank_statement') }}
),

parsed as (
    select
        id,
        observed_at,
        {{ parse_json('payload', {
            'account': 'varchar',
            'closes_period': 'boolean',
            'closing': 'bigint',
            'currency': 'varchar',
            'file_name': 'varchar',
            'first_date': 'varchar',
            'format': 'varchar',
            'is_final': 'boolean',
            'last_date': 'varchar',
            'lines': 'bigint',
            'opening': 'bigint',
            'repeats': 'bigint',
            'statement_id': 'varchar',
            'total': 'bigint'
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
        payload.format as format,
        lower(payload.currency) as currency,
        try_cast(payload.first_date as date) as first_on,
        try_cast(payload.last_date as date) as last_on,
        payload.lines as line_count,
        payload.total as total,
        payload.opening as opening,
        payload.closing as closing,
        -- Release 0.1.0 landed final statements only, and did not say what they repeat.
        coalesce(payload.is_final, true) as is_final,
        coalesce(payload.repeats, 0) as repeats,
        coalesce(payload.closes_period, true) as closes_period
    from parsed
)

select * from final
