-- Lines of the runs of Stripe's own reports that still hold. Amounts are in major units, as there.
with runs as (
    select * from {{ ref('stg_stripe__report_runs') }}
),

-- A line's id names its run: lines of runs that newer ones took over are not even parsed.
landed as (
    select * from ({{ newest('report_row') }}) as newest
    where split_part(id, ':', 1) in (select id from runs)
),

parsed as (
    select
        id,
        {{ parse_json('payload', {
            'run_id': 'varchar',
            'report_type': 'varchar',
            'row': {
                'automatic_payout_effective_at_utc': 'varchar',
                'automatic_payout_id': 'varchar',
                'balance_transaction_id': 'varchar',
                'category': 'varchar',
                'created_utc': 'varchar',
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

typed as (
    select
        id,
        payload.run_id as run_id,
        payload.report_type as report_type,
        payload.row.balance_transaction_id as balance_transaction_id,
        nullif(payload.row.automatic_payout_id, '') as payout_id,
        {{ instant('payload.row.created_utc') }} as created_at,
        {{ instant('payload.row.automatic_payout_effective_at_utc') }} as effective_at,
        lower(payload.row.currency) as currency,
        nullif(payload.row.reporting_category, '') as reporting_category,
        payload.row.category as summary_line,
        payload.row.gross as gross,
        payload.row.fee as fee,
        coalesce(payload.row.net, payload.row.net_amount) as net
    from parsed
),

-- Where a line states no instant, its run's newest interval is the only one to count.
final as (
    select typed.*
    from typed
    inner join runs on typed.run_id = runs.id
    where
        runs.is_newest
        or case
            when typed.report_type = 'payout_reconciliation.itemized.5' then typed.effective_at
            else typed.created_at
        end < runs.holds_until
)

select * from final
