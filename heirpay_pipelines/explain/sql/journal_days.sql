-- The days of an account and currency in a month.
select date, sum(debit) as debit, sum(credit) as credit, count(distinct entry_id) as entries
from finance.journal_entries
where date >= $month and date < cast($month as date) + interval 1 month
    and account = $account and currency = $currency
group by date
order by date
