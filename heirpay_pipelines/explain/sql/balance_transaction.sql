-- The balance transaction that an entry books, with the payout that paid it out.
select transactions.id, transactions.type, transactions.reporting_category, transactions.created_at,
    transactions.source_id, transactions.currency, transactions.amount, transactions.fee,
    transactions.net, contents.payout_id
from staging.stg_stripe__balance_transactions as transactions
left join intermediate.int_payout_contents as contents
    on transactions.id = contents.balance_transaction_id
where transactions.id = $entry
