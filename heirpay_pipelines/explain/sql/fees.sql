select type, amount, currency from staging.stg_stripe__balance_transaction_fees
where balance_transaction_id = $entry
order by type, amount
