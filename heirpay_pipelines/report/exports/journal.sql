-- The journal by day, account and currency, as an accounting system takes it.
select
    date,
    account,
    account_name,
    upper(currency) as currency,
    sum(debit) as debit,
    sum(credit) as credit,
    'Stripe ' || category as memo,
    count(distinct entry_id) as entries
from finance.journal_entries
group by all
order by date, currency, memo, account
