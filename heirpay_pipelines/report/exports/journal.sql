-- The journal by day, account and currency, as an accounting system takes it: one numbered journal
-- for each day and currency. A day is the one on which the books take a line: what came late for a
-- closed month says which month it is of.
select
    strftime(posted_on, '%Y%m%d') || upper(currency) as journal_number,
    posted_on as date,
    account,
    account_name,
    account_type,
    upper(currency) as currency,
    sum(debit) as debit,
    sum(credit) as credit,
    'Stripe ' || category
        || case when posted_on <> date then ' of ' || strftime(date, '%Y-%m') else '' end as memo,
    count(distinct entry_id) as entries
from finance.journal_entries
where ($month is null or date_trunc('month', posted_on) = date_trunc('month', cast($month as date)))
group by posted_on, account, account_name, account_type, currency, memo
order by posted_on, currency, memo, account
