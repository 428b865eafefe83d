-- The balance transactions of a day and currency, the largest first.
select ledger_id, occurred_at, category, figure, source_id, amount, fee
from intermediate.int_ledger
where balance_type = 'payments' and occurred_on = $date and currency = $currency
order by abs(amount) desc, ledger_id
