-- What each automatic payout contains: the movements that Stripe lists for it, without its own.
with listed as (
    select payout_id, balance_transaction_id from {{ ref('stg_stripe__payout_transactions') }}
),

ledger as (
    select ledger_id, source_id, category, currency, amount, fee, net from {{ ref('int_ledger') }}
),

final as (
    select
        listed.payout_id,
        listed.balance_transaction_id,
        ledger.ledger_id is not null as is_known,
        ledger.source_id,
        ledger.category,
        ledger.currency,
        ledger.amount,
        ledger.fee,
        ledger.net
    from listed
    left join ledger on listed.balance_transaction_id = ledger.ledger_id
    where
        ledger.ledger_id is null
        or not (ledger.category = 'payout' and ledger.source_id = listed.payout_id)
)

select * from final
