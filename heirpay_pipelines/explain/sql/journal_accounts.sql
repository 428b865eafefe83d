-- The journal of a day by account and currency.
select account, account_name, currency, sum(debit) as debit, sum(credit) as credit,
    count(distinct entry_id) as entries
from finance.journal_entries
where date = $date
group by all
order by currency, account
