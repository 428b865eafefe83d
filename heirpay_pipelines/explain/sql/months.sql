-- The published figures of a month, one row per currency.
select month, currency, as_of_date, published.mrr, mrr_exact, published.mrr_estimated,
    published.active_customers, published.active_subscriptions
from finance.mrr_monthly as published
inner join intermediate.int_mrr_months using (month, currency)
where month = $month
order by currency
