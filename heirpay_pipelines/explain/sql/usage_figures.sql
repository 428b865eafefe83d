-- The published usage MRR of a month, one row per currency.
select month, currency, usage_mrr, subscriptions
from finance.usage_mrr_monthly
where month = $month and ($currency is null or currency = $currency)
order by currency
