-- Lines of a closed month that came after its close.
select entry_id, category, source_object, date, posted_on, account, account_name, currency, debit,
    credit
from finance.closed_period_journal_lines
where month = $month and ($account is null or account = $account)
order by posted_on, entry_id, line_number
