-- Debits equal credits in each entry and currency.
select entry_id, currency, sum(debit) as debit, sum(credit) as credit
from {{ ref('journal_entries') }}
group by entry_id, currency
having sum(debit) <> sum(credit)
