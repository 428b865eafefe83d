-- Movements of the balance that some object names as its own: what it moved, what came back of it
-- when it failed, and all of a dispute's.
with named as (
    {%- for model, column in [
        ('stg_charges', 'balance_transaction_id'),
        ('stg_charges', 'failure_balance_transaction_id'),
        ('stg_refunds', 'balance_transaction_id'),
        ('stg_refunds', 'failure_balance_transaction_id'),
        ('stg_payouts', 'balance_transaction_id'),
        ('stg_payouts', 'failure_balance_transaction_id'),
        ('stg_transfers', 'balance_transaction_id'),
        ('stg_transfer_reversals', 'balance_transaction_id'),
        ('stg_application_fees', 'balance_transaction_id'),
        ('stg_application_fee_refunds', 'balance_transaction_id'),
        ('stg_topups', 'balance_transaction_id'),
        ('stg_dispute_balance_transactions', 'balance_transaction_id'),
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
