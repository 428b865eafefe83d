-- Movements of the balance that some object names as its own: what it moved, what came back of it
-- when it failed, and all of a dispute's.
with named as (
    {%- for model, column in [
        ('stg_stripe__charges', 'balance_transaction_id'),
        ('stg_stripe__charges', 'failure_balance_transaction_id'),
        ('stg_stripe__refunds', 'balance_transaction_id'),
        ('stg_stripe__refunds', 'failure_balance_transaction_id'),
        ('stg_stripe__payouts', 'balance_transaction_id'),
        ('stg_stripe__payouts', 'failure_balance_transaction_id'),
        ('stg_stripe__transfers', 'balance_transaction_id'),
        ('stg_stripe__transfer_reversals', 'balance_transaction_id'),
        ('stg_stripe__application_fees', 'balance_transaction_id'),
        ('stg_stripe__application_fee_refunds', 'balance_transaction_id'),
        ('stg_stripe__topups', 'balance_transaction_id'),
        ('stg_stripe__dispute_balance_transactions', 'balance_transaction_id'),
    ] %}
    {{ 'union all' if not loop.first }}
    select {{ column }} as balance_transaction_id from {{ ref(model) }}
    {%- endfor %}
),

final as (
    select distinct balance_transaction_id from named
    where balance_transaction_id is not null
)

select * from final
