-- Lines of the newest run of each of Stripe's own reports. Amounts are in major units, as there.
with landed as (
    {{ newest('report_row') }}
),

parsed as (
    select
        id,
        {{ parse_json('payload', {
            'run_id': 'varchar',
            'report_type': 'varchar',
            'row': {
                'automatic_payout_id': 'varchar',
                'balance_transaction_id': 'varchar',
                'category': 'varchar',
                'currency': 'varchar',
                'fee': 'decimal(24, 3)',
                'gross': 'decimal(24, 3)',
                'net': 'decimal(24, 3)',
                'net_amount': 'decimal(24, 3)',
                'reporting_category': 'varchar'
            }
        }) }} as payload
    from landed
),

runs as (
    select id from {{ ref('stg_report_runs') }}
),

final as (
    select
        parsed.id,
        parsed.payload.run_id as run_id,
        parsed.payload.report_type as report_type,
        parsed.payload.row.balance_transaction_id as balance_transaction_id,
        nullif(parsed.payload.row.automatic_payout_id, '') as payout_id,
        lower(parsed.payload.row.currency) as currency,
        parsed.payload.row.reporting_category as reporting_category,
        parsed.payload.row.category as summary_line,
        parsed.payload.row.gross as gross,
        parsed.payload.row.fee as fee,
        coalesce(parsed.payload.row.net, parsed.payload.row.net_amount) as net
    from parsed
    inner join runs on parsed.payload.run_id = runs.id
)

select * from final
