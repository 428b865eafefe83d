select type, amount, currency from staging.balance_transaction_fees
where balance_transaction_id = $entry
order by type, amount
