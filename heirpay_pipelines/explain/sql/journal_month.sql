-- The journal of a month by account and currency.
select account, account_name, currency, sum(debit) as debit, sum(credit) as credit,
    count(distinct entry_id) as entries
from finance.journal_entries
where date >= $month and date < cast($month as date) + interval 1 month
    and ($account is null or account = $account)
group by all
order by currency, account
