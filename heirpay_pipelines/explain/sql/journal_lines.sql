-- Lines of one entry, or of an account and currency on a day.
select entry_id, line_number, date, account, account_name, currency, debit, credit, category,
    source_object
from finance.journal_entries
where
    ($entry is null or entry_id = $entry)
    and ($date is null or date = $date)
    and ($account is null or account = $account)
    and ($currency is null or currency = $currency)
order by date, entry_id, line_number
