-- Every movement of money in gateway-neutral form: what a gateway's adapter fills, and what all
-- figures of revenue, reconciliation and bookkeeping read. Stripe's adapter is this model.
with transactions as (
    select * from {{ ref('stg_stripe__balance_transactions') }}
),

categories as (
    select * from {{ ref('reporting_categories') }}
),

final as (
    select
        transactions.id as ledger_id,
        'stripe' as gateway,
        transactions.created_at as occurred_at,
        {{ reporting_date('transactions.created_at') }} as occurred_on,
        transactions.available_at,
        transactions.balance_type,
        coalesce(transactions.reporting_category, 'none') as category,
        categories.reporting_category is not null as is_known_category,
        coalesce(categories.figure, 'other') as figure,
        coalesce(categories.is_payout, false) as is_payout,
        coalesce(categories.is_volume, false) as is_volume,
        transactions.source_id,
        transactions.currency,
        transactions.amount,
        transactions.fee,
        transactions.net
    from transactions
    left join categories on transactions.reporting_category = categories.reporting_category
)

select * from final
