-- title: Days on which opening, activity and payouts do not make the closing balance
-- asset: finance/balance_reconciliation
-- rows: select * from finance.balance_reconciliation where opening_balance + activity + payouts <> closing_balance

select
    count(*) as days,
    sum(case when opening_balance + activity + payouts <> closing_balance then 1 else 0 end)
        as broken_days
from finance.balance_reconciliation
