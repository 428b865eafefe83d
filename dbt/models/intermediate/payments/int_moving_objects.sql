-- Objects beside charges, refunds and payouts that move the balance: what each should have moved it
-- by, in the object's currency, and whether its movement is due.
with dispute_movements as (
    select
        dispute_id,
        min(case when reporting_category = 'dispute' then balance_transaction_id end)
            as withdrawn_id,
        min(case when reporting_category = 'dispute_reversal' then balance_transaction_id end)
            as reinstated_id
    from {{ ref('stg_stripe__dispute_balance_transactions') }}
    group by dispute_id
),

objects as (
    select
        'transfer' as object, id, currency, -amount as amount, balance_transaction_id, created_at,
        true as is_due
    from {{ ref('stg_stripe__transfers') }}
    union all
    select
        'transfer_reversal' as object, id, currency, amount, balance_transaction_id, created_at,
        true as is_due
    from {{ ref('stg_stripe__transfer_reversals') }}
    union all
    select
        'application_fee' as object, id, currency, amount, balance_transaction_id, created_at,
        true as is_due
    from {{ ref('stg_stripe__application_fees') }}
    union all
    select
        'fee_refund' as object, id, currency, -amount as amount, balance_transaction_id, created_at,
        true as is_due
    from {{ ref('stg_stripe__application_fee_refunds') }}
    union all
    select
        'topup' as object, id, currency, amount, balance_transaction_id, created_at,
        status = 'succeeded' as is_due
    from {{ ref('stg_stripe__topups') }}
    union all
    -- Only a lost dispute is sure to have taken money: an inquiry takes none.
    select
        'dispute' as object,
        disputes.id,
        disputes.currency,
        -disputes.amount as amount,
        dispute_movements.withdrawn_id as balance_transaction_id,
        disputes.created_at,
        disputes.status = 'lost' as is_due
    from {{ ref('stg_stripe__disputes') }} as disputes
    left join dispute_movements on disputes.id = dispute_movements.dispute_id
    union all
    -- A dispute that was won gives back what it took.
    select
        'won_dispute' as object,
        disputes.id,
        disputes.currency,
        disputes.amount,
        dispute_movements.reinstated_id as balance_transaction_id,
        disputes.created_at,
        disputes.status = 'won' as is_due
    from {{ ref('stg_stripe__disputes') }} as disputes
    inner join dispute_movements on disputes.id = dispute_movements.dispute_id
    where dispute_movements.withdrawn_id is not null
    union all
    -- A refund that failed after it left comes back.
    select
        'failed_refund' as object,
        id,
        currency,
        amount,
        failure_balance_transaction_id as balance_transaction_id,
        created_at,
        status = 'failed' as is_due
    from {{ ref('stg_stripe__refunds') }}
    where balance_transaction_id is not null
),

final as (
    select
        object,
        id,
        currency,
        amount,
        balance_transaction_id,
        {{ reporting_date('created_at') }} as seen_on,
        is_due and created_at <= {{ as_of() }} - interval 1 hour as is_due
    from objects
)

select * from final
