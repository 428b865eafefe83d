-- title: Payouts by state
-- asset: finance/payout_reconciliation
-- rows: select * from finance.payout_reconciliation where status <> 'reconciled' or bank_status = 'no_statement' order by arrival_date desc

-- Reconciled by Stripe's side alone is not reconciled with the bank: counted apart. What is on its
-- way is not unexplained: Stripe says what it contains when it is done with it.
select
    -- What was cancelled before it left was not returned by the bank.
    case when stripe_status = 'canceled' then 'cancelled' else status end as status,
    case
        when bank_status = 'no_statement' then 'no statement covers them'
        when bank_status = 'none' then 'not paid out'
        else 'statements cover them'
    end as bank,
    currency,
    count(*) as payouts,
    sum(payout_amount) as payout_amount,
    sum(case when status = 'unreconciled' then difference else 0 end) as difference,
    sum(case when status = 'in_transit' then difference else 0 end) as difference_pending
from finance.payout_reconciliation
group by all
order by status, bank, currency
