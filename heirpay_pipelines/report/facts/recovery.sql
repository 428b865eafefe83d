-- title: Failed payments, what came back and how, by month
-- asset: finance/payment_recovery_monthly
-- rows: select * from finance.payment_recovery_monthly order by month desc, currency

select
    month, currency, payments_failed, amount_failed, amount_recovered, amount_by_automatic_retry,
    amount_by_new_payment_method, amount_by_manual, amount_at_risk, amount_lost,
    amount_recovery_rate
from finance.payment_recovery_monthly
where month in (cast($month as date), cast($month as date) - interval 1 month)
order by month desc, currency
